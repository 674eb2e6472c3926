"""What every skill declares and returns. A new skill is one file that offers these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from autogen.config.project import SkillSettings
from autogen.data.problems import Problem
from autogen.feedback.events import Feedback
from autogen.storage.responses import Exploration
from autogen.tasks.task import Need

Action = Literal["answer", "clarify", "decline", "hand_over"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a skill says to one message."""

    text: str
    action: Action
    intent: str | None
    confidence: float
    alternatives: tuple[tuple[str, float], ...]
    about: str | None = None  # the text that the intent is of, when it is not the message itself: "2" is of no intent
    exploration: Exploration | None = None  # what chance had to do with the alternatives
    notes: tuple[str, ...] = ()  # what was understood, and what was not


@dataclass(frozen=True, slots=True)
class Turn:
    """A message in its conversation: what the agent did last, and the choices it offered if it asked back."""

    text: str
    last_action: Action | None = None
    question: str = ""  # what the last action was about
    offered: tuple[str, ...] = ()
    skill: str | None = None  # the one that acted last
    user: str | None = None  # who writes; a conversation without a user's name is one of its own
    kept: bool = True  # the reply will be, so that feedback can refer to it: without that, chance has no part in it

    def as_seen_by(self, skill: str) -> Turn:
        """To a skill that did not ask, the answer to a question is a message like any other."""
        return self if self.skill in (None, skill) else Turn(self.text, user=self.user, kept=self.kept)


class Skill(Protocol):
    """A skill ready to answer."""

    @property
    def models(self) -> Mapping[str, Any]:
        """Its models as they answer: the skill's own settings (a threshold, say) applied."""

    def reply(self, turns: Sequence[Turn]) -> list[Reply]:
        """One reply a turn; the turns are of different conversations and answered together."""


@runtime_checkable
class Observer(Protocol):
    """A skill that learns at once from what people say of answers."""

    def observe(self, feedback: Sequence[Feedback], who: Mapping[str, str]) -> None:
        """Feedback in order of arrival, what the skill has learnt from among it; `who`: the user behind each, by its
        id."""


class SkillType(Protocol):
    """A kind of skill: its settings, what it needs learnt, how it is made ready from a version."""

    @property
    def name(self) -> str: ...

    @property
    def settings(self) -> type[SkillSettings]: ...

    def needs(self, settings: Any) -> tuple[Need, ...]: ...

    def answering(self, settings: Any, project: Path) -> dict[str, Any]:
        """What a version keeps besides the models, as JSON: texts and thresholds. Raises DataError, ConfigError."""

    def check(self, settings: Any, project: Path, labels: Sequence[str]) -> list[Problem]:
        """What is wrong with the skill's own data, given the labels that will be learnt."""

    def ready(self, answering: Mapping[str, Any], models: Mapping[str, Any]) -> Skill: ...
