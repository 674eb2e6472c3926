"""Measuring a version through the code that answers people, and predicting whole files with it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from autogen.markup import joined, metrics_table
from autogen.tasks.text_classification.answers import Answers


@dataclass(frozen=True)
class SkillEvaluation:
    """`metrics` are flat, each in 0–1; `intervals` are 95 % Wilson intervals of those that are shares of rows."""

    metrics: dict[str, float]
    rows: int
    source: str
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    per_label: dict[str, dict[str, float]] = field(default_factory=dict)
    baselines: dict[str, dict[str, float]] = field(default_factory=dict)  # plain methods' metrics on the same rows
    warnings: tuple[str, ...] = ()
    off_policy: dict[str, Any] | None = None  # clicks per answer, told from answers that chance had a hand in
    answers: Answers | None = field(default=None, repr=False, compare=False)  # for pictures; None: there were no rows

    def to_json(self) -> dict[str, Any]:
        values = asdict(replace(self, answers=None))
        del values["answers"]
        if self.off_policy is None:
            del values["off_policy"]
        return values


@dataclass(frozen=True)
class Evaluation:
    """`data`: the file that was measured on; None: the held-out rows. In Jupyter it shows its tables."""

    version: str
    skills: dict[str, SkillEvaluation]
    data: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {"version": self.version, "skills": {name: one.to_json() for name, one in self.skills.items()}}

    def _repr_html_(self) -> str:
        captions = {name: f"{name}, version {self.version}: {one.source}" for name, one in self.skills.items()}
        return joined(metrics_table(o.metrics, o.intervals, captions[name]) for name, o in self.skills.items())
