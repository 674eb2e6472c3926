"""What every skill declares, considers and replies. A new skill is one package that offers these."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from autogen.config.project import LearnFrom
from autogen.data.rows import Row
from autogen.feedback.events import Decision, Feedback
from autogen.storage.replies import Action, Reply
from autogen.storage.responses import OfferedNames

__all__ = ["Action", "Content", "Observation", "Observer", "Offer", "Reply", "Skill", "Turn"]


@dataclass(frozen=True, slots=True)
class Content:
    """Something in a message that is no text: a picture, speech, a document. `media_type` as in HTTP: "image/png"."""

    kind: Literal["image", "audio", "file"]
    media_type: str
    path: Path


@dataclass(frozen=True, slots=True)
class Turn:
    """A message in its conversation, as one skill sees it.

    `state` and `last_action` are those of the skill's own last reply, and empty where another skill replied last: to a
    skill that did not ask, the answer to a question is a message like any other.
    """

    text: str
    user: str | None = None  # who writes; a conversation without a user's name is one of its own
    contents: tuple[Content, ...] = ()
    state: Mapping[str, Any] = field(default_factory=dict)
    last_action: Action | None = None
    conversation: str | None = None  # its id
    kept: bool = True  # the reply will be, so that feedback can refer to it: without that, chance has no part in it


@dataclass(frozen=True)
class Offer:
    """What a skill would do with a turn, before it does it. Of several skills only the surest one's `reply` is called:
    it may write a text, act, or leave to chance.

    `in_scope`: whether it has anything to say but that it does not know. `confidence`: 0–1, beside other skills'.
    `continues`: the turn goes on from what this skill said last (a choice that it offered, a query refined), which is
    surer than anything a model says. `stream`, where the text comes in pieces: replies, each with the text so far, the
    last one whole; closing the generator cancels it.
    """

    in_scope: bool
    confidence: float
    reply: Callable[[], Reply]
    continues: bool = False
    stream: Callable[[], Generator[Reply, None, None]] | None = None


class Skill(Protocol):
    """A skill of one version, ready to answer. Safe to use from several threads."""

    @property
    def models(self) -> Mapping[str, Any]:
        """Its models as they answer: the skill's own settings (a threshold, say) applied."""

    def consider(self, turns: Sequence[Turn]) -> list[Offer]:
        """One offer a turn; the turns are of different conversations and considered together. Nothing is done yet,
        and nothing left to chance: most offers are not taken up."""

    def predict(self, rows: Sequence[Row]) -> list[Mapping[str, object]]:
        """What it answers to rows of a file, as columns to add (`autogen predict`): `prediction`, `confidence`, and its
        own. Raises DataError that lists every row that it cannot answer."""

    def note_on(self, feedback: Feedback) -> str | None:
        """What whoever gave this feedback should know: most often nothing."""


@dataclass(frozen=True, slots=True)
class Observation:
    """Feedback in order of arrival; `who`: the user behind each, by its id; `offered`: what the responses that it is on
    offered, by their ids; `decisions`: what a person decided on any of it; `learn_from`: whose may move the answers
    that others are given, as in `agent.toml`; `anew`: it is all there is, for something was decided on what was
    observed before, which counts no more."""

    feedback: Sequence[Feedback]
    who: Mapping[str, str] = field(default_factory=dict)
    offered: Mapping[str, OfferedNames] = field(default_factory=dict)
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    learn_from: LearnFrom = "reviewed"
    anew: bool = False


@runtime_checkable
class Observer(Protocol):
    """A skill that learns at once from what people say of answers."""

    def observe(self, observation: Observation) -> None:
        """What was said since it was last shown any, what the skill has learnt from among it."""
