"""What a recommender counts: trends, histories, queries and their context."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from autogen.tasks.recommendation.interactions import DAY, Interactions, Places, Times

HALF_LIVES = (0.2, 1.0, 3.0, 7.0, 30.0, 180.0)  # days


WEEK = HALF_LIVES.index(7.0)


LITTLE = 0.02  # of an event: keeps the logarithm of a count that has faded finite


MOST_EXPONENT = 500.0  # of 2, by which counts may outgrow their reference before they are brought back


SESSION = 3_600.0  # seconds


RECENT = 5  # events of a history that tell what the user is at now


GAPS = 24  # buckets of the time between two events


SHORTEST_GAP = 15.0  # seconds, of the first bucket; each is twice as long as the one before


Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Query:
    """What one user did, the oldest first (places in the catalogue, Unix seconds), and when the user asks."""

    items: Places
    times: Times
    now: float


class Trend:
    """How often each item was chosen of late: counts that halve every so many days, kept live by `add`."""

    def __init__(self, items: int, half_lives: Sequence[float] = HALF_LIVES) -> None:
        self._lives = np.array(half_lives) * DAY
        self._counts = np.zeros((len(half_lives), items))  # each event weighs 2^((its time − reference) / half-life)
        self._reference = 0.0
        self.latest = -np.inf  # time of the last event

    def add(self, items: Places, times: Times) -> None:
        """Count events; they may come in any order."""
        if not len(items):
            return
        if not np.isfinite(self.latest):
            self._reference = float(times.min())
        self.latest = max(self.latest, float(times.max()))
        self._rebase()
        for counts, life in zip(self._counts, self._lives, strict=True):
            np.add.at(counts, items, np.exp2(np.maximum((times - self._reference) / life, -1000)))

    def _rebase(self) -> None:
        """Before any weight outgrows what a float can hold, all are taken relative to the latest event."""
        if (self.latest - self._reference) / self._lives.min() > MOST_EXPONENT:
            self._counts *= np.exp2(np.maximum((self._reference - self.latest) / self._lives, -1000))[:, None]
            self._reference = self.latest

    def at(self, now: float, places: Places | None = None) -> Floats:
        """The counts as of `now` of all items or of those at `places`, (half-lives, items). Events later than `now`
        must not have been added."""
        faded = np.exp2(np.clip((self._reference - now) / self._lives, -1000, 1000))
        counts = self._counts if places is None else self._counts[:, places]
        return (counts * faded[:, None]).astype(np.float32)

    def never(self) -> NDArray[np.bool_]:
        """Which items were in no event, (items,)."""
        mask: NDArray[np.bool_] = self._counts[-1] == 0
        return mask

    def best(self, count: int) -> list[Places]:
        """The most chosen items by each half-life: an order that no passing of time changes, only events do."""
        return [top((counts / max(float(counts.max()), 1e-300)).astype(np.float32), count) for counts in self._counts]


def log_trend(counts: Floats) -> Floats:
    logs: Floats = np.log(counts + LITTLE)
    return logs


class Replay:
    """Events in order of time, counted up to any moment, and no further: for measuring as it would have been."""

    def __init__(self, events: Interactions, items: int, half_lives: Sequence[float] = HALF_LIVES) -> None:
        self.trend = Trend(items, half_lives)
        self._events, self._next = events, 0

    def before(self, now: float) -> Floats:
        """Counts of the events earlier than `now`. Moments must not go back. Raises ValueError when they do."""
        end = int(np.searchsorted(self._events.time, now, side="left"))
        if end < self._next:
            raise ValueError("A replay goes forward only.")
        self.trend.add(self._events.item[self._next : end], self._events.time[self._next : end])
        self._next = end
        return self.trend.at(now)


def gap_buckets(times: Times, now: float) -> NDArray[np.int64]:
    """The bucket of the time from each event to the next, and from the last one to `now`."""
    gaps = np.diff(times, append=now)
    buckets = np.log2(np.maximum(gaps, SHORTEST_GAP) / SHORTEST_GAP)
    return np.minimum(buckets, GAPS - 2).astype(np.int64)


UNKNOWN_GAP = GAPS - 1  # before a user's first event


def context_of(query: Query, trends: Floats) -> Floats:
    """When and by whom it is asked, in numbers about 1, (CONTEXT,). `trends`: logarithms of counts of what the user did
    last, (half-lives, at most RECENT)."""
    if not len(query.items):
        return np.array([1.5, -1.5, 0, 0, -0.5, 1], np.float32)
    gap = np.log1p(max(query.now - query.times[-1], 0) / 60)
    now_seen = np.log1p(int((query.times > query.now - SESSION).sum()))
    recent, last = trends[WEEK].mean(), trends[1, -1]
    count = np.log1p(len(query.items))
    return np.array([(gap - 8) / 4, (count - 2) / 1.5, recent / 3, last / 3, now_seen - 0.5, 0], np.float32)


CONTEXT = 6


class Histories:
    """Each user's events in order of time."""

    def __init__(self, events: Interactions) -> None:
        order = np.argsort(events.user, kind="stable")
        self.items, self.times = events.item[order], events.time[order]
        self._starts = np.searchsorted(events.user[order], np.arange(len(events.users) + 1))

    def spans(self) -> Iterable[tuple[int, int]]:
        """Where each user's events begin and end in `items` and `times`."""
        return pairwise(self._starts.tolist())

    def all_of(self, user: int) -> tuple[Places, Times]:
        """All events of the user at this place; none for a place beyond those known."""
        if not 0 <= user < len(self._starts) - 1:
            return np.empty(0, np.int32), np.empty(0)
        part = slice(self._starts[user], self._starts[user + 1])
        return self.items[part], self.times[part]

    def query(self, user: int, now: float) -> Query:
        """What the user did until `now`: own events of that very second came before the one that is asked for."""
        items, times = self.all_of(user)
        end = int(np.searchsorted(times, now, side="right"))
        return Query(items[:end], times[:end], now)


def top(scores: Floats, count: int, left_out: Places | None = None) -> Places:
    """The places of the best `count`, best first, without those left out (their score is −∞, as any such item's is)."""
    if left_out is not None and len(left_out):
        scores = scores.copy()
        scores[left_out] = -np.inf
    reached = min(count, int(np.isfinite(scores).sum()))
    if not reached:
        return np.empty(0, np.int32)
    # all that tie with the last one are ordered, or chance would choose among them
    least = np.partition(scores, len(scores) - reached)[len(scores) - reached]
    candidates = np.flatnonzero(scores >= least)
    order = np.argsort(-scores[candidates], kind="stable")
    return candidates[order][:reached].astype(np.int32)
