"""What agents look things up in."""
