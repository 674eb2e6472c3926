"""Telling in-scope texts from outliers: the largest logit, and beside it a direction in the embedding. No torch.

A logit says how near a text is to a label, and little of what else it might be. A logistic regression of known rows
against texts that are out of scope (on the model's own embedding) adds that. Its sum with the largest logit is the
score; far from all that is known the confidence falls with it (Platt 1999).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class OutlierDetector:
    """score = largest logit + embedding · direction + offset; the probability that a text is in scope is the logistic
    function of slope · (score − middle)."""

    direction: tuple[float, ...]  # as wide as the embedding; empty: the largest logit alone
    offset: float
    weight: float = 1.0  # of direction and offset, which hold it already
    slope: float = 0.0
    middle: float = 0.0
    outlier_mean: float = 0.0  # of the scores of the outliers that it was fitted to
    outlier_spread: float = 0.0  # 0: not known
    alike: tuple[str, ...] = ()  # fingerprints of packaged outliers that look like the project's intents

    def scores(self, logits: Floats, embeddings: Floats) -> Floats:
        """(rows, labels) and (rows, width) → (rows,)."""
        if not self.direction:
            return np.asarray(logits.max(axis=1))
        return np.asarray(logits.max(axis=1) + embeddings @ self._direction + self.offset)

    @cached_property
    def _direction(self) -> Floats:
        """Made once: every message is scored by it."""
        return np.asarray(self.direction)

    def in_scope_probability(self, scores: Floats) -> Floats:
        """1 everywhere where it was not fitted."""
        if self.slope <= 0:
            return np.ones_like(scores)
        return np.asarray(1 / (1 + np.exp(-np.clip(self.slope * (scores - self.middle), -60, 60))))

    def to_json(self) -> dict[str, Any]:
        return {
            "direction": [float(f"{value:.6g}") for value in self.direction],
            "offset": self.offset,
            "weight": self.weight,
            "slope": self.slope,
            "middle": self.middle,
            "outlier_mean": self.outlier_mean,
            "outlier_spread": self.outlier_spread,
            "alike": list(self.alike),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> OutlierDetector:
        return cls(
            direction=tuple(map(float, values["direction"])),
            offset=float(values["offset"]),
            weight=float(values["weight"]),
            slope=float(values["slope"]),
            middle=float(values["middle"]),
            outlier_mean=float(values.get("outlier_mean", 0)),
            outlier_spread=float(values.get("outlier_spread", 0)),
            alike=tuple(map(str, values.get("alike", ()))),
        )
