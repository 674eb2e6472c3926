"""The learning wing's engine: batches, trainer, export with its parity check. Uses torch."""
