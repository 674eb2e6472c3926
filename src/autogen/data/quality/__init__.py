"""What rows say of themselves: counts, label errors, near-duplicates, a learning curve."""
