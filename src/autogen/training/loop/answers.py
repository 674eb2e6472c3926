"""What a model in training answers, to rows of like length at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from autogen.runtime.encoding import Encoded, TextEncoder
from autogen.tasks.text_classification.learning.classifier import Classifier
from autogen.training.loop.frozen import HiddenStates

Logits = NDArray[np.float32]
OnScore = Callable[[NDArray[np.bool_]], None]  # told after each epoch which in-scope held-out rows are answered rightly


def answers(
    model: Classifier,
    encoder: TextEncoder,
    rows: Sequence[Encoded],
    bf16: bool,
    batch_size: int = 32,
    hidden: HiddenStates | None = None,
) -> tuple[Logits, Logits]:
    """Logits (rows, labels) and embeddings (rows, hidden) of the model in training, rows in the order given."""
    device = next(model.parameters()).device
    logits: list[Any] = [None] * len(rows)
    embeddings: list[Any] = [None] * len(rows)
    training = model.training
    model.eval()
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        for places, arrays in encoder.sorted_batches(rows, batch_size):
            batch = {name: torch.from_numpy(values).to(device) for name, values in arrays.items()}
            if hidden:
                batch["hidden"] = hidden.pad([rows[at] for at in places]).to(device)
            found = model.answer(batch)
            for at, one, embedding in zip(
                places, found.logits.float().cpu(), found.embedding.float().cpu(), strict=True
            ):
                logits[at], embeddings[at] = one.numpy(), embedding.numpy()
    model.train(training)
    return np.stack(logits), np.stack(embeddings)


@dataclass(frozen=True)
class Accuracy:
    """Share of in-scope rows whose largest logit is the right label's."""

    gold: NDArray[np.intp]
    on_score: OnScore | None = None

    def __call__(self, logits: Logits) -> float:
        known = self.gold >= 0
        right = logits.argmax(axis=1)[known] == self.gold[known]
        if self.on_score is not None:
            self.on_score(right)
        return float(right.mean()) if known.any() else 0.0
