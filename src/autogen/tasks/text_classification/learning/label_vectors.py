"""Label vectors fitted to embeddings that stay as they are: the cosine head alone, on all rows at once."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from autogen.models.network import NetworkOutput
from autogen.tasks.text_classification.learning.classifier import START_SCALE
from autogen.tasks.text_classification.learning.losses import classification_loss

STEPS = 100
LEARNING_RATE = 0.01
OUTLIER_WEIGHT = 0.5


def fit_vectors(start: Tensor, points: Tensor, gold: Tensor) -> Tensor:
    """Vectors of length one, (labels, hidden), that tell the points' labels apart, from those in `start`. `points` are
    of length one, (rows, hidden); `gold` holds label indices, -1 for rows out of scope. A few seconds for ten thousand
    rows: nothing passes through the encoder."""
    vectors = functional.normalize(start, dim=-1).clone().requires_grad_()
    points = points.to(vectors)
    optimizer = torch.optim.Adam([vectors], LEARNING_RATE)
    for _ in range(STEPS):
        logits = START_SCALE * points @ functional.normalize(vectors, dim=-1).T
        loss = classification_loss(NetworkOutput(logits, points), gold.to(vectors.device), 0.0, 0.0, OUTLIER_WEIGHT)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call] # torch is untyped here
        optimizer.step()
    return functional.normalize(vectors.detach(), dim=-1)
