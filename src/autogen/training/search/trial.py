"""What the search for training settings asks of a run whose settings it chooses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from autogen.config.training import TrainingSettings
from autogen.progress import TrainingProgress
from autogen.training.search.space import Knob

CorrectRows = NDArray[np.bool_]
# called after each epoch with the score and with which held-out rows are answered rightly
OnScore = Callable[[float, CorrectRows], None]


class Trial(Protocol):
    """A run of a task's fine-tuning, as data; every trial is one like it with other settings."""

    @property
    def settings(self) -> TrainingSettings: ...

    @property
    def recipe(self) -> Any:
        """The settings with their gaps filled: it has a value for every knob."""

    @property
    def search_space(self) -> Mapping[str, Knob]:
        """What may be searched, by the name of the setting; nothing that the user has set."""

    @property
    def held_out(self) -> Sequence[Any]: ...

    @property
    def state(self) -> Path:
        """The folder of its checkpoints."""

    def with_settings(self, settings: Mapping[str, Any]) -> Self:
        """The same with these settings set too."""

    def split(self) -> tuple[Self, str]:
        """The same with rows to score trials by, and where they come from in words. Raises UsageError for none."""

    def try_out(self, stage: str, progress: TrainingProgress, on_score: OnScore) -> None:
        """Train for the scores alone. What `on_score` raises ends it."""
