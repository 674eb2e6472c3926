"""How token classification is learnt: the room of the task that may import torch."""
