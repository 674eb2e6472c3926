"""What a task is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Need:
    """A task that a skill needs learnt, and the data for it. `name` is the model's folder in a version."""

    name: str
    task: str
    train: tuple[str, ...]
    eval: tuple[str, ...]  # empty: held out from `train`, or cross-validated
    columns: Mapping[str, str]
    unlabelled: tuple[str, ...] = ()  # texts without labels to learn from too
    items: tuple[str, ...] = ()  # the catalogue
    split: Literal["last", "time"] = "last"  # of events: each user's last, or all since a moment
