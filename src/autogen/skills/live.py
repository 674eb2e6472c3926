"""A recommender kept live: every click joins its user's history and what trends at once, without retraining."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from autogen.data.interactions import Places
from autogen.feedback.events import Feedback
from autogen.runtime.recommender import Recommender
from autogen.tasks.recommendation import Floats, Query, Trend

LIKES = 0.5  # the rating from which feedback on an item is a click
MOST_A_DAY = 100  # clicks of one user that count: a flood is not a trend
DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Click:
    """What one person did with one item they were shown: liked it (a click, a high rating), or not."""

    user: str
    item: str
    time: float  # Unix seconds
    liked: bool
    feedback: str  # its id


def clicks(feedback: Sequence[Feedback], who: Mapping[str, str]) -> list[Click]:
    """Feedback that names an item, the oldest first, once for each user, item and day, and no user's flood. `who`: the
    user behind each feedback, by its id."""
    known: set[tuple[str, str, int, bool]] = set()
    of_day: dict[tuple[str, int], int] = defaultdict(int)
    found = []
    for one in feedback:
        if one.label is None or one.id not in who:
            continue
        user, when = who[one.id], one.created_at.timestamp()
        liked, day = one.rating is None or one.rating >= LIKES, int(when // DAY)
        if (user, one.label, day, liked) in known or of_day[user, day] >= MOST_A_DAY:
            continue
        known.add((user, one.label, day, liked))
        of_day[user, day] += 1
        found.append(Click(user, one.label, when, liked, one.id))
    return found


@dataclass
class _Person:
    """What one user did since the training."""

    items: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    disliked: set[int] = field(default_factory=set)


class LiveRecommender:
    """Safe to use from several threads."""

    def __init__(self, model: Recommender) -> None:
        self.model = model
        self.at = {name: place for place, name in enumerate(model.items)}
        self._trend: Trend = model.trend()
        self._people: dict[str, _Person] = {}
        self._guard = threading.Lock()

    def clock(self) -> float:
        """Now, as the data has it: data that ended long ago goes on from where it ended."""
        return time.time() - self.model.card.lag

    def observe(self, found: Sequence[Click]) -> None:
        """Items that the catalogue does not have are left out."""
        with self._guard:
            for click in found:
                if (item := self.at.get(click.item)) is not None:
                    self._take(click, item)

    def _take(self, click: Click, item: int) -> None:
        person = self._people.setdefault(click.user, _Person())
        if not click.liked:
            person.disliked.add(item)
            return
        when = click.time - self.model.card.lag
        person.disliked.discard(item)
        person.items.append(item)
        person.times.append(when)
        self._trend.add(np.array([item], np.int32), np.array([when]))

    def query(self, user: str | None, history: Sequence[str] = ()) -> tuple[Query, Places]:
        """A user's history, or an anonymous one (ids, the oldest first); and what that user had or disliked."""
        now = self.clock()
        items, times = self.model.histories.all_of(self.model.user_at.get(user, -1) if user else -1)
        more = [self.at[name] for name in history if name in self.at]
        with self._guard:
            person = self._people.get(user or "", _Person())
            late = [*more, *person.items]
            when = [*(now - 60.0 * (len(more) - k) for k in range(len(more))), *person.times]
            disliked = [*person.disliked]
        everything = np.concatenate([items, np.array(late, np.int32)])
        all_times = np.concatenate([times, np.array(when)])
        order = np.argsort(all_times, kind="stable")
        had = np.concatenate([everything, np.array(disliked, np.int32)])
        return Query(everything[order].astype(np.int32), all_times[order], now), had.astype(np.int32)

    def counts(self, now: float) -> Floats:
        """What trends, (half-lives, items)."""
        with self._guard:
            return self._trend.at(now)

    def scores(self, query: Query, counts: Floats) -> Floats:
        """Log-probabilities of all items; −∞ for those not in the catalogue."""
        found = self.model.offered(self.model.scores(query, counts))
        best = found[np.isfinite(found)]
        if not len(best):
            return found
        whole: Floats = (found - best.max() - np.log(np.exp(best - best.max()).sum())).astype(np.float32)
        return whole

    def because(self, item: int, history: Places) -> int | None:
        """The item of the history that speaks most for this one; None where none does."""
        linear = self.model.linear
        if linear is None or not len(history):
            return None
        says: NDArray[np.float32] = np.where(linear.places[history] == item, linear.weights[history], 0).max(axis=1)
        return int(history[says.argmax()]) if says.max() > 0.01 else None
