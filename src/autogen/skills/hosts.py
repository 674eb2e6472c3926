"""What the agent, the server and the command line hand down to a skill's own routes and commands: a skill imports none
of them.

A skill's routes are a function of an APIRouter and a `ServerHost`, its commands one of a Typer app and a `CommandHost`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from autogen.config.project import SkillSettings
from autogen.feedback.memory import Memory
from autogen.runtime.batcher import Batcher
from autogen.storage.replies import Reply, Response
from autogen.tasks.task import Need

S = TypeVar("S")
Item = TypeVar("Item")
Result = TypeVar("Result")


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


class ProjectHost(Protocol):
    """A project, to the commands of a skill."""

    def skill(self, kind: str, name: str | None = None) -> SkillInProject:
        """The skill named, else the first one, which must be of this kind. Raises UsageError, DataError."""


class AgentHost(Protocol):
    """An agent, to a skill that answers otherwise than in conversation."""

    @property
    def version(self) -> str: ...

    def skills(self, kind: type[S]) -> Mapping[str, S]:
        """Its skills of this type, by name, knowing what was said so far. Raises StorageError."""

    def keep(self, skill: str, reply: Reply, text: str, user: str | None = None) -> Response:
        """Keep what a skill says to a text outside of any conversation, so that feedback can refer to it.

        Raises UsageError for a text or a user that cannot be kept, StorageError.
        """


class ServerHost(Protocol):
    """The server, to the routes of a skill."""

    @property
    def champion(self) -> AgentHost:
        """The agent that answers now."""

    def batcher(self, work: Callable[[Sequence[Item]], Sequence[Result | Exception]]) -> Batcher[Item, Result]:
        """`work` in a thread of its own, for what arrives together; closed when the server stops."""


class CommandHost(Protocol):
    """The command line, to the commands of a skill."""

    def open_project(self, project: Path) -> ProjectHost:
        """The `Project` in this folder, with the learning wing. Raises ProjectNotFound, ConfigError."""

    def load_agent(self, project: Path, version: str | None = None) -> AgentHost:
        """The champion of the project in this folder, or the version named. Raises ProjectNotFound, UnknownVersion,
        VersionDamaged, StorageError."""
