"""Which clicks move what everybody is shown, and are learnt: of users with a history those that lead no item beyond
what the data ever saw, and of newcomers as many as there are of others."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from autogen.config.project import LearnFrom
from autogen.tasks.recommendation.clicks import Click, Standing, teaches
from autogen.tasks.recommendation.interactions import DAY, Interactions

NEWCOMERS = 1.0  # users without a history who may choose an item, for each one with a history who does
WEEK = 7 * DAY
FEWEST_IN_WEEK = 50  # events of a week that say which share of a week an item may have


@dataclass
class _Rise:
    """Who chose one item, and who waits; the first to wait is the first to count."""

    known: int = 0
    newcomers: int = 0
    waiting_known: deque[Click] = field(default_factory=deque)
    waiting_newcomers: deque[Click] = field(default_factory=deque)


class Admission:
    """Clicks in order of arrival, each user's on each item once. A click that is not admitted waits, and is admitted
    with a later one that makes room for it.

    It is the rule of a majority: names cost nothing, a history in the data does, so at most half of what leads an item
    up comes from names without one; and no item has more in a week than any item had in a week of the data, or a
    greater share of it. What the owner says counts as it is, as a known user's.
    """

    def __init__(self, events: Interactions, known: Container[str], newcomers: float = NEWCOMERS) -> None:
        """`events`: the data; `known`: the users with a history; `newcomers`: users without one for each with one."""
        self._events, self._known, self._newcomers = events, known, newcomers
        self._pairs: set[tuple[str, str]] = set()
        self._rises: defaultdict[str, _Rise] = defaultdict(_Rise)
        self._of_week: Counter[int] = Counter()
        self._of_item: Counter[tuple[str, int]] = Counter()

    def admit(self, click: Click, learn_from: LearnFrom = "reviewed") -> list[Click]:
        """What counts now: this click or not, and others that waited for it. `learn_from`: whose clicks count, as in
        `agent.toml`. Where users who are vouched for are trusted, they need no history; where everyone is, nobody
        waits for anything."""
        rise, pair = self._rises[click.item], (click.learner, click.item)
        if click.standing is Standing.OWNER:
            self._pairs.add(pair)
            rise.known += 1
            return [self._count(click), *self._next(rise)]
        if not teaches(click.standing, learn_from) or pair in self._pairs:
            return []
        self._pairs.add(pair)
        if learn_from == "everyone":
            return [self._count(click)]
        is_known = learn_from == "trusted-users" or click.user in self._known
        (rise.waiting_known if is_known else rise.waiting_newcomers).append(click)
        return self._next(rise)

    def _next(self, rise: _Rise) -> list[Click]:
        admitted = []
        while rise.waiting_known and self._has_room(rise.waiting_known[0]):
            admitted.append(self._count(rise.waiting_known.popleft()))
            rise.known += 1
        waiting = rise.waiting_newcomers
        while waiting and rise.newcomers + 1 <= self._newcomers * rise.known and self._has_room(waiting[0]):
            admitted.append(self._count(waiting.popleft()))
            rise.newcomers += 1
        return admitted

    def _has_room(self, click: Click) -> bool:
        count, share = self._peak
        week = int(click.time // WEEK)
        return self._of_item[click.item, week] + 1 <= max(count, share * self._of_week[week])

    def _count(self, click: Click) -> Click:
        week = int(click.time // WEEK)
        self._of_week[week] += 1
        self._of_item[click.item, week] += 1
        return click

    @cached_property
    def _peak(self) -> tuple[float, float]:
        """The most events that an item had in one week of the data, and the greatest share of a week's events."""
        events = self._events
        if not len(events):
            return 1.0, 0.0
        week = ((events.time - events.time.min()) // WEEK).astype(np.int64)
        keys, counts = np.unique(week * len(events.items) + events.item, return_counts=True)
        totals = np.bincount(week)[keys // len(events.items)]
        shares = np.where(totals >= FEWEST_IN_WEEK, counts / totals, 0.0)
        return float(counts.max()), float(shares.max())


def admitted_clicks(
    clicks: Sequence[Click], events: Interactions, known: Container[str], learn_from: LearnFrom = "reviewed"
) -> list[Click]:
    """Those of the clicks that are learnt, in order of arrival."""
    admission = Admission(events, known)
    admitted = {click.feedback for click in clicks for click in admission.admit(click, learn_from)}
    return [click for click in clicks if click.feedback in admitted]
