"""The training loop: batches, rates, precision, checkpoints."""
