"""What the search for training settings may choose from: a range about the recipe's own value for each. Of which
settings, the task says; here are those that every encoder has.

What is left out, and why: docs/decisions/0013-search.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from autogen.config.methods import ADDS

if TYPE_CHECKING:  # a run that searches nothing needs no Optuna
    from optuna import Trial


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
class Fraction:
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
class Categorical:
    """One of a few numbers."""

    values: tuple[float, ...]

    def suggest(self, trial: Trial, name: str) -> Any:
        return trial.suggest_categorical(name, self.values)

    def nearest(self, value: float) -> float:
        return min(self.values, key=lambda candidate: abs(candidate - value))


def optimiser_knobs(method: str, rate: float, epochs: int, batch_size: int) -> dict[str, Knob]:
    """Those of any run, about the recipe's own values; `rate` is that of the head where it learns alone."""
    return {
        "head_learning_rate" if method == "head" else "learning_rate": Rate(rate / 4, min(rate * 4, 1.0)),
        "epochs": Count(max(1, epochs // 2), epochs * 2),
        "train_batch_size": Categorical(tuple(sorted({16, 32, 64, batch_size}))),
    }


def layer_knobs(method: str) -> dict[str, Knob]:
    """Those of methods that tune the layers themselves: what is added learns alike in all of them."""
    return {} if method in (*ADDS, "head") else {"layer_decay": Fraction(0.7, 1.0)}
