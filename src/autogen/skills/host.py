"""What the command line hands down to a skill's own commands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from autogen.config.project import SkillSettings
from autogen.feedback.memory import Memory
from autogen.tasks.task import Need


@dataclass(frozen=True)
class SkillInProject:
    """A skill of a project: one of its needs with the data as read, and the champion. `memory`: None before anybody has
    talked to the agent; `version`, `model`: None before anything was trained."""

    project: Path
    name: str
    settings: SkillSettings
    need: Need
    data: Any
    memory: Memory | None
    version: str | None
    model: Any


class Host(Protocol):
    """What opens projects and agents for commands."""

    def skill(self, project: Path, kind: str, name: str | None) -> SkillInProject:
        """The skill named, else the first one, which must be of this kind. Raises UsageError, DataError."""
