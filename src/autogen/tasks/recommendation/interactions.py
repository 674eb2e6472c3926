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

    def where(self, mask: NDArray[np.bool_]) -> Interactions:
        """The events for which `mask` is true, with the same users and items."""
        return Interactions(
            self.users, self.items, self.user[mask], self.item[mask], self.time[mask], self.rating[mask]
        )


def interactions_of(
    events: Iterable[tuple[str, str, float, float]], users: Sequence[str] = (), items: Sequence[str] = ()
) -> Interactions:
    """Events (user, item, Unix seconds, rating or NaN) in any order. Known `users` and `items` keep their places."""
    log = _Log(users, items)
    for user, item, time, rating in events:
        log.add(user, item, time, rating)
    return _in_order(log.events())


def join_events(events: Interactions, others: Iterable[tuple[str, str, float, float]]) -> Interactions:
    """The events and others, which may be of new users and items."""
    log = _Log(events.users, events.items)
    for user, item, time, rating in others:
        log.add(user, item, time, rating)
    added = log.events()
    return _in_order(
        Interactions(
            added.users,
            added.items,
            np.concatenate([events.user, added.user]),
            np.concatenate([events.item, added.item]),
            np.concatenate([events.time, added.time]),
            np.concatenate([events.rating, added.rating]),
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
    reader = _EventReader(datetime.now(UTC).timestamp(), items)
    problems: dict[Problem, None] = {}  # what every chunk of a file lacks is one problem
    for source in sources:
        cells: dict[str, object] = {}
        for chunk in read_chunks(locate(source, project)):
            problems |= dict.fromkeys(chunk.problems)
            cells |= dict.fromkeys(name for row in chunk.rows for name in row.values)
            reader.add_rows(pick(chunk.rows, (*REQUIRED, *OPTIONAL), columns), chunk.offset)
        # which columns a file has is known at its end: rows of JSON lines may differ
        whole = [Row(cells, str(locate(source, project)), 0)] if cells else []
        missing = select(whole, REQUIRED, OPTIONAL, columns)[1]
        problems |= dict.fromkeys(missing)
        if missing:
            reader.forget_source(missing[0].source)
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
class _Flaw:
    """One kind of flaw: its first row, and how many rows have it."""

    row: Row
    message: str
    fix: str
    rows: int = 1


class _EventReader:
    """Rows to events, with every flaw counted by its kind."""

    def __init__(self, now: float, items: Sequence[str]) -> None:
        self._now, self._log = now, _Log((), items)
        self._flaws: dict[str, _Flaw] = {}
        self._sources: list[tuple[int, str]] = []  # of each source, the number of its first event and its name
        self._numbers = array("q")  # of each event, its row
        self.read = 0

    def add_rows(self, rows: Sequence[Row], offset: int) -> None:
        """`offset`: to be added to the rows' numbers."""
        self.read += len(rows)
        if rows and (not self._sources or self._sources[-1][1] != rows[0].source):
            self._sources.append((len(self._log), rows[0].source))
        for row in rows:
            self._add_event(row, offset)

    def _add_event(self, row: Row, offset: int) -> None:
        user, item = require_label(row, "user", MAX_ID), require_label(row, "item", MAX_ID)
        for cell in (user, item):
            if isinstance(cell, Problem):
                self._flaw(row, offset, cell.kind, cell.message, LEFT_OUT)
                return
        time = self._time(row, offset)
        if time is not None:
            self._log.add(str(user), str(item), time, self._rating(row, offset))
            self._numbers.append(row.number + offset)

    def forget_source(self, source: str) -> None:
        """What single rows of a source lack, where it lacks the column."""
        self._flaws = {kind: flaw for kind, flaw in self._flaws.items() if flaw.row.source != source}
        self.read = 0 if not len(self._log) else self.read

    def events(self) -> Interactions:
        """In order of time, without those of the same user, item and time as one before."""
        events = self._with_plausible_times(self._log.events())
        order = np.lexsort((events.user, events.item, events.time))
        same = np.zeros(len(order), bool)
        same[1:] = np.all([np.diff(column[order]) == 0 for column in (events.user, events.item, events.time)], axis=0)
        copies = np.sort(order[same])
        if len(copies):
            source = next(name for start, name in reversed(self._sources) if start <= copies[0])
            message = "expected every event once, found one of the same user, item and time again"
            row = Row({}, source, self._numbers[copies[0]])
            self._flaws["duplicate-event"] = _Flaw(row, message, "the copy is left out", len(copies))
        is_first = np.ones(len(order), bool)
        is_first[copies] = False
        return _in_order(events.where(is_first))

    def _with_plausible_times(self, events: Interactions) -> Interactions:
        """One clock that is wrong would be all that trends, so what it dated counts as of the last event before."""
        end = last_plausible(events.time, self._now)
        stray = (events.time > end) & (events.time <= self._now + DAY)
        if stray.any():
            first = int(stray.argmax())
            source = next(name for start, name in reversed(self._sources) if start <= first)
            message = f"expected no event a year and more after all others, found one of {_day(events.time[first])}"
            row = Row({}, source, self._numbers[first])
            self._flaws["late-event"] = _Flaw(row, message, AS_OF_LAST, int(stray.sum()))
        return replace(events, time=np.minimum(events.time, end))

    def _time(self, row: Row, offset: int) -> float | None:
        value = row.values.get("timestamp")
        time = seconds_of_timestamp(value)
        if time is None:
            message = f'expected Unix seconds or an ISO 8601 time in "timestamp", found {shown(value)}'
            self._flaw(row, offset, "timestamp", message, LEFT_OUT)
            return None
        if time > self._now + DAY:
            message = f"expected a time that has been, found {shown(value)}, which is to come"
            self._flaw(row, offset, "future-event", message, AS_OF_LAST)
        return time

    def _rating(self, row: Row, offset: int) -> float:
        value = row.values.get("rating")
        if is_missing(row, "rating"):
            if value is not None and not isinstance(value, str):
                message = "expected a number in rating, found NaN"
                self._flaw(row, offset, "rating", message, "the event counts, without a rating")
            return float("nan")
        number = _number(value)
        if number is None:
            message = f"expected a number in rating, found {shown(value)}"
            self._flaw(row, offset, "rating", message, "the event counts, without a rating")
            return float("nan")
        return number

    def _flaw(self, row: Row, offset: int, kind: str, message: str, fix: str) -> None:
        if kind in self._flaws:
            self._flaws[kind].rows += 1
        else:
            self._flaws[kind] = _Flaw(replace(row, number=row.number + offset), message, fix)

    def problems(self) -> list[Problem]:
        return [
            Problem(
                "warning", kind, flaw.row.source, flaw.row.number, f"{flaw.message} ({flaw.rows} such rows)", flaw.fix
            )
            for kind, flaw in self._flaws.items()
        ]


def last_plausible(times: Times, now: float) -> float:
    """The time of the last event that has been and does not stand alone: those at the very end, few of many, that a gap
    of a year and of half of all the time before divides from the rest, do."""
    past_times = np.sort(times[times <= now + DAY])
    if not len(past_times):
        return now
    few = len(past_times) // STRAY
    gaps = np.diff(past_times[len(past_times) - few - 1 :])
    spans = past_times[len(past_times) - few - 1 : -1] - past_times[0]
    stray = np.flatnonzero(gaps > np.maximum(YEAR, spans / 2))
    return float(past_times[len(past_times) - few - 1 + stray[0]] if len(stray) else past_times[-1])


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
