"""What the agent said, kept so that feedback can refer to it and a conversation can go on."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, bindparam, insert, select

from autogen.errors import UnknownResponse
from autogen.storage import clock
from autogen.storage.database import Database
from autogen.storage.replies import Reply
from autogen.storage.schema import JSON, RESPONSES

_COLUMNS = tuple(column for column in RESPONSES.columns if column is not RESPONSES.c.number)
MOST_IDS = 500  # of one query
_JSON_NAMES = tuple(column.name for column in _COLUMNS if column.info.get(JSON))


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredResponse(Reply):
    """A reply as it is kept: `message` is what it is about, and so what feedback on it is about.

    That is what the person wrote; after a choice between two readings of a question, it is that question, not the "1"
    or "2" of the choice. `about` says nothing here.
    """

    id: str
    conversation_id: str
    message: str
    skill: str
    version: str
    created_at: datetime
    user: str | None = None


@dataclass(frozen=True, slots=True)
class OfferedNames:
    """What feedback on a response may choose from: the names of its alternatives; and its conversation."""

    conversation_id: str
    names: frozenset[str]


class ResponseStore:
    """Responses, in order of arrival. Every answer waits for `add` and `last_of`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._add = database.prepare(insert(RESPONSES).values({c.name: bindparam(c.name) for c in _COLUMNS}))
        self._get = database.prepare(select(*_COLUMNS).where(RESPONSES.c.id == bindparam("key")))
        self._last = database.prepare(
            select(*_COLUMNS)
            .where(RESPONSES.c.conversation_id == bindparam("key"))
            .order_by(RESPONSES.c.number.desc())
            .limit(1)
        )
        # by id, not by number: the index then gives the newest ones without sorting, however many there are
        self._between = database.prepare(
            select(*_COLUMNS)
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

    def offered(self, response_ids: Collection[str]) -> dict[str, OfferedNames]:
        """What each of these responses offered, by its id; nothing of those that were not given here."""
        columns, ids = (RESPONSES.c.id, RESPONSES.c.conversation_id, RESPONSES.c.alternatives), sorted(response_ids)
        offered = {}
        with self._database.reading() as connection:
            for start in range(0, len(ids), MOST_IDS):
                query = select(*columns).where(RESPONSES.c.id.in_(ids[start : start + MOST_IDS]))
                for row in connection.execute(query):
                    names = frozenset(name for name, _ in json.loads(row.alternatives))
                    offered[row.id] = OfferedNames(row.conversation_id, names)
        return offered

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
        condition = (RESPONSES.c.skill == skill) & RESPONSES.c.action.in_(actions)
        with self._database.reading() as connection:
            rows = connection.execute(select(RESPONSES.c.message).where(condition).order_by(RESPONSES.c.number))
            return [str(message) for message in rows.scalars()]

    def with_log(self, skill: str) -> list[StoredResponse]:
        """The skill's responses with a `log`, in order of arrival."""
        condition = (RESPONSES.c.skill == skill) & RESPONSES.c.log.is_not(None)
        with self._database.reading() as connection:
            rows = connection.execute(select(*_COLUMNS).where(condition).order_by(RESPONSES.c.number))
            return [_from_row(row) for row in rows.mappings()]


def _to_row(response: StoredResponse) -> dict[str, object]:
    row: dict[str, Any] = {column.name: getattr(response, column.name) for column in _COLUMNS}
    for name in _JSON_NAMES:
        row[name] = None if row[name] is None else json.dumps(row[name], ensure_ascii=False)
    return {**row, "created_at": clock.format_time(response.created_at)}


def _from_row(row: RowMapping) -> StoredResponse:
    values: dict[str, Any] = dict(row)
    for name in _JSON_NAMES:
        values[name] = None if row[name] is None else json.loads(row[name])
    values["alternatives"] = tuple((name, score) for name, score in values["alternatives"])
    values["created_at"] = clock.parse_time(row["created_at"])
    if values["state"] is None:  # written before skills kept a state
        values["state"] = {"question": row["message"], "offered": [name for name, _ in values["alternatives"]]}
    return StoredResponse(**{**values, "details": values["details"] or {}})
