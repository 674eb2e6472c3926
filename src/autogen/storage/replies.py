"""What a skill says to one message, and the response that is made of it: a new field stands here, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

Action = Literal["answer", "clarify", "decline", "hand_over", "act"]


@dataclass(frozen=True, slots=True)
class PublicReply:
    """What whoever wrote gets of a reply: in Python, on the command line and over HTTP, which describes its fields as
    they are described here."""

    text: str
    action: Action = field(metadata={"description": "What the agent does."})
    confidence: float = field(metadata={"description": "How sure it is, 0 to 1."})
    intent: str | None = field(default=None, metadata={"description": "What was understood."})
    alternatives: tuple[tuple[str, float], ...] = field(
        default=(), metadata={"description": "What it might have been, with the confidence of each, the best first."}
    )
    notes: tuple[str, ...] = field(
        default=(), metadata={"description": "What was understood and what was not, in words."}
    )
    details: Mapping[str, Any] = field(
        default_factory=dict,
        metadata={"description": "What else the skill has to tell, such as `entities` or `items`, as JSON."},
    )


@dataclass(frozen=True, slots=True)
class Reply(PublicReply):
    """What a skill says to one message, with what is kept and not handed out.

    `about`: what feedback on it is about, where that is not the message ("2" is of no intent). `state`: comes back with
    the conversation's next turn, to this skill alone, as JSON. `log`: what the skill will learn from later, such as the
    propensities of what chance showed, as JSON; None where there is nothing.
    """

    about: str | None = None
    state: Mapping[str, Any] = field(default_factory=dict)
    log: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Response(PublicReply):
    """What the agent says. Feedback refers to it by `id`."""

    id: str
    conversation_id: str = field(metadata={"description": "The conversation that this belongs to."})
    version: str = field(metadata={"description": "The version that answered."})
    skill: str = field(metadata={"description": "The skill that answered."})


def fields_of(value: object, kind: type[Any]) -> dict[str, Any]:
    """The values that an object has for the fields of this dataclass, by name."""
    return {entry.name: getattr(value, entry.name) for entry in fields(kind)}
