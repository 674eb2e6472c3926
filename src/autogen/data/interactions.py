"""What users did with items: events read from files, in the order of their time.

Logs are large and never spotless: a row that cannot be used is left out and counted, and only a file without a usable
row is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autogen.data.columns import select
from autogen.data.problems import Problem, shown
from autogen.data.readers import locate, read_rows
from autogen.data.rows import Row, is_missing, require_label

MAX_ID = 200  # characters of a user or an item
MILLISECONDS = 1e11  # Unix times above this (the year 5138 in seconds) are milliseconds
DAY = 86_400.0
LEFT_OUT = "the event is left out; mend it if it matters"

Places = NDArray[np.int32]
Times = NDArray[np.float64]


@dataclass(frozen=True)
class Interactions:
    """Events side by side, in order of time (ties as they stood in the files): who, what, when.

    `user` and `item`: int32 of shape (events,), places in `users` and `items`. `time`: Unix seconds. `rating`: float32,
    NaN where none was given.
    """

    users: tuple[str, ...]
    items: tuple[str, ...]
    user: Places
    item: Places
    time: Times
    rating: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.user)

    def where(self, kept: NDArray[np.bool_]) -> Interactions:
        """The events for which `kept` is true, with the same users and items."""
        return Interactions(
            self.users, self.items, self.user[kept], self.item[kept], self.time[kept], self.rating[kept]
        )


def interactions_of(
    events: Iterable[tuple[str, str, float, float]], users: Sequence[str] = (), items: Sequence[str] = ()
) -> Interactions:
    """Events (user, item, Unix seconds, rating or NaN) in any order. Known `users` and `items` keep their places."""
    user_at = {name: at for at, name in enumerate(users)}
    item_at = {name: at for at, name in enumerate(items)}
    rows = [
        (user_at.setdefault(user, len(user_at)), item_at.setdefault(item, len(item_at)), time, rating)
        for user, item, time, rating in events
    ]
    columns = np.array(rows, np.float64).reshape(-1, 4)
    order = np.argsort(columns[:, 2], kind="stable")
    user, item, time, rating = columns[order].T
    return Interactions(
        tuple(user_at), tuple(item_at), user.astype(np.int32), item.astype(np.int32), time, rating.astype(np.float32)
    )


def read_interactions(
    project: Path, sources: Sequence[str], columns: Mapping[str, str], items: Sequence[str] = ()
) -> tuple[Interactions, list[Problem]]:
    """The events of several files together, and what is wrong with them. `items` keep their places, in this order."""
    rows: list[Row] = []
    problems: list[Problem] = []
    for source in sources:
        read, found = read_rows(locate(source, project))
        rows += read
        problems += found
    selected, found = select(rows, ("user", "item", "timestamp"), ("rating", "event"), columns)
    problems += found
    reader = _Reader(datetime.now(UTC).timestamp())
    events = [event for row in selected if (event := reader.event(row)) is not None]
    problems += reader.problems()
    if selected and not events:
        message = "expected events with user, item and timestamp, found none that can be used"
        problems.append(Problem("error", "no-events", selected[0].source, None, message, "mend the rows listed above"))
    return interactions_of(events, items=items), problems


@dataclass
class _Counted:
    """One kind of flaw: its first row, and how many rows have it."""

    row: Row
    message: str
    fix: str
    rows: int = 1


class _Reader:
    """Rows to events, with every flaw counted by its kind."""

    def __init__(self, now: float) -> None:
        self._now = now
        self._flaws: dict[str, _Counted] = {}
        self._known: set[tuple[str, str, float]] = set()

    def event(self, row: Row) -> tuple[str, str, float, float] | None:
        user, item = require_label(row, "user", MAX_ID), require_label(row, "item", MAX_ID)
        for cell in (user, item):
            if isinstance(cell, Problem):
                self._flaw(row, cell.kind, cell.message, LEFT_OUT)
                return None
        time = self._time(row)
        if time is None:
            return None
        event = (str(user), str(item), time)
        if event in self._known:
            message = "expected every event once, found one of the same user, item and time again"
            self._flaw(row, "duplicate-event", message, "the copy is left out")
            return None
        self._known.add(event)
        return (*event, self._rating(row))

    def _time(self, row: Row) -> float | None:
        value = row.values.get("timestamp")
        time = seconds_of_timestamp(value)
        if time is None:
            message = f'expected Unix seconds or an ISO 8601 time in "timestamp", found {shown(value)}'
            self._flaw(row, "timestamp", message, LEFT_OUT)
            return None
        if time > self._now + DAY:
            message = f"expected a time that has been, found {shown(value)}, which is to come"
            self._flaw(row, "future-event", message, "it counts as of now; look at the clock that wrote it")
            return self._now
        return time

    def _rating(self, row: Row) -> float:
        value = row.values.get("rating")
        if is_missing(row, "rating"):
            if value is not None and not isinstance(value, str):
                message = "expected a number in rating, found NaN"
                self._flaw(row, "rating", message, "the event counts, without a rating")
            return float("nan")
        number = _number(value)
        if number is None:
            message = f"expected a number in rating, found {shown(value)}"
            self._flaw(row, "rating", message, "the event counts, without a rating")
            return float("nan")
        return number

    def _flaw(self, row: Row, kind: str, message: str, fix: str) -> None:
        if kind in self._flaws:
            self._flaws[kind].rows += 1
        else:
            self._flaws[kind] = _Counted(row, message, fix)

    def problems(self) -> list[Problem]:
        return [
            Problem("warning", kind, one.row.source, one.row.number, f"{one.message} ({one.rows} such rows)", one.fix)
            for kind, one in self._flaws.items()
        ]


def seconds_of_timestamp(value: object) -> float | None:
    """Unix seconds (or milliseconds) or ISO 8601, as Unix seconds; without a zone it is UTC. None for anything else."""
    number = _number(value)
    if number is not None:
        return number / 1000 if number > MILLISECONDS else number if number >= 0 else None
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str | np.number):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if np.isfinite(number) else None
