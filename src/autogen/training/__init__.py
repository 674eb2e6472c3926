"""The learning wing's engine for any network: batches, trainer, export with its parity check. Uses torch."""
