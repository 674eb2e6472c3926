"""How held-out rows are scored while a classifier learns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autogen.training.loop.answers import Outputs
from autogen.training.search.trial import OnScore


@dataclass(frozen=True)
class Accuracy:
    """Share of in-scope rows whose largest logit is the right label's; `gold` holds label indices, below 0 for none."""

    gold: NDArray[np.intp]
    on_score: OnScore | None = None

    def __call__(self, outputs: Outputs) -> float:
        known = self.gold >= 0
        right = outputs[0].argmax(axis=1)[known] == self.gold[known]
        score = float(right.mean()) if known.any() else 0.0
        if self.on_score is not None:
            self.on_score(score, right)
        return score

    def lost(self, before: Outputs, after: Outputs) -> float:
        return self(before) - self(after)
