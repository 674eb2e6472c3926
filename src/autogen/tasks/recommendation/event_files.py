"""Events read from files.

Logs are large and never spotless: a row that cannot be used is left out and counted, and only a file without a usable
row, or whose times cannot be meant, is an error.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autogen.data.columns import pick, select
from autogen.data.names import is_word_for_nothing, is_written_by_programs
from autogen.data.problems import Problem, shown
from autogen.data.readers.chunks import read_chunks
from autogen.data.readers.files import locate
from autogen.data.rows import Row, is_missing, require_label
from autogen.tasks.recommendation.event_names import check_names, join_names, note_names
from autogen.tasks.recommendation.interactions import EventLog, Interactions, sort_events
from autogen.tasks.recommendation.opinions import is_dislike, is_impression
from autogen.tasks.recommendation.times import (
    DAY,
    EARLIEST,
    SECONDS,
    UNITS,
    Times,
    date_of,
    last_plausible,
    number_of,
    number_or_seconds,
    read_column,
)

MAX_ID = 200  # characters of a user or an item
REQUIRED, OPTIONAL = ("user", "item", "timestamp"), ("rating", "event")
LEFT_OUT = "the event is left out; mend it if it matters"
AS_OF_LAST = "it counts as of the last event before; look at the clock that wrote it"
EXPECTED_TIMES = "write Unix seconds, or times such as 2026-01-31T09:30:00Z"
FEWEST_EVENTS = 5  # that say whether all are of one moment
NO_RATING = float("nan")


@dataclass(frozen=True)
class EventFiles:
    """Events of files, what is wrong with them, and what was done to them without a problem."""

    events: Interactions
    problems: list[Problem]
    notes: tuple[str, ...]


def read_interactions(
    project: Path, sources: Sequence[str], columns: Mapping[str, str], items: Sequence[str] = ()
) -> tuple[Interactions, list[Problem]]:
    """The events of several files together, and what is wrong with them. `items` keep their places, in this order."""
    files = read_events(project, sources, columns, items)
    return files.events, files.problems


def read_events(
    project: Path,
    sources: Sequence[str],
    columns: Mapping[str, str],
    items: Sequence[str] = (),
    join: bool = False,
    users: Sequence[str] = (),
) -> EventFiles:
    """The same. `join`: users and items that differ in case or width alone are one, as they are written in `users` and
    `items`, else as most rows write them.

    Files are read chunk by chunk: memory is 25 bytes for each event, and the names of users and items.
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
    if join:
        events = join_names(events, users, items)
    elif len(events):
        problems |= dict.fromkeys(check_names(events, str(locate(sources[0], project))))
    return EventFiles(events, [*problems, *reader.problems()], reader.notes())


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
        self._now, self._log, self._known_items = now, EventLog((), items), frozenset(items)
        self._flaws: dict[str, _Flaw] = {}
        self._sources: list[tuple[int, str]] = []  # of each source, the number of its first event and its name
        self._numbers = array("q")  # of each event, its row
        self._unitless = array("b")  # of each event, whether its time is a number whose unit is not known yet
        self._errors: list[Problem] = []
        self._units: dict[str, str] = {}  # source -> unit of its times, where it is not seconds
        self._written: dict[str, dict[str, str]] = {"user": {}, "item": {}}  # plain name -> as it is written otherwise
        self.read = 0

    def add_rows(self, rows: Sequence[Row], offset: int) -> None:
        """`offset`: to be added to the rows' numbers."""
        self.read += len(rows)
        if rows and (not self._sources or self._sources[-1][1] != rows[0].source):
            self._sources.append((len(self._log), rows[0].source))
        for row in rows:
            self._add_event(row, offset)

    def _add_event(self, row: Row, offset: int) -> None:
        user, item = self._name(row, offset, "user"), None
        if user is None or (item := self._name(row, offset, "item")) is None:
            return
        time = self._time(row, offset)
        if time is not None and not self._is_turned_down(row, offset):
            self._log.add(user, item, time[0], self._rating(row, offset))
            self._numbers.append(row.number + offset)
            self._unitless.append(time[1])

    def _name(self, row: Row, offset: int, field: str) -> str | None:
        name = require_label(row, field, MAX_ID)
        if isinstance(name, Problem):
            self._flaw(row, offset, name.kind, name.message, LEFT_OUT)
            return None
        is_nobody = field == "user" and is_word_for_nothing(name)
        if is_nobody or (name not in self._known_items and field == "item" and is_written_by_programs(name)):
            message = f'expected a name in "{field}", found {shown(name)}, which is written where there is none'
            self._flaw(row, offset, f"no-{field}", message, LEFT_OUT)
            return None
        written = row.values[field]
        if written != name and isinstance(written, str):
            self._written[field].setdefault(name, written)
        return name

    def _is_turned_down(self, row: Row, offset: int) -> bool:
        """Whether it says that the user did not like the item."""
        event, rating = row.values.get("event"), row.values.get("rating")
        number = number_of(rating)
        if is_dislike(event):
            message = f"expected events of what users like, found {shown(event)} in event"
        elif is_dislike(rating) or (number is not None and number < 0):
            message = f"expected ratings of what users like, found {shown(rating)}"
        else:
            if is_impression(event):
                message = f"expected events of what users chose, found {shown(event)} in event"
                fix = "it counts as chosen; leave out of the file what was only shown"
                self._flaw(row, offset, "shown-event", message, fix)
            return False
        fix = "it is left out: that an item is not liked is not learnt from files"
        self._flaw(row, offset, "dislike", message, fix)
        return True

    def forget_source(self, source: str) -> None:
        """What single rows of a source lack, where it lacks the column."""
        self._flaws = {kind: flaw for kind, flaw in self._flaws.items() if flaw.row.source != source}
        self.read = 0 if not len(self._log) else self.read

    def events(self) -> Interactions:
        """In order of time, without those of the same user, item and time as one before."""
        events = self._with_plausible_times(self._in_seconds(self._log.events()))
        order = np.lexsort((events.user, events.item, events.time))
        same = np.zeros(len(order), bool)
        same[1:] = np.all([np.diff(column[order]) == 0 for column in (events.user, events.item, events.time)], axis=0)
        copies = np.sort(order[same])
        if len(copies):
            message = "expected every event once, found one of the same user, item and time again"
            self._flaw_at(int(copies[0]), "duplicate-event", message, "the copy is left out", len(copies))
        is_first = np.ones(len(order), bool)
        is_first[copies] = False
        return sort_events(events.where(is_first))

    def _parts(self) -> Iterator[tuple[str, slice]]:
        """The events of each source."""
        ends = [start for start, _ in self._sources[1:]] + [len(self._log)]
        for (start, source), end in zip(self._sources, ends, strict=False):  # no source has no end
            if end > start:
                yield source, slice(start, end)

    def _in_seconds(self, events: Interactions) -> Interactions:
        """Each file's times by the unit of its column; a file whose times cannot be meant is an error."""
        times, unitless = events.time.copy(), np.array(self._unitless, bool)
        for source, part in self._parts():
            mask = unitless[part]
            if mask.any():
                column = read_column(times[part][mask])
                times[part][mask] = column.seconds
                if column.unit != UNITS[SECONDS]:
                    self._units[source] = column.unit
                if column.others:
                    message = f"expected times in one unit, found {column.unit} and others"
                    fix = "each is read by its size; write them in one unit"
                    self._flaw_at(part.start, "mixed-times", message, fix, column.others)
        is_one_moment = len(times) >= FEWEST_EVENTS and times.min() == times.max()
        if is_one_moment:
            message = f"expected events over time, found all {len(times):,} at one moment, {date_of(float(times[0]))}"
            fix = "name the column that says when; without, what trends and what follows what cannot be learnt"
            self._flaw_at(0, "one-moment", message, fix, len(times))
        for source, part in self._parts():
            self._check_future(times[part], source, part.start)
            if times[part].max() < EARLIEST and not is_one_moment:
                low, high = date_of(float(times[part].min())), date_of(float(times[part].max()))
                message = f"expected times after 1990, found all from {low} to {high}, read as Unix seconds"
                self._errors.append(Problem("error", "early-events", source, None, message, EXPECTED_TIMES))
        return replace(events, time=times)

    def _check_future(self, times: Times, source: str, first: int) -> None:
        """An error where most of a file's events are to come, a flaw where some are."""
        to_come = times > self._now + DAY
        if 2 * to_come.sum() > len(times):
            message = (
                f"expected times that have been, found {to_come.sum():,} of {len(times):,} to come, up to "
                f"{date_of(min(float(times.max()), self._now * 10))}"
            )
            self._errors.append(Problem("error", "future-events", source, None, message, EXPECTED_TIMES))
        elif to_come.any():
            at = first + int(to_come.argmax())
            message = f"expected a time that has been, found {date_of(float(times[to_come][0]))}, which is to come"
            self._flaw_at(at, "future-event", message, AS_OF_LAST, int(to_come.sum()))

    def _with_plausible_times(self, events: Interactions) -> Interactions:
        """One clock that is wrong would be all that trends, so what it dated counts as of the last event before."""
        end = last_plausible(events.time, self._now)
        stray: NDArray[np.bool_] = (events.time > end) & (events.time <= self._now + DAY)
        if stray.any():
            first = int(stray.argmax())
            message = (
                f"expected no event a year and more after all others, found one of {date_of(float(events.time[first]))}"
            )
            self._flaw_at(first, "late-event", message, AS_OF_LAST, int(stray.sum()))
        return replace(events, time=np.minimum(events.time, end))

    def _time(self, row: Row, offset: int) -> tuple[float, bool] | None:
        value = row.values.get("timestamp")
        time = number_or_seconds(value)
        if time is None:
            message = f'expected Unix seconds or an ISO 8601 time in "timestamp", found {shown(value)}'
            self._flaw(row, offset, "timestamp", message, LEFT_OUT)
        return time

    def _rating(self, row: Row, offset: int) -> float:
        value = row.values.get("rating")
        if is_missing(row, "rating"):
            if value is not None and not isinstance(value, str):
                message = "expected a number in rating, found NaN"
                self._flaw(row, offset, "rating", message, "the event counts, without a rating")
            return NO_RATING
        number = number_of(value)
        if number is None:
            message = f"expected a number in rating, found {shown(value)}"
            self._flaw(row, offset, "rating", message, "the event counts, without a rating")
            return NO_RATING
        return number

    def _flaw(self, row: Row, offset: int, kind: str, message: str, fix: str) -> None:
        if kind in self._flaws:
            self._flaws[kind].rows += 1
        else:
            self._flaws[kind] = _Flaw(replace(row, number=row.number + offset), message, fix)

    def _flaw_at(self, event: int, kind: str, message: str, fix: str, rows: int) -> None:
        """Of events that were read, the first of them at this place."""
        if kind in self._flaws:
            self._flaws[kind].rows += rows
            return
        source = next(name for start, name in reversed(self._sources) if start <= event)
        self._flaws[kind] = _Flaw(Row({}, source, self._numbers[event]), message, fix, rows)

    def problems(self) -> list[Problem]:
        return [
            *self._errors,
            *(
                Problem(
                    "warning",
                    kind,
                    flaw.row.source,
                    flaw.row.number,
                    f"{flaw.message} ({flaw.rows} such rows)",
                    flaw.fix,
                )
                for kind, flaw in self._flaws.items()
            ),
        ]

    def notes(self) -> tuple[str, ...]:
        """In which unit times were read, and names that were written otherwise."""
        units = [f"Times of {source}: read as {unit}." for source, unit in self._units.items() if unit]
        return (*units, *(note for field, written in self._written.items() for note in note_names(field, written)))
