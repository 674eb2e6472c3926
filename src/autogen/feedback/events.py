"""What people said about responses, kept in order and on disk before it is acknowledged."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Literal, get_args
from uuid import uuid4

from sqlalchemy import Connection, delete, func, insert, select

from autogen.errors import UsageError
from autogen.storage import clock
from autogen.storage.database import Database
from autogen.storage.responses import ResponseStore
from autogen.storage.schema import DECISIONS, FEEDBACK, RESPONSES

MAX_TEXT_LENGTH = 10_000
"""Characters in a message, a better answer or a comment."""
MAX_NAME_LENGTH = 200
"""Characters in a label or a user."""
MAX_ENTITIES = 1_000
"""Entities of one message."""
SHORT_ID = 11
"""Characters of an id that people are shown, and may give in its place."""

Source = Literal["http", "python", "cli", "import", "clarification"]
Verdict = Literal["accept", "relabel", "drop"]


@dataclass(frozen=True, slots=True)
class Entity:
    """What a stretch of a message names: characters from `start` to before `end`."""

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class Feedback:
    """One thing that one person said about one message.

    `message`, `skill`, `version`, `intent`, `confidence` and `action` are copied from the response, so that
    feedback can be understood alone. `rating` is in 0–1; `answer` is a better answer; `entities` are all that the
    message has (an empty tuple: none; None: nothing is said of them); `trusted`: the owner's.
    """

    id: str
    response_id: str | None
    message: str
    skill: str | None
    version: str | None
    intent: str | None
    confidence: float | None
    rating: float | None
    label: str | None
    answer: str | None
    comment: str | None
    user: str | None
    trusted: bool
    source: Source
    created_at: datetime
    action: str | None = None
    entities: tuple[Entity, ...] | None = None

    @property
    def taught_label(self) -> str | None:
        """What the message means, it says: the label given, or the intent that a good rating agrees with.

        A good rating of a question back, a refusal or a hand-over says nothing about the intent.
        """
        if self.label is not None:
            return self.label
        agrees = self.rating is not None and self.rating >= 0.5 and self.action in (None, "answer")
        return self.intent if agrees else None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided in review; `label` is the right one when they relabelled."""

    decision: Verdict
    label: str | None
    decided_at: datetime


class FeedbackStore:
    """All feedback of a project and what was decided about it, in order of arrival."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._responses = ResponseStore(database)

    def record(
        self,
        response_id: str,
        *,
        trusted: bool,
        source: Source,
        rating: float | str | None = None,
        label: str | None = None,
        answer: str | None = None,
        comment: str | None = None,
        user: str | None = None,
        entities: Sequence[Entity] | None = None,
    ) -> Feedback:
        """Keep what a person said about a response; it is on disk when this returns.

        Raises `UsageError` when nothing is said or too much; `UnknownResponse`; `StorageError`.
        """
        response = self._responses.get(response_id)
        feedback = check_feedback(
            Feedback(
                id=new_id(),
                response_id=response_id,
                message=response.message.replace("\0", ""),  # the one character that no table can hold
                skill=response.skill,
                version=response.version,
                intent=response.intent,
                confidence=response.confidence,
                rating=None if rating is None else parse_rating(rating),
                label=_blank_to_none(label),
                answer=_blank_to_none(answer),
                comment=_blank_to_none(comment),
                user=_blank_to_none(user),
                trusted=trusted,
                source=source,
                created_at=clock.now(),
                action=response.action,
                entities=None if entities is None else tuple(entities),
            )
        )
        self.add_many([feedback])
        return feedback

    def add_many(self, feedback: Sequence[Feedback], decisions: Mapping[str, Decision] | None = None) -> None:
        """Keep them all, with what was decided about them, or none. Raises `StorageError`."""
        with self._database.durable() as connection:
            if feedback:
                connection.execute(insert(FEEDBACK), [_to_row(item) for item in feedback])
            for feedback_id, decision in (decisions or {}).items():
                _put_decision(connection, feedback_id, decision)

    def all(self) -> list[Feedback]:
        """Every feedback, in order of arrival."""
        with self._database.reading() as connection:
            rows = connection.execute(select(*_COLUMNS).order_by(FEEDBACK.c.number))
            return [_from_row(row) for row in rows.mappings()]

    def since(self, number: int) -> tuple[list[Feedback], dict[str, str], int]:
        """The feedback that arrived after the one with this number (0: all), in order; the user behind each, by its id:
        the one it names, else the one whose response it is about, else that conversation; and the last one's number."""
        about = FEEDBACK.outerjoin(RESPONSES, RESPONSES.c.id == FEEDBACK.c.response_id)
        author = func.coalesce(FEEDBACK.c.user, RESPONSES.c.user, RESPONSES.c.conversation_id)
        query = select(FEEDBACK.c.number, author.label("author"), *_COLUMNS).select_from(about)
        with self._database.reading() as connection:
            rows = connection.execute(query.where(FEEDBACK.c.number > number).order_by(FEEDBACK.c.number))
            records = [dict(row) for row in rows.mappings()]
        last_number = max((row.pop("number") for row in records), default=number)
        people = {row["id"]: name for row in records if (name := row.pop("author")) is not None}
        return [_from_row(row) for row in records], people, last_number

    def get(self, feedback_id: str) -> Feedback:
        """The feedback of this id, or the only one whose id begins so. Raises `UsageError`."""
        with self._database.reading() as connection:
            row = connection.execute(select(*_COLUMNS).where(FEEDBACK.c.id == feedback_id)).mappings().first()
            beginning = FEEDBACK.c.id.startswith(feedback_id, autoescape=True)
            matches = connection.execute(select(*_COLUMNS).where(beginning).limit(2)).mappings().all()
        if row is not None:
            return _from_row(row)
        if len(matches) != 1 or len(feedback_id) < SHORT_ID:
            reason = "No feedback has the id" if not matches else "More than one id begins with"
            raise UsageError(f'{reason} "{feedback_id}". `autogen feedback list` shows the ids, --json in full.')
        return _from_row(matches[0])

    def decide(self, feedback_id: str, decision: Verdict, label: str | None = None) -> None:
        """Keep what a person decided in review; a later decision takes the place of an earlier one.

        Raises `UsageError` for an unknown feedback, or one that cannot be accepted as it is.
        """
        feedback = self.get(feedback_id)
        label = _blank_to_none(label)
        _check_decision(feedback, decision, label)
        with self._database.durable() as connection:
            _put_decision(connection, feedback.id, Decision(decision, label, clock.now()))

    def decisions(self) -> dict[str, Decision]:
        """What was decided, by feedback id."""
        with self._database.reading() as connection:
            rows = connection.execute(select(DECISIONS).order_by(DECISIONS.c.decided_at))
            return {
                row.feedback_id: Decision(row.decision, row.label, clock.parse_time(row.decided_at)) for row in rows
            }


def new_id() -> str:
    """An id that no other feedback has, here or in a project it may be imported into."""
    return f"fb-{uuid4().hex}"


def parse_rating(value: object) -> float:
    """`"up"` is 1, `"down"` is 0, a number in 0–1 (or its text) is itself. Raises `UsageError`."""
    words = {"up": 1.0, "down": 0.0}
    text = str(value).strip().lower()
    try:
        rating = words[text] if text in words else float(text)
    except ValueError:
        rating = math.nan
    if not 0 <= rating <= 1:  # NaN too
        raise UsageError(f'A rating must be "up", "down" or a number from 0 to 1, not {value!r}.')
    return rating


def check_feedback(feedback: Feedback) -> Feedback:
    """The feedback itself, if it says something and is within bounds. Raises `UsageError`."""
    has_verdict = feedback.rating is not None or feedback.entities is not None
    if not has_verdict and not (feedback.label or feedback.answer or feedback.comment):
        raise UsageError("Feedback must say something: give a rating, a label, a better answer or a comment.")
    limits = (
        ("message", feedback.message, MAX_TEXT_LENGTH),
        ("better answer", feedback.answer, MAX_TEXT_LENGTH),
        ("comment", feedback.comment, MAX_TEXT_LENGTH),
        ("label", feedback.label, MAX_NAME_LENGTH),
        ("user", feedback.user, MAX_NAME_LENGTH),
    )
    for name, value, limit in limits:
        if value is not None and len(value) > limit:
            raise UsageError(f"The {name} may have {limit:,} characters at most, but has {len(value):,}: shorten it.")
        if value is not None and "\0" in value:
            raise UsageError(f"The {name} must be text, but has a NUL character: remove it.")
    _check_entities(feedback.entities or (), len(feedback.message))
    return feedback


def _check_entities(entities: Sequence[Entity], length: int) -> None:
    if len(entities) > MAX_ENTITIES:
        raise UsageError(f"Expected at most {MAX_ENTITIES:,} entities, found {len(entities):,}.")
    for entity in entities:
        if not 0 <= entity.start < entity.end <= length:
            raise UsageError(
                f"Expected an entity within the message's {length:,} characters (0 ≤ start < end ≤ {length}), found "
                f"start {entity.start}, end {entity.end}."
            )
        if not entity.label.strip() or len(entity.label) > MAX_NAME_LENGTH or "\0" in entity.label:
            raise UsageError(f"Expected a label of 1 to {MAX_NAME_LENGTH} characters for each entity.")


def _check_decision(feedback: Feedback, decision: Verdict, label: str | None) -> None:
    if decision not in get_args(Verdict):
        raise UsageError(f'A decision is "accept", "relabel" or "drop", not "{decision}".')
    if decision == "relabel" and label is None:
        raise UsageError("To relabel, give the right label.")
    if decision != "relabel" and label is not None:
        raise UsageError(f'"{decision}" takes no label; to give the right one, decide "relabel".')
    if decision == "accept" and feedback.taught_label is None:
        raise UsageError(
            f'Feedback "{feedback.id}" names no label, so there is nothing to accept: relabel it or drop it.'
        )
    if label is not None and len(label) > MAX_NAME_LENGTH:
        raise UsageError(f"The label may have {MAX_NAME_LENGTH} characters at most, but has {len(label)}: shorten it.")


def _blank_to_none(text: str | None) -> str | None:
    """Blank is not an opinion: forms send empty fields."""
    stripped = text.strip() if text is not None else ""
    return stripped or None


_COLUMNS = [FEEDBACK.c[field.name] for field in fields(Feedback)]


def _to_row(feedback: Feedback) -> dict[str, object]:
    row = {field.name: getattr(feedback, field.name) for field in fields(Feedback)}
    entities = None if feedback.entities is None else json.dumps(entities_json(feedback), ensure_ascii=False)
    return {**row, "created_at": clock.format_time(feedback.created_at), "entities": entities}


def _from_row(row: Mapping[Any, Any]) -> Feedback:
    entities = None if row["entities"] is None else parse_entities(json.loads(row["entities"]))
    values: dict[str, Any] = {**row, "created_at": clock.parse_time(row["created_at"]), "entities": entities}
    return Feedback(**values)


def entities_json(feedback: Feedback) -> list[dict[str, Any]] | None:
    """The entities as JSON: start, end and label of each."""
    return None if feedback.entities is None else [asdict(entity) for entity in feedback.entities]


def parse_entities(value: object) -> tuple[Entity, ...]:
    """Entities from their JSON. Raises `ValueError`."""
    if not isinstance(value, list):
        raise ValueError("a list was expected")
    return tuple(_parse_entity(entity) for entity in value)


def _parse_entity(value: object) -> Entity:
    if not isinstance(value, Mapping) or not {"start", "end", "label"} <= set(value):
        raise ValueError("an object with start, end and label was expected")
    start, end, label = value["start"], value["end"], value["label"]
    if type(start) is not int or type(end) is not int or not isinstance(label, str):
        raise ValueError("whole numbers and a label were expected")
    return Entity(start, end, label)


def _put_decision(connection: Connection, feedback_id: str, decision: Decision) -> None:
    connection.execute(delete(DECISIONS).where(DECISIONS.c.feedback_id == feedback_id))
    row = {
        "feedback_id": feedback_id,
        "decision": decision.decision,
        "label": decision.label,
        "decided_at": clock.format_time(decision.decided_at),
    }
    connection.execute(insert(DECISIONS), row)
