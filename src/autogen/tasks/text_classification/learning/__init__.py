"""Learning to classify texts; the only room of the task that imports torch."""
