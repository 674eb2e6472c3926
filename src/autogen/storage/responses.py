"""What the agent said, kept so that feedback can refer to it and a conversation can go on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, bindparam, insert, select

from autogen.errors import UnknownResponse
from autogen.storage import clock
from autogen.storage.database import Database
from autogen.storage.schema import RESPONSES


@dataclass(frozen=True, slots=True)
class Exploration:
    """What chance had to do with an answer: `propensities`, the chance (0–1) that each alternative had of standing in
    its place; `asked`: what the skill was asked, as JSON of its own, so that another version can be asked the same."""

    propensities: tuple[float, ...]
    asked: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """One answer: `message` is what the person wrote, `text` what the agent said to it.

    After a choice between two readings of a question, `message` is that question, not the "1" or "2" of the choice.
    `exploration` is None where chance had no hand in the answer.
    """

    id: str
    conversation_id: str
    message: str
    text: str
    action: str
    intent: str | None
    confidence: float
    alternatives: tuple[tuple[str, float], ...]
    skill: str
    version: str
    created_at: datetime
    user: str | None = None
    exploration: Exploration | None = None


class ResponseStore:
    """Responses, in order of arrival. Every answer waits for `add` and `last_of`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        columns = [column for column in RESPONSES.columns if column is not RESPONSES.c.number]
        self._add = database.prepare(insert(RESPONSES).values({c.name: bindparam(c.name) for c in columns}))
        self._get = database.prepare(select(*columns).where(RESPONSES.c.id == bindparam("key")))
        self._last = database.prepare(
            select(*columns)
            .where(RESPONSES.c.conversation_id == bindparam("key"))
            .order_by(RESPONSES.c.number.desc())
            .limit(1)
        )
        # by id, not by number: the index then gives the newest ones without sorting, however many there are
        self._between = database.prepare(
            select(*columns)
            .where(RESPONSES.c.conversation_id.between(bindparam("first"), bindparam("last")))
            .order_by(RESPONSES.c.conversation_id.desc(), RESPONSES.c.number.desc())
            .limit(8)
        )

    def add(self, responses: Sequence[StoredResponse]) -> None:
        """Keep them all, or none. They survive a killed process. Raises `StorageError`."""
        rows = [_to_row(response) for response in responses]
        if rows:
            with self._database.fast() as connection:
                for row in rows:
                    self._add.run(connection, row)

    def get(self, response_id: str) -> StoredResponse:
        """Raises `UnknownResponse` when no such response was given here."""
        with self._database.reading() as connection:
            row = self._get.run(connection, {"key": response_id}).mappings().first()
        if row is None:
            raise UnknownResponse(
                f'No response has the id "{response_id}". Use the id that came with the answer '
                "(in HTTP the `id` of the completion)."
            )
        return _from_row(row)

    def last_of(self, conversation_id: str) -> StoredResponse | None:
        """The newest response of a conversation, or `None` when it has none yet."""
        with self._database.reading() as connection:
            row = self._last.run(connection, {"key": conversation_id}).mappings().first()
        return None if row is None else _from_row(row)

    def between(self, first: str, last: str) -> list[StoredResponse]:
        """The few responses whose conversation ids come last in this range, last first."""
        with self._database.reading() as connection:
            rows = self._between.run(connection, {"first": first, "last": last}).mappings().all()
        return [_from_row(row) for row in rows]

    def messages(self, skill: str, actions: Sequence[str]) -> list[str]:
        """What people wrote when this skill acted so, the oldest first."""
        wanted = (RESPONSES.c.skill == skill) & RESPONSES.c.action.in_(actions)
        with self._database.reading() as connection:
            found = connection.execute(select(RESPONSES.c.message).where(wanted).order_by(RESPONSES.c.number))
            return [str(message) for message in found.scalars()]

    def explored(self, skill: str) -> list[StoredResponse]:
        """The skill's answers that chance had a hand in, in order of arrival."""
        wanted = (RESPONSES.c.skill == skill) & RESPONSES.c.exploration.is_not(None)
        columns = [column for column in RESPONSES.columns if column is not RESPONSES.c.number]
        with self._database.reading() as connection:
            found = connection.execute(select(*columns).where(wanted).order_by(RESPONSES.c.number))
            return [_from_row(row) for row in found.mappings()]


def _to_row(response: StoredResponse) -> dict[str, object]:
    return {
        "id": response.id,
        "conversation_id": response.conversation_id,
        "message": response.message,
        "text": response.text,
        "action": response.action,
        "intent": response.intent,
        "confidence": response.confidence,
        "alternatives": json.dumps(response.alternatives, ensure_ascii=False),
        "skill": response.skill,
        "version": response.version,
        "created_at": clock.written(response.created_at),
        "user": response.user,
        "exploration": None
        if response.exploration is None
        else json.dumps(asdict(response.exploration), ensure_ascii=False),
    }


def _from_row(row: RowMapping) -> StoredResponse:
    pairs = tuple((name, score) for name, score in json.loads(row["alternatives"]))
    values: dict[str, Any] = {
        **row,
        "alternatives": pairs,
        "created_at": clock.read(row["created_at"]),
        "exploration": _exploration(row["exploration"]),
    }
    return StoredResponse(**values)


def _exploration(text: str | None) -> Exploration | None:
    if text is None:
        return None
    found = json.loads(text)
    return Exploration(tuple(found["propensities"]), found["asked"])
