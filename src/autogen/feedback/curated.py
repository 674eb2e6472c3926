"""What curation makes of feedback: examples, what waits and why, what is ignored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from autogen.config.project import LearnFrom
from autogen.feedback.entities import EntitySpan
from autogen.feedback.events import Feedback
from autogen.feedback.left_out import LeftOut

WaitingReason = Literal[
    "down-rated",
    "better-answer",
    "conflict",
    "conflicts-with-training",
    "flood",
    "out-of-scope",
    "likely-error",
    "new-label",
    "untrusted",
    "shared-phrase",
    "bad-entities",
    "left-out",
]
IgnoredReason = Literal[
    "dropped", "evaluation-row", "already-known", "superseded", "overruled", "nothing-to-learn", "not-the-owner"
]


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the champion makes of a text. `in_scope` is false for a text far from anything it knows; `alternatives` are
    the labels that it holds likely besides, the likeliest first."""

    label: str
    confidence: float
    in_scope: bool
    entities: tuple[EntitySpan, ...] | None = None  # where these are what the champion answers with
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CurationPolicy:
    """How careful to be. Shares and `sure` are in 0–1.

    `learn_from`: whose feedback teaches, as in `agent.toml`. `eval_share` is set aside for evaluation; a new label
    needs `new_label_rows` of the owner or a review. Of what nobody has reviewed, one source (a user, or all who give no
    name) may teach `source_rows`, and all names that nobody vouches for `unvouched_rows` together; from the confidence
    `sure` on, the champion is believed rather than a stranger.
    """

    learn_from: LearnFrom = "reviewed"
    eval_share: float = 0.2
    new_label_rows: int = 5
    source_rows: int = 50
    unvouched_rows: int = 200
    sure: float = 0.9


CAREFUL = CurationPolicy()
"""What holds where a project says nothing else."""


@dataclass(frozen=True, slots=True)
class CuratedExample:
    """A text, its label ("" where entities are learnt), and the feedback behind it. `replaces`: a train row."""

    text: str
    label: str
    feedback_ids: tuple[str, ...]
    users: tuple[str, ...]
    trusted: bool
    replaces: bool = False
    entities: tuple[EntitySpan, ...] | None = None


@dataclass(frozen=True, slots=True)
class WaitingFeedback:
    """Feedback that a person should look at; `proposed` is the label it would teach; `left_out`: why it was left out of
    a batch, where it was."""

    feedback: Feedback
    reason: WaitingReason
    explanation: str
    proposed: str | None = None
    assessment: Assessment | None = None
    decided: bool = False
    left_out: LeftOut | None = None


@dataclass(frozen=True, slots=True)
class IgnoredFeedback:
    feedback: Feedback
    reason: IgnoredReason


@dataclass(frozen=True, slots=True)
class Curation:
    """Each list is in order of arrival. `proposed` counts the rows so far of labels that have too few yet; `trusted`
    are the texts that need no review, normalised, with their labels: what the others are compared with."""

    train: tuple[CuratedExample, ...]
    evaluation: tuple[CuratedExample, ...]
    waiting: tuple[WaitingFeedback, ...]
    ignored: tuple[IgnoredFeedback, ...]
    new_labels: tuple[str, ...]
    proposed: Mapping[str, int]
    trusted: Mapping[str, str] = field(default_factory=dict)

    @property
    def corrections_of_eval_rows(self) -> tuple[Feedback, ...]:
        """Corrections of held-out rows: left out, since what measures may not teach. The row itself may be wrong."""
        of_eval_rows = [item.feedback for item in self.ignored if item.reason == "evaluation-row"]
        return tuple(item for item in of_eval_rows if item.label is not None or item.entities is not None)
