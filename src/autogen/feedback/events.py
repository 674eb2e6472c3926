"""What people said about responses, kept in order and on disk before it is acknowledged."""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from itertools import accumulate
from typing import Any, Literal, get_args
from uuid import uuid4

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from autogen.errors import UsageError
from autogen.feedback.entities import EntitySpan, check_entities, entities_json, parse_entities
from autogen.storage import clock
from autogen.storage.database import Database
from autogen.storage.responses import ResponseStore, StoredResponse
from autogen.storage.schema import DECISIONS, ERASED_ID, FEEDBACK, RESPONSES

MAX_TEXT_LENGTH = 10_000
"""Characters in a message, a better answer or a comment."""
MAX_NAME_LENGTH = 200
"""Characters in a label or a user."""
SHORT_ID = 11
"""Characters of an id that people are shown, and may give in its place."""

Source = Literal["http", "python", "cli", "import", "clarification"]
Verdict = Literal["accept", "relabel", "drop"]


@dataclass(frozen=True, slots=True)
class Feedback:
    """One thing that one person said about one message.

    `message`, `skill`, `version`, `intent`, `confidence`, `action` and `answered_entities` are copied from the
    response, so that feedback can be understood alone. `rating` is in 0–1; `answer` is a better answer; `entities` are
    all that the message has (an empty tuple: none; None: nothing is said of them); `trusted`: the owner's; `vouched`:
    whoever handed it in is known (by a key, or is the owner) and vouches that it is this `user` who says it; `number`:
    the order of arrival, 0 until it is kept.
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
    entities: tuple[EntitySpan, ...] | None = None
    answered_entities: tuple[EntitySpan, ...] | None = None
    vouched: bool = False
    number: int = field(default=0, compare=False)

    @property
    def taught_label(self) -> str | None:
        """What the message means, it says: the label given, or the intent that a good rating agrees with.

        A good rating of a question back, a refusal or a hand-over says nothing about the intent.
        """
        if self.label is not None:
            return self.label
        return self.intent if self._agrees else None

    @property
    def taught_entities(self) -> tuple[EntitySpan, ...] | None:
        """All entities of the message, it says: those given, or those answered that a good rating agrees with."""
        if self.entities is not None:
            return self.entities
        return self.answered_entities if self._agrees else None

    @property
    def _agrees(self) -> bool:
        return self.rating is not None and self.rating >= 0.5 and self.action in (None, "answer")

    def to_json(self) -> dict[str, Any]:
        """Every field; `answered_entities` where the response had any to tell of."""
        values = asdict(self)
        del values["number"]
        if self.answered_entities is None:
            del values["answered_entities"]
        return values


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided in review; `label` is the right one when they relabelled, `entities` are the right ones
    where it is entities that they corrected. Clocks go back: which of several decisions was made last tells `number`,
    and which feedback there was by then `feedback_until`, the number of the last of it."""

    decision: Verdict
    label: str | None
    decided_at: datetime
    entities: tuple[EntitySpan, ...] | None = None
    number: int = field(default=0, compare=False)
    feedback_until: int = field(default=0, compare=False)


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
        entities: Sequence[EntitySpan] | None = None,
        vouched: bool = False,
    ) -> Feedback:
        """Keep what a person said about a response; it is on disk when this returns. `vouched` says nothing where no
        user is named.

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
                answered_entities=_answered_entities(response),
                vouched=vouched and _blank_to_none(user) is not None,
            )
        )
        self.add_many([feedback])
        return feedback

    def add_many(self, feedback: Sequence[Feedback], decisions: Mapping[str, Decision] | None = None) -> None:
        """Keep them all, with what was decided about them, or none. Raises `StorageError`."""
        with self._database.durable() as connection:
            if feedback:
                connection.execute(insert(FEEDBACK), [_to_row(item) for item in feedback])
            in_order = dict(sorted((decisions or {}).items(), key=lambda item: item[1].decided_at))
            _put_decisions(connection, in_order, made_elsewhere=True)

    def all(self) -> list[Feedback]:
        """Every feedback, in order of arrival; what was erased is none."""
        with self._database.reading() as connection:
            query = select(*_COLUMNS).where(FEEDBACK.c.id.not_like(f"{ERASED_ID}%"))
            rows = connection.execute(query.order_by(FEEDBACK.c.number))
            return [_from_row(row) for row in rows.mappings()]

    def since(self, number: int) -> tuple[list[Feedback], dict[str, str], int]:
        """The feedback that arrived after the one with this number (0: all), in order; the user behind each, by its id:
        the one it names, else the one whose response it is about, else that conversation; and the last one's number."""
        about = FEEDBACK.outerjoin(RESPONSES, RESPONSES.c.id == FEEDBACK.c.response_id)
        author = func.coalesce(FEEDBACK.c.user, RESPONSES.c.user, RESPONSES.c.conversation_id)
        query = select(author.label("author"), *_COLUMNS).select_from(about)
        with self._database.reading() as connection:
            rows = connection.execute(query.where(FEEDBACK.c.number > number).order_by(FEEDBACK.c.number))
            records = [dict(row) for row in rows.mappings()]
        last_number = max((row["number"] for row in records), default=number)
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
            reason = "More than one id begins with" if len(matches) > 1 else "No feedback has the id"
            raise UsageError(f'{reason} "{feedback_id}". `autogen feedback list` shows the ids, --json in full.')
        return _from_row(matches[0])

    def decide(
        self,
        feedback_id: str,
        decision: Verdict,
        label: str | None = None,
        entities: Sequence[EntitySpan] | None = None,
    ) -> None:
        """Keep what a person decided in review; a later decision takes the place of an earlier one.

        Raises `UsageError` for an unknown feedback, or one that cannot be accepted as it is.
        """
        self.decide_many([(self.get(feedback_id), decision, label, entities)])

    def decide_many(self, decided: Iterable[tuple[Feedback, Verdict, str | None, Sequence[EntitySpan] | None]]) -> None:
        """Keep what was decided about each, with the right label or entities, or nothing. Raises as `decide` does."""
        decisions = []
        for feedback, verdict, label, entities in decided:
            spans = None if entities is None else tuple(entities)
            decisions.append((feedback, Decision(verdict, _blank_to_none(label), clock.now(), spans)))
            _check_decision(*decisions[-1])
        with self._database.durable() as connection:
            _put_decisions(connection, {feedback.id: decision for feedback, decision in decisions})

    def last_decision(self) -> int:
        """The number of the last decision, 0 where there is none: it changes with each."""
        with self._database.reading() as connection:
            return int(connection.execute(_LAST_DECISION).scalar_one())

    def decisions(self) -> dict[str, Decision]:
        """What was decided, by feedback id, in the order in which it was."""
        with self._database.reading() as connection:
            rows = connection.execute(select(DECISIONS).order_by(DECISIONS.c.number))
            return {row.feedback_id: _decision_from(row) for row in rows}


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


def parse_source(value: str) -> Source:
    """Raises `UsageError`."""
    for source in get_args(Source):
        if source == value:
            return source  # type: ignore[no-any-return]
    raise UsageError(f"Expected a source ({', '.join(get_args(Source))}), found {value!r}.")


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
    check_entities(feedback.entities or (), len(feedback.message))
    check_entities(feedback.answered_entities or (), len(feedback.message))
    return feedback


def _check_decision(feedback: Feedback, settled: Decision) -> None:
    decision, label = settled.decision, settled.label
    if decision not in get_args(Verdict):
        raise UsageError(f'A decision is "accept", "relabel" or "drop", not "{decision}".')
    corrected = label is not None or settled.entities is not None
    if decision == "relabel" and not corrected:
        raise UsageError("To relabel, give the right label.")
    if decision != "relabel" and corrected:
        what = "entities" if label is None else "label"
        raise UsageError(f'"{decision}" takes no {what}; to give the right one, decide "relabel".')
    if decision == "accept" and feedback.taught_label is None and feedback.taught_entities is None:
        raise UsageError(
            f'Feedback "{feedback.id}" names no label, so there is nothing to accept: relabel it or drop it.'
        )
    if label is not None and len(label) > MAX_NAME_LENGTH:
        raise UsageError(f"The label may have {MAX_NAME_LENGTH} characters at most, but has {len(label)}: shorten it.")
    check_entities(settled.entities or (), len(feedback.message))


def _blank_to_none(text: str | None) -> str | None:
    """Blank is not an opinion: forms send empty fields."""
    stripped = text.strip() if text is not None else ""
    return stripped or None


_LAST_DECISION = select(func.coalesce(func.max(DECISIONS.c.number), 0))
_COLUMNS = [FEEDBACK.c[field.name] for field in fields(Feedback)]


def _to_row(feedback: Feedback) -> dict[str, object]:
    row = {field.name: getattr(feedback, field.name) for field in fields(Feedback) if field.name != "number"}
    entities = {name: _entities_to_text(row[name]) for name in ("entities", "answered_entities")}
    return {**row, **entities, "created_at": clock.format_time(feedback.created_at)}


def _from_row(row: Mapping[Any, Any]) -> Feedback:
    entities = {name: _entities_from_text(row[name]) for name in ("entities", "answered_entities")}
    values: dict[str, Any] = {**row, **entities, "created_at": clock.parse_time(row["created_at"])}
    return Feedback(**values)


def _decision_from(row: Any) -> Decision:
    entities = _entities_from_text(row.entities)
    return Decision(row.decision, row.label, clock.parse_time(row.decided_at), entities, row.number, row.feedback_until)


def _entities_to_text(entities: Sequence[EntitySpan] | None) -> str | None:
    return None if entities is None else json.dumps(entities_json(entities), ensure_ascii=False)


def _entities_from_text(text: str | None) -> tuple[EntitySpan, ...] | None:
    return None if text is None else parse_entities(json.loads(text))


def _answered_entities(response: StoredResponse) -> tuple[EntitySpan, ...] | None:
    """Those that the response has told of, in its details; None where it has told of none that are the message's."""
    if "\0" in response.message:  # it is left out of what is kept, and offsets would be others
        return None
    try:
        entities = parse_entities(response.details.get("entities"))
        check_entities(entities, len(response.message))
    except (ValueError, UsageError):  # details are a skill's own: under this name it may keep something else
        return None
    return entities


def _put_decisions(connection: Connection, decisions: Mapping[str, Decision], made_elsewhere: bool = False) -> None:
    """As the last of all decisions, in this order, by feedback id. `made_elsewhere`: what feedback there was by then,
    its time says; else that is all."""
    if not decisions:
        return
    # asked before earlier ones are deleted, whose number may be the last: none is given twice
    number = connection.execute(_LAST_DECISION).scalar_one() + 1
    known = _ArrivedBy.read(connection, made_elsewhere)
    connection.execute(
        delete(DECISIONS).where(DECISIONS.c.feedback_id == bindparam("decided")),
        [{"decided": id_} for id_ in decisions],
    )
    connection.execute(
        insert(DECISIONS),
        [
            {
                "number": number + at,
                "feedback_until": known.by(clock.format_time(decision.decided_at)),
                "feedback_id": feedback_id,
                "decision": decision.decision,
                "label": decision.label,
                "entities": _entities_to_text(decision.entities),
                "decided_at": clock.format_time(decision.decided_at),
            }
            for at, (feedback_id, decision) in enumerate(decisions.items())
        ],
    )


@dataclass(frozen=True)
class _ArrivedBy:
    """The number of the last feedback that there was by a time; without times, of the last there is."""

    times: Sequence[str]
    last: Sequence[int]  # up to each time; one more than times, for what comes before all of them

    @classmethod
    def read(cls, connection: Connection, with_times: bool) -> _ArrivedBy:
        if not with_times:
            return cls((), (connection.execute(select(func.coalesce(func.max(FEEDBACK.c.number), 0))).scalar_one(),))
        rows = connection.execute(
            select(FEEDBACK.c.created_at, FEEDBACK.c.number).order_by(FEEDBACK.c.created_at)
        ).all()
        return cls([time for time, _ in rows], [0, *accumulate((number for _, number in rows), max)])

    def by(self, time: str) -> int:
        return self.last[bisect_right(self.times, time)]
