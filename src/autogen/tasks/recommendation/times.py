"""When events were: the unit of a column of timestamps, which no single row tells, and which times are plausible."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.float64]

DAY = 86_400.0
YEAR = 365 * DAY
STRAY = 100  # one event of so many may stand long after all others, and is then no sign of when the log ended
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC).timestamp()  # logs of people's choices are younger
LATEST = datetime(2100, 1, 1, tzinfo=UTC).timestamp()
MILLISECONDS = 1e11  # Unix times above this (the year 5138 in seconds) are milliseconds at least
SPREADSHEET_EPOCH = datetime(1899, 12, 30, tzinfo=UTC).timestamp()  # day 0 of Excel's and LibreOffice's days

# Between EARLIEST and LATEST no number of one unit is one of another.
UNITS = (
    "Unix seconds",
    "Unix seconds",
    "Unix milliseconds",
    "Unix microseconds",
    "Unix nanoseconds",
    "days as YYYYMMDD",
    "times as YYYYMMDDhhmmss",
    "a spreadsheet's days since 1900",
)
NO_UNIT, SECONDS, CALENDAR_DAY, CALENDAR_TIME, SPREADSHEET_DAY = 0, 1, 5, 6, 7


@dataclass(frozen=True)
class TimeColumn:
    """A column of numbers as Unix seconds; `unit`: in which it was written, in words; `others`: how many rows were
    written in another."""

    seconds: Times
    unit: str
    others: int


def read_column(numbers: Times) -> TimeColumn:
    """The unit is that of most rows. Rows of another power of ten, or with a date's fourteen digits, are read as what
    they are; days are days only where most rows are: elsewhere so small a number is seconds."""
    units = _units(numbers)
    unit = int(np.bincount(units, minlength=len(UNITS)).argmax()) if len(units) else NO_UNIT
    for day in (CALENDAR_DAY, SPREADSHEET_DAY):
        if day != unit:
            units[units == day] = NO_UNIT
    others = int(((units != unit) & (units != NO_UNIT)).sum()) if unit != NO_UNIT else 0
    return TimeColumn(_seconds(numbers, units), UNITS[unit], others)


def _units(numbers: Times) -> NDArray[np.int8]:
    units = np.zeros(len(numbers), np.int8)
    for power in range(4):
        factor = 1000.0**power
        units[(numbers >= EARLIEST * factor) & (numbers < LATEST * factor)] = SECONDS + power
    for unit, factor in ((CALENDAR_DAY, 1.0), (CALENDAR_TIME, 1e6)):
        days = np.floor(numbers / factor)
        month, day = days // 100 % 100, days % 100
        is_date = (days >= 19900101) & (days < 21000101) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
        units[is_date & (numbers == np.floor(numbers))] = unit
    first, end = ((moment - SPREADSHEET_EPOCH) / DAY for moment in (EARLIEST, LATEST))
    units[(numbers >= first) & (numbers < end)] = SPREADSHEET_DAY
    return units


def _seconds(numbers: Times, units: NDArray[np.int8]) -> Times:
    seconds = np.where((units == NO_UNIT) & (numbers > MILLISECONDS), numbers / 1000, numbers)
    for power in range(1, 4):
        seconds = np.where(units == SECONDS + power, numbers / 1000.0**power, seconds)
    seconds = np.where(units == SPREADSHEET_DAY, numbers * DAY + SPREADSHEET_EPOCH, seconds)
    for unit, digits in ((CALENDAR_DAY, "%Y%m%d"), (CALENDAR_TIME, "%Y%m%d%H%M%S")):
        mask = units == unit
        moments, places = np.unique(numbers[mask], return_inverse=True)
        seconds[mask] = np.array([_moment(int(moment), digits) for moment in moments])[places] if mask.any() else 0.0
    return np.asarray(seconds, np.float64)


def _moment(number: int, digits: str) -> float:
    """Of digits that are no date, such as 20240230, the seconds that they would be."""
    try:
        return datetime.strptime(str(number), digits).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return float(number)


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


def number_or_seconds(value: object) -> tuple[float, bool] | None:
    """A timestamp as it is written: a number, whose unit its column tells (True), or ISO 8601 as Unix seconds (False),
    without a zone in UTC. None for anything else."""
    number = number_of(value)
    if number is not None:
        return (number, True) if number >= 0 else None
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp(), False
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp(), False


def number_of(value: Any) -> float | None:
    """A finite number, or the text of one."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | np.number):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if np.isfinite(number) else None


def date_of(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).date().isoformat()
