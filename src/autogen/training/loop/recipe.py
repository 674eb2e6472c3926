"""What the loop needs to know of a run: how fast what learns, for how long, and from which signal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from autogen.training.loop.answers import Outputs
from autogen.training.loop.batching import class_indices

# what the network answers to a batch (its own named tuple), the batch's targets → the mean loss
Loss = Callable[[Any, Tensor], Tensor]
# what the network answers to the held-out rows, without the embedding → a score in 0–1, the more the better
Score = Callable[[Outputs], float]


@dataclass(frozen=True)
class LoopRecipe:
    """Rates are for each step, shares in 0–1, sizes in rows."""

    learning_rate: float
    head_learning_rate: float
    layer_decay: float  # each layer's rate is so many times that of the one above
    weight_decay: float
    warmup_share: float
    epochs: int
    train_batch_size: int
    eval_batch_size: int
    balanced: bool  # batches of two rows from each of several groups, for a contrastive loss
    seed: int


@dataclass(frozen=True)
class Objective:
    """What is learnt: several processes are told of it, so that its functions must be such as pickle can name."""

    loss: Loss
    targets: Callable[[Sequence[Any]], Tensor] = class_indices  # the targets of a batch's rows as a tensor
    score: Score | None = None  # None where no rows are held out
