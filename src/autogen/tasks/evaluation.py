"""What measuring one need of a version finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Evaluation:
    """`metrics` are flat, each in 0–1. `intervals`: 95 % ones, of the metrics that have them. `per_label`: metrics of
    each label or entity type. `baselines`: plain methods' metrics on the same rows. `off_policy`: clicks per answer,
    estimated from answers that chance had a hand in. `details`: what the task's own pictures need; None: no rows."""

    metrics: Mapping[str, float]
    rows: int
    source: str
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    per_label: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    baselines: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    off_policy: Mapping[str, Any] | None = None
    details: Any = field(default=None, repr=False, compare=False)

    def to_json(self) -> dict[str, Any]:
        values = {name: value for name, value in vars(self).items() if name != "details"}
        if self.off_policy is None:
            del values["off_policy"]
        return values
