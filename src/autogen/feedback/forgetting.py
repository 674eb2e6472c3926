"""Taking feedback back: what a user, a source or a time gave is dropped; what a person wrote is erased."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, delete, func, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from autogen.errors import VersionDamaged
from autogen.feedback.events import Feedback, Source
from autogen.storage.database import Database
from autogen.storage.files import explain_os_errors, write_atomically
from autogen.storage.schema import DECISIONS, ERASED_ID, FEEDBACK, LEFT_OUT, RESPONSES
from autogen.versions.registry import Versions

REPORTS = "reports"  # beside the versions
ERASED = "erased"


@dataclass(frozen=True, slots=True)
class Selection:
    """Feedback by who gave it, how it came, and since when; what is None is not asked. `user` "": who gave no name."""

    user: str | None = None
    source: Source | None = None
    since: datetime | None = None

    def of(self, feedback: Sequence[Feedback]) -> list[Feedback]:
        return [
            item
            for item in feedback
            if (self.user is None or (item.user or "") == self.user)
            and (self.source is None or item.source == self.source)
            and (self.since is None or item.created_at >= self.since)
        ]


@dataclass(frozen=True, slots=True)
class Dropped:
    """How many were dropped, and the versions that had learnt from any of them."""

    dropped: int
    versions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What there was of a person: rows in the database, the versions that learnt from their feedback, and pages of
    reports that quote them. `log_emptied`: whether no copy remains in the database's log."""

    responses: int
    feedback: int
    erased: bool
    log_emptied: bool
    versions: tuple[str, ...]
    reports: tuple[str, ...]


@dataclass(frozen=True)
class PersonalData:
    """All that the database has of one person: responses to what they wrote, and feedback by them or on those; each row
    by column."""

    responses: tuple[Mapping[str, Any], ...]
    feedback: tuple[Mapping[str, Any], ...]

    @property
    def texts(self) -> set[str]:
        """What they wrote."""
        written = {row[name] for row in self.feedback for name in ("message", "answer", "comment")}
        return {text for text in (*written, *(row["message"] for row in self.responses)) if text and text.strip()}

    @property
    def feedback_ids(self) -> set[str]:
        return {row["id"] for row in self.feedback}

    def write(self, path: Path) -> None:
        """As JSON Lines, atomically: a row each, `kind` first. Raises StorageError."""
        lines = [{"kind": kind, **row} for kind, rows in self._kinds() for row in rows]
        write_atomically(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode())

    def _kinds(self) -> tuple[tuple[str, Sequence[Mapping[str, Any]]], ...]:
        return ("response", self.responses), ("feedback", self.feedback)


def find_person(database: Database, user: str) -> PersonalData:
    """What they wrote under this name, and whatever else was said in those conversations. Raises StorageError."""
    with database.reading() as connection:
        return PersonalData(
            _rows(connection, RESPONSES, _their_responses(user)), _rows(connection, FEEDBACK, _their_feedback(user))
        )


def erase_person(database: Database, user: str) -> bool:
    """Delete what `find_person` finds, and what was decided about it, such that its bytes are overwritten. Returns
    whether the database's log could be emptied too, which another process that reads prevents. Raises StorageError."""
    with database.erasing() as connection:
        feedback = _rows(connection, FEEDBACK, _their_feedback(user))
        ids = [row["id"] for row in feedback]
        last = connection.execute(select(func.max(FEEDBACK.c.number))).scalar_one()
        for table in (DECISIONS, LEFT_OUT):
            connection.execute(delete(table).where(table.c.feedback_id.in_(ids)))
        connection.execute(delete(FEEDBACK).where(_their_feedback(user) & (FEEDBACK.c.number != last)))
        if any(row["number"] == last for row in feedback):  # its number must not be given out again: it is blanked
            connection.execute(update(FEEDBACK).where(FEEDBACK.c.number == last).values(_blank(last)))
        connection.execute(delete(RESPONSES).where(_their_responses(user)))
    return database.empty_log()


def _their_responses(user: str) -> ColumnElement[bool]:
    conversations = select(RESPONSES.c.conversation_id).where(RESPONSES.c.user == user)
    return RESPONSES.c.conversation_id.in_(conversations)


def _their_feedback(user: str) -> ColumnElement[bool]:
    return or_(
        FEEDBACK.c.user == user, FEEDBACK.c.response_id.in_(select(RESPONSES.c.id).where(_their_responses(user)))
    )


def _rows(connection: Connection, table: Table, condition: ColumnElement[bool]) -> tuple[Mapping[str, Any], ...]:
    rows = connection.execute(select(table).where(condition).order_by(table.c.number))
    return tuple(dict(row) for row in rows.mappings())


def _blank(number: int) -> dict[str, Any]:
    """A feedback that says nothing of anybody."""
    emptied = {column.name: None for column in FEEDBACK.columns if column.nullable}
    return {**emptied, "id": f"{ERASED_ID}{number}", "message": "", "comment": ERASED, "vouched": False}


def versions_that_learnt(versions: Versions, feedback_ids: set[str]) -> list[str]:
    """Those that learnt from any of it, or were judged by it, oldest first; what cannot be read is left out."""
    names = []
    for name in versions.names():
        try:
            manifest = versions.manifest(name)
        except VersionDamaged:
            continue
        if feedback_ids & set(manifest.feedback):
            names.append(name)
    return names


def reports_that_quote(state: Path, texts: set[str]) -> list[str]:
    """Files of reports in which one of these texts stands. Raises StorageError."""
    quoting = []
    quotes = {form for text in texts for form in (text, html.escape(text), json.dumps(text)[1:-1])}
    for path in sorted((state / REPORTS).rglob("*")):
        if path.is_file():
            with explain_os_errors(path):
                content = path.read_text("utf-8", errors="replace")
            if any(text in content for text in quotes):
                quoting.append(str(path))
    return quoting
