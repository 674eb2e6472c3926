"""A recommender kept live: every click joins its user's history at once, and what trends as far as it counts for all,
without retraining."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from autogen.config.project import LearnFrom
from autogen.data.names import name_key, plain_name
from autogen.tasks.recommendation.admission import Admission
from autogen.tasks.recommendation.clicks import Click, ClickCounts, Standing
from autogen.tasks.recommendation.interactions import Places, Times
from autogen.tasks.recommendation.model import LONGEST, Candidates, Recommender
from autogen.tasks.recommendation.trend import Floats, Query, Trend

MOST_CLICKED = 500  # clicks after which what is chosen most is found anew
SAME_TIME = 0.001  # seconds


@dataclass
class _Person:
    """What one user did since the training."""

    items: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    disliked: set[int] = field(default_factory=set)

    def like(self, item: int, when: float) -> None:
        self.items.append(item)
        self.times.append(when)

    def dislike(self, item: int) -> None:
        """What was clicked before leads nowhere now."""
        self.disliked.add(item)
        places = [at for at, other in enumerate(self.items) if other != item]
        self.items, self.times = [self.items[at] for at in places], [self.times[at] for at in places]


class LiveRecommender:
    """Safe to use from several threads."""

    def __init__(self, model: Recommender, join_names: bool = False) -> None:
        """`join_names`: users that differ in case or width alone are one."""
        self.model = model
        self._user_by_key = {name_key(user): user for user in model.user_at} if join_names else {}
        self.place_of = {name: place for place, name in enumerate(model.items)}
        self.counted = ClickCounts()
        self._guard = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        """As it was after the training: nothing was clicked."""
        self._trend: Trend = self.model.trend()
        self._people: dict[str, _Person] = {}
        self._conversations: dict[str, _Person] = {}  # what strangers did in each: it moves that one's answers only
        self._admission = Admission(self.model.events, self.model.user_at)
        self._best: Places | None = None  # what is chosen most, and what was clicked since it was found
        self._clicked: list[int] = []

    def clock(self) -> float:
        """Now, as the data has it: data that ended long ago goes on from where it ended."""
        return time.time() - self.model.card.lag

    def observe(self, clicks: Sequence[Click], learn_from: LearnFrom = "reviewed", anew: bool = False) -> None:
        """Items that the catalogue does not have are left out. `learn_from`: whose clicks move what trends; `anew`:
        what was observed before is forgotten first."""
        with self._guard:
            if anew:
                self._forget()
            for click in clicks:
                if (item := self.place_of.get(click.item)) is not None:
                    self._take(click, item, learn_from)

    def _take(self, click: Click, item: int, learn_from: LearnFrom) -> None:
        is_stranger = click.standing is Standing.STRANGER
        click = click if is_stranger else replace(click, user=self.name_of(click.user))
        person = (self._conversations if is_stranger else self._people).setdefault(click.user, _Person())
        if not click.liked:
            person.dislike(item)
            return
        person.disliked.discard(item)
        if is_stranger or not self._learnt(click, item):
            person.like(item, click.time - self.model.card.lag)
        for admitted in self._admission.admit(click, learn_from):
            if not self._learnt(admitted, item):
                self._trend.add(np.array([item], np.int32), np.array([admitted.time - self.model.card.lag]))
                self._clicked.append(item)

    def name_of(self, user: str) -> str:
        """By which name the user is known, however it is written here."""
        user = plain_name(user)
        return self._user_by_key.get(name_key(user), user) if self._user_by_key else user

    def knows(self, user: str) -> bool:
        """Whether this user did anything yet."""
        name = self.name_of(user)
        with self._guard:
            return self.model.place_of_user(user) >= 0 or name in self.model.user_at or name in self._people

    def _learnt(self, click: Click, item: int) -> bool:
        """Whether the model has this click among what it learnt from."""
        items, times = self.model.histories.all_of(self.model.place_of_user(click.learner))
        when = click.time - self.model.card.lag
        return bool(((items == item) & (np.abs(times - when) < SAME_TIME)).any())

    def _before(self, user: str | None, now: float) -> tuple[Places, Times]:  # noqa: ARG002 all of it was before now
        """What the model learnt that the user did."""
        return self.model.histories.all_of(self.model.place_of_user(user))

    def query(
        self, user: str | None, history: Sequence[str] = (), conversation: str | None = None
    ) -> tuple[Query, Places]:
        """A user's history, or an anonymous one (ids, the oldest first), with what was clicked in this conversation;
        and what that user had or disliked."""
        now = self.clock()
        user = self.name_of(user) if user and user not in self.model.user_at else user
        items, times = self._before(user, now)
        named_items = [self.place_of[name] for name in history if name in self.place_of]
        with self._guard:
            person, visitor = self._people.get(user or "", _Person()), _Person()
            if conversation is not None:
                visitor = self._conversations.get(conversation, visitor)
            new_items = [*named_items, *person.items, *visitor.items]
            named_times = [now - 60.0 * (len(named_items) - k) for k in range(len(named_items))]
            new_times = [*named_times, *person.times, *visitor.times]
            disliked = [*person.disliked, *visitor.disliked]
        all_items = np.concatenate([items, np.array(new_items, np.int32)])
        all_times = np.concatenate([times, np.array(new_times)])
        order = np.argsort(all_times, kind="stable")
        seen = np.concatenate([all_items, np.array(disliked, np.int32)])
        return Query(all_items[order].astype(np.int32), all_times[order], now), seen.astype(np.int32)

    def counts(self, now: float, part: Candidates | None = None) -> Floats:
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

    def scores(self, query: Query, counts: Floats, part: Candidates | None = None) -> Floats:
        """Log-probabilities of all items, or of a part of them; −∞ for those not in the catalogue."""
        scores = self.model.mask_unoffered(self.model.scores(query, counts, part), part)
        weighted = scores if part is None else scores + part.stands_for
        best = weighted.max(initial=-np.inf)
        if not np.isfinite(best):
            return scores
        log_probabilities: Floats = (scores - best - np.log(np.exp(weighted - best).sum())).astype(np.float32)
        return log_probabilities

    def because(self, item: int, history: Places) -> int | None:
        """The item of the history that speaks most for this one; None where none does."""
        linear = self.model.linear
        if linear is None or not len(history):
            return None
        history = history[-LONGEST:]
        weights: NDArray[np.float32] = np.where(linear.places[history] == item, linear.weights[history], 0).max(axis=1)
        return int(history[weights.argmax()]) if weights.max() > 0.01 else None
