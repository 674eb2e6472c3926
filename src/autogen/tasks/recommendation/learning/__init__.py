"""Learning to recommend; the only room of the task that imports torch."""
