"""What users did with items: events read from files, in the order of their time.

Logs are large and never spotless: a row that cannot be used is left out and counted, and only a file without a usable
row is an error.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autogen.data.columns import pick, select
from autogen.data.problems import Problem, shown
from autogen.data.readers.chunks import read_chunks
from autogen.data.readers.files import locate
from autogen.data.rows import Row, is_missing, require_label

MAX_ID = 200  # characters of a user or an item
MILLISECONDS = 1e11  # Unix times above this (the year 5138 in seconds) are milliseconds
DAY = 86_400.0
YEAR = 365 * DAY
STRAY = 100  # one event of so many may stand long after all others, and is then no sign of when the log ended
REQUIRED, OPTIONAL = ("user", "item", "timestamp"), ("rating", "event")
LEFT_OUT = "the event is left out; mend it if it matters"
AS_OF_LAST = "it counts as of the last event before; look at the clock that wrote it"

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
    log = _Log(users, items)
    for user, item, time, rating in events:
        log.add(user, item, time, rating)
    return _in_order(log.events())


def joined(events: Interactions, more: Iterable[tuple[str, str, float, float]]) -> Interactions:
    """The events and others, which may be of new users and items."""
    log = _Log(events.users, events.items)
    for user, item, time, rating in more:
        log.add(user, item, time, rating)
    late = log.events()
    return _in_order(
        Interactions(
            late.users,
            late.items,
            np.concatenate([events.user, late.user]),
            np.concatenate([events.item, late.item]),
            np.concatenate([events.time, late.time]),
            np.concatenate([events.rating, late.rating]),
        )
    )


def _in_order(events: Interactions) -> Interactions:
    order = np.argsort(events.time, kind="stable")
    return Interactions(
        events.users, events.items, events.user[order], events.item[order], events.time[order], events.rating[order]
    )


def read_interactions(
    project: Path, sources: Sequence[str], columns: Mapping[str, str], items: Sequence[str] = ()
) -> tuple[Interactions, list[Problem]]:
    """The events of several files together, and what is wrong with them. `items` keep their places, in this order.

    Files are read chunk by chunk: memory is 24 bytes for each event, and the names of users and items.
    """
    reader = _Reader(datetime.now(UTC).timestamp(), items)
    problems: dict[Problem, None] = {}  # what every chunk of a file lacks is one problem
    for source in sources:
        seen: dict[str, object] = {}
        for chunk in read_chunks(locate(source, project)):
            problems |= dict.fromkeys(chunk.problems)
            seen |= dict.fromkeys(name for row in chunk.rows for name in row.values)
            reader.take(pick(chunk.rows, (*REQUIRED, *OPTIONAL), columns), chunk.offset)
        # which columns a file has is known at its end: rows of JSON lines may differ
        whole = [Row(seen, str(locate(source, project)), 0)] if seen else []
        missing = select(whole, REQUIRED, OPTIONAL, columns)[1]
        problems |= dict.fromkeys(missing)
        if missing:
            reader.forget(missing[0].source)
    events = reader.events()
    if reader.read and not len(events):
        message = "expected events with user, item and timestamp, found none that can be used"
        fix = "mend the rows listed above"
        problems[Problem("error", "no-events", str(locate(sources[0], project)), None, message, fix)] = None
    return events, [*problems, *reader.problems()]


class _Log:
    """Events as they come, side by side."""

    def __init__(self, users: Sequence[str], items: Sequence[str]) -> None:
        self._users = {name: at for at, name in enumerate(users)}
        self._items = {name: at for at, name in enumerate(items)}
        self._user, self._item, self._time, self._rating = array("i"), array("i"), array("d"), array("f")

    def __len__(self) -> int:
        return len(self._user)

    def add(self, user: str, item: str, time: float, rating: float) -> None:
        self._user.append(self._users.setdefault(user, len(self._users)))
        self._item.append(self._items.setdefault(item, len(self._items)))
        self._time.append(time)
        self._rating.append(rating)

    def events(self) -> Interactions:
        """As they came."""
        return Interactions(
            tuple(self._users),
            tuple(self._items),
            np.array(self._user, np.int32),
            np.array(self._item, np.int32),
            np.array(self._time, np.float64),
            np.array(self._rating, np.float32),
        )


@dataclass
class _Counted:
    """One kind of flaw: its first row, and how many rows have it."""

    row: Row
    message: str
    fix: str
    rows: int = 1


class _Reader:
    """Rows to events, with every flaw counted by its kind."""

    def __init__(self, now: float, items: Sequence[str]) -> None:
        self._now, self._log = now, _Log((), items)
        self._flaws: dict[str, _Counted] = {}
        self._from: list[tuple[int, str]] = []  # the first event of each source, which it is
        self._numbers = array("q")  # of each event, its row
        self.read = 0

    def take(self, rows: Sequence[Row], before: int) -> None:
        """`before`: to be added to the rows' numbers."""
        self.read += len(rows)
        if rows and (not self._from or self._from[-1][1] != rows[0].source):
            self._from.append((len(self._log), rows[0].source))
        for row in rows:
            self._event(row, before)

    def _event(self, row: Row, before: int) -> None:
        user, item = require_label(row, "user", MAX_ID), require_label(row, "item", MAX_ID)
        for cell in (user, item):
            if isinstance(cell, Problem):
                self._flaw(row, before, cell.kind, cell.message, LEFT_OUT)
                return
        time = self._time(row, before)
        if time is not None:
            self._log.add(str(user), str(item), time, self._rating(row, before))
            self._numbers.append(row.number + before)

    def forget(self, source: str) -> None:
        """What single rows of a source lack, where it lacks the column."""
        self._flaws = {kind: one for kind, one in self._flaws.items() if one.row.source != source}
        self.read = 0 if not len(self._log) else self.read

    def events(self) -> Interactions:
        """In order of time, without those of the same user, item and time as one before."""
        found = self._plausible(self._log.events())
        order = np.lexsort((found.user, found.item, found.time))
        same = np.zeros(len(order), bool)
        same[1:] = np.all([np.diff(column[order]) == 0 for column in (found.user, found.item, found.time)], axis=0)
        again = np.sort(order[same])
        if len(again):
            source = next(name for start, name in reversed(self._from) if start <= again[0])
            message = "expected every event once, found one of the same user, item and time again"
            row = Row({}, source, self._numbers[again[0]])
            self._flaws["duplicate-event"] = _Counted(row, message, "the copy is left out", len(again))
        once = np.ones(len(order), bool)
        once[again] = False
        return _in_order(found.where(once))

    def _plausible(self, events: Interactions) -> Interactions:
        """One clock that is wrong would be all that trends, so what it dated counts as of the last event before."""
        end = last_plausible(events.time, self._now)
        stray = (events.time > end) & (events.time <= self._now + DAY)
        if stray.any():
            first = int(stray.argmax())
            source = next(name for start, name in reversed(self._from) if start <= first)
            message = f"expected no event a year and more after all others, found one of {_day(events.time[first])}"
            row = Row({}, source, self._numbers[first])
            self._flaws["late-event"] = _Counted(row, message, AS_OF_LAST, int(stray.sum()))
        return replace(events, time=np.minimum(events.time, end))

    def _time(self, row: Row, before: int) -> float | None:
        value = row.values.get("timestamp")
        time = seconds_of_timestamp(value)
        if time is None:
            message = f'expected Unix seconds or an ISO 8601 time in "timestamp", found {shown(value)}'
            self._flaw(row, before, "timestamp", message, LEFT_OUT)
            return None
        if time > self._now + DAY:
            message = f"expected a time that has been, found {shown(value)}, which is to come"
            self._flaw(row, before, "future-event", message, AS_OF_LAST)
        return time

    def _rating(self, row: Row, before: int) -> float:
        value = row.values.get("rating")
        if is_missing(row, "rating"):
            if value is not None and not isinstance(value, str):
                message = "expected a number in rating, found NaN"
                self._flaw(row, before, "rating", message, "the event counts, without a rating")
            return float("nan")
        number = _number(value)
        if number is None:
            message = f"expected a number in rating, found {shown(value)}"
            self._flaw(row, before, "rating", message, "the event counts, without a rating")
            return float("nan")
        return number

    def _flaw(self, row: Row, before: int, kind: str, message: str, fix: str) -> None:
        if kind in self._flaws:
            self._flaws[kind].rows += 1
        else:
            self._flaws[kind] = _Counted(replace(row, number=row.number + before), message, fix)

    def problems(self) -> list[Problem]:
        return [
            Problem("warning", kind, one.row.source, one.row.number, f"{one.message} ({one.rows} such rows)", one.fix)
            for kind, one in self._flaws.items()
        ]


def last_plausible(times: Times, now: float) -> float:
    """The time of the last event that has been and does not stand alone: those at the very end, few of many, that a gap
    of a year and of half of all the time before divides from the rest, do."""
    been = np.sort(times[times <= now + DAY])
    if not len(been):
        return now
    few = len(been) // STRAY
    gaps = np.diff(been[len(been) - few - 1 :])
    spans = been[len(been) - few - 1 : -1] - been[0]
    stray = np.flatnonzero(gaps > np.maximum(YEAR, spans / 2))
    return float(been[len(been) - few - 1 + stray[0]] if len(stray) else been[-1])


def _day(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).date().isoformat()


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
