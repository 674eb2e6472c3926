"""The contract of a kind of skill: its settings, what it needs learnt, what a version keeps, how it is made ready.

A new skill is one package that offers a `SkillKind`, and one line in the table of built-ins (`plugins`) or an entry
point "autogen.skills".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from autogen.config.project import SkillSettings
from autogen.data.problems import Problem
from autogen.feedback.memory import Memory
from autogen.tasks.task import Fields, Need, TaskData

if TYPE_CHECKING:
    from autogen.skills.skill import Skill
    from autogen.versions.manifest import Manifest
    from autogen.versions.off_policy import ExpectedClicks

S = TypeVar("S", bound=SkillSettings)


class SkillKind(Protocol[S]):
    """See `testing.check_skill`, which tells whether a skill is as it should be."""

    @property
    def name(self) -> str:
        """What `type` says in agent.toml."""

    @property
    def settings(self) -> type[S]: ...

    @property
    def predicts(self) -> Fields:
        """The fields of rows for `autogen predict`."""

    @property
    def wording(self) -> frozenset[str]:
        """The keys of `keeps` that are texts people read: a candidate in which they changed is another, though no
        metric tells."""

    @property
    def answers_with(self) -> str:
        """The task whose model alone makes an agent of this skill (`AutoGen.agent`); "" where it needs more."""

    @property
    def commands(self) -> str:
        """ "package.module:function" of a Typer app and a `CommandHost`, called when the command line starts; "" for
        none."""

    @property
    def routes(self) -> str:
        """The same, of an APIRouter and a `ServerHost`, called when the server starts."""

    def needs(self, settings: S, base_model: str) -> tuple[Need, ...]:
        """What must be learnt. `base_model`: the agent's, which the skill's own takes the place of."""

    def keeps(self, settings: S, project: Path) -> dict[str, Any]:
        """What a version keeps besides the models, as JSON: texts and thresholds. Raises DataError, ConfigError."""

    def bare(self, task: str) -> S:
        """The settings of a skill that nothing was said of, for a model of this task."""

    def check(self, settings: S, project: Path, data: Mapping[str, TaskData]) -> list[Problem]:
        """What is wrong with the skill's own data and settings. `data`: of each need, by its name; none before it is
        read."""

    def require(self, settings: S, data: Mapping[str, TaskData]) -> None:
        """Raises MissingDependency, ConfigError, StorageError where what `build` needs is not there. Asked before
        anything is learnt."""

    def build(self, settings: S, models: Mapping[str, Path], data: Mapping[str, TaskData]) -> dict[str, Any]:
        """Put into the models' folders what is made once they are learnt, such as an index: a record of it, by need.

        Raises MissingDependency, StorageError."""

    def ready(self, record: Mapping[str, Any], models: Mapping[str, Any]) -> Skill:
        """The skill of a version, ready to answer. Raises VersionDamaged, ValueError, KeyError."""


@dataclass(frozen=True)
class StartingPoint:
    """What a kind of skill can be started from: one file whose rows have these fields. `settings`: the skill's table in
    agent.toml, besides that file, which goes under `key`."""

    fields: tuple[str, ...]
    key: str
    settings: Mapping[str, str] = field(default_factory=dict)


@runtime_checkable
class StartsFromFile(Protocol):
    """A kind of skill of which `autogen init --data` can make a project."""

    @property
    def starting_points(self) -> tuple[StartingPoint, ...]: ...


@runtime_checkable
class OffPolicy(Protocol):
    """A kind of skill that leaves a share of its answers to chance, so that versions can be compared on them."""

    def expected(
        self, settings: Any, name: str, candidate: Any, champion: Any, memory: Memory
    ) -> ExpectedClicks | None:
        """What candidate and champion would have been clicked on the same answers; None where chance had no share."""

    def evaluated(self, settings: Any, name: str, version: Any, manifest: Manifest, project: Path) -> Any:
        """The same of one version, as JSON; None where chance had no share."""
