"""A recommender kept live: every click joins its user's history and what trends at once, without retraining."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from autogen.data.interactions import Places, Times
from autogen.feedback.events import Feedback
from autogen.runtime.recommender import LONGEST, Part, Recommender
from autogen.tasks.recommendation import Floats, Query, Trend

LIKES = 0.5  # the rating from which feedback on an item is a click
DISLIKES = 0.0  # the rating that says "not interested"; those between say neither: a short look, say
MOST_A_DAY = 100  # clicks of one user that count: a flood is not a trend
MOST_CLICKED = 500  # clicks after which what is chosen most is found anew
DAY = 86_400.0
SAME_TIME = 0.001  # seconds


@dataclass(frozen=True, slots=True)
class Click:
    """What one person said of one item they were shown: liked it (a click, a high rating), or is not interested."""

    user: str
    item: str
    time: float  # Unix seconds
    liked: bool
    feedback: str  # its id
    answer: str | None = None  # the id of the response that showed it


@dataclass
class Counted:
    """What was counted so far: of each user and day how much, and which items."""

    known: set[tuple[str, str, int, bool]] = field(default_factory=set)
    of_day: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))


def clicks(feedback: Sequence[Feedback], who: Mapping[str, str], counted: Counted | None = None) -> list[Click]:
    """Feedback that names an item and says something of it, the oldest first, once for each user, item and day, and no
    user's flood. `who`: the user behind each feedback, by its id. `counted`: what earlier calls have let pass."""
    counted = counted or Counted()
    known, of_day = counted.known, counted.of_day
    found = []
    for one in feedback:
        liked = likes(one)
        if one.label is None or liked is None or one.id not in who:
            continue
        user, when = who[one.id], one.created_at.timestamp()
        day = int(when // DAY)
        if (user, one.label, day, liked) in known or of_day[user, day] >= MOST_A_DAY:
            continue
        known.add((user, one.label, day, liked))
        of_day[user, day] += 1
        found.append(Click(user, one.label, when, liked, one.id, one.response_id))
    return found


def likes(said: Feedback) -> bool | None:
    """Whether the item that it names is liked; None where it says neither."""
    if said.rating is None or said.rating >= LIKES:
        return True
    return False if said.rating <= DISLIKES else None


def standing(found: Sequence[Click]) -> list[Click]:
    """The likes of items that the same user has not turned down since."""
    last = {(one.user, one.item): one.liked for one in found}
    return [one for one in found if one.liked and last[one.user, one.item]]


@dataclass
class _Person:
    """What one user did since the training."""

    items: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    disliked: set[int] = field(default_factory=set)

    def dislike(self, item: int) -> None:
        """What was clicked before leads nowhere now."""
        self.disliked.add(item)
        kept = [at for at, one in enumerate(self.items) if one != item]
        self.items, self.times = [self.items[at] for at in kept], [self.times[at] for at in kept]


class LiveRecommender:
    """Safe to use from several threads."""

    def __init__(self, model: Recommender) -> None:
        self.model = model
        self.at = {name: place for place, name in enumerate(model.items)}
        self._trend: Trend = model.trend()
        self._people: dict[str, _Person] = {}
        self._best: Places | None = None  # what is chosen most, and what was clicked since it was found
        self._clicked: list[int] = []
        self.counted = Counted()
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
            person.dislike(item)
            return
        when = click.time - self.model.card.lag
        person.disliked.discard(item)
        if self._learnt(click.user, item, when):
            return
        person.items.append(item)
        person.times.append(when)
        self._trend.add(np.array([item], np.int32), np.array([when]))
        self._clicked.append(item)

    def knows(self, user: str) -> bool:
        """Whether this user did anything yet."""
        with self._guard:
            return user in self.model.user_at or user in self._people

    def _learnt(self, user: str, item: int, when: float) -> bool:
        """Whether the model has this click among what it learnt from."""
        items, times = self.model.histories.all_of(self.model.user_at.get(user, -1))
        return bool(((items == item) & (np.abs(times - when) < SAME_TIME)).any())

    def _before(self, user: str | None, now: float) -> tuple[Places, Times]:  # noqa: ARG002 all of it was before now
        """What the model learnt that the user did."""
        return self.model.histories.all_of(self.model.user_at.get(user, -1) if user else -1)

    def query(self, user: str | None, history: Sequence[str] = ()) -> tuple[Query, Places]:
        """A user's history, or an anonymous one (ids, the oldest first); and what that user had or disliked."""
        now = self.clock()
        items, times = self._before(user, now)
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

    def counts(self, now: float, part: Part | None = None) -> Floats:
        """What trends, (half-lives, items) or of the part."""
        with self._guard:
            return self._trend.at(now, None if part is None else part.places)

    def trending(self, count: int) -> Places:
        """What is chosen most of late, by any half-life, in order of place. Found anew after so many clicks as a large
        catalogue can bear; what was clicked since is among them."""
        with self._guard:
            if self._best is None or len(self._clicked) > MOST_CLICKED:
                self._best, self._clicked = np.unique(np.concatenate(self._trend.best(count))), []
            return np.union1d(self._best, np.array(self._clicked, np.int32)).astype(np.int32)

    def never_chosen(self) -> NDArray[np.bool_]:
        """Which items nobody has chosen yet, (items,)."""
        with self._guard:
            return self._trend.never()

    def scores(self, query: Query, counts: Floats, part: Part | None = None) -> Floats:
        """Log-probabilities of all items, or of a part of them; −∞ for those not in the catalogue."""
        found = self.model.offered(self.model.scores(query, counts, part), part)
        weighed = found if part is None else found + part.stands_for
        best = weighed.max(initial=-np.inf)
        if not np.isfinite(best):
            return found
        whole: Floats = (found - best - np.log(np.exp(weighed - best).sum())).astype(np.float32)
        return whole

    def because(self, item: int, history: Places) -> int | None:
        """The item of the history that speaks most for this one; None where none does."""
        linear = self.model.linear
        if linear is None or not len(history):
            return None
        history = history[-LONGEST:]
        says: NDArray[np.float32] = np.where(linear.places[history] == item, linear.weights[history], 0).max(axis=1)
        return int(history[says.argmax()]) if says.max() > 0.01 else None
