"""What can be learnt: one package per task."""
