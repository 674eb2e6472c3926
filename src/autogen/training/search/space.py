"""What the search for training settings may choose, and from what: a range about the recipe's own value for each.

What is left out, and why: docs/decisions/0013-search.md.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Protocol

from optuna import Trial

from autogen.config.methods import ADDS
from autogen.tasks.text_classification.recipe import Recipe


class Knob(Protocol):
    """One setting that is searched."""

    def suggest(self, trial: Trial, name: str) -> Any:
        """A value, such as a person would write it."""

    def nearest(self, value: Any) -> Any:
        """The value of the range that is nearest to this one."""


@dataclass(frozen=True)
class Rate:
    """A learning rate, on a logarithmic scale, to three figures."""

    low: float
    high: float

    def suggest(self, trial: Trial, name: str) -> float:
        return float(f"{trial.suggest_float(name, self.low, self.high, log=True):.3g}")

    def nearest(self, value: float) -> float:
        return min(max(value, self.low), self.high)


@dataclass(frozen=True)
class Share:
    """A share, to two decimals."""

    low: float
    high: float

    def suggest(self, trial: Trial, name: str) -> float:
        return round(trial.suggest_float(name, self.low, self.high), 2)

    def nearest(self, value: float) -> float:
        return min(max(value, self.low), self.high)


@dataclass(frozen=True)
class Count:
    low: int
    high: int

    def suggest(self, trial: Trial, name: str) -> int:
        return trial.suggest_int(name, self.low, self.high)

    def nearest(self, value: int) -> int:
        return min(max(value, self.low), self.high)


@dataclass(frozen=True)
class Choice:
    """One of a few numbers."""

    values: tuple[float, ...]

    def suggest(self, trial: Trial, name: str) -> Any:
        return trial.suggest_categorical(name, self.values)

    def nearest(self, value: float) -> float:
        return min(self.values, key=lambda one: abs(one - value))


def search_space(recipe: Recipe, fixed: Collection[str]) -> dict[str, Knob]:
    """The settings left open for this tuning method, less those that are `fixed` (the user's own)."""
    rate = "head_learning_rate" if recipe.method == "head" else "learning_rate"
    usual = float(getattr(recipe, rate))
    knobs: dict[str, Knob] = {
        rate: Rate(usual / 4, min(usual * 4, 1.0)),
        "epochs": Count(max(1, recipe.epochs // 2), recipe.epochs * 2),
        "train_batch_size": Choice(tuple(sorted({16, 32, 64, recipe.train_batch_size}))),
        "label_smoothing": Share(0.0, 0.2),
    }
    if recipe.method != "head":
        knobs["contrastive_weight"] = Choice(tuple(sorted({0.0, 0.25, 0.5, 1.0, recipe.contrastive_weight})))
    if recipe.method not in (*ADDS, "head"):  # what is added learns alike in all layers
        knobs["layer_decay"] = Share(0.7, 1.0)
    return {name: knob for name, knob in knobs.items() if name not in fixed}
