"""A recommender as it would have answered in the past: it knows only what had happened by then."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from autogen.skills.recommendation.live import LiveRecommender
from autogen.tasks.recommendation.clicks import Click
from autogen.tasks.recommendation.interactions import Places, Times
from autogen.tasks.recommendation.model import Recommender
from autogen.tasks.recommendation.trend import Replay


class PointInTimeRecommender(LiveRecommender):
    """Histories and what trends are as of the moment it was moved to, which only goes forward. Its weights are as they
    are: whether they have learnt from what came later is for the caller to mind. For one thread."""

    def __init__(self, model: Recommender, clicks: Sequence[Click]) -> None:
        """`clicks`: all that people said, those clicks included that the model has learnt from."""
        super().__init__(model)
        self._replay = Replay(model.events, model.card.items)
        self._trend = self._replay.trend
        self._coming = deque(sorted(clicks, key=lambda click: click.time))
        self._moment = float("-inf")  # as the data has it

    def move_to(self, moment: float) -> None:
        """Unix seconds. Raises ValueError for a moment before the last one."""
        self._moment = moment - self.model.card.lag
        self._replay.before(self._moment)
        self._best = None
        while self._coming and self._coming[0].time < moment:
            self.observe([self._coming.popleft()])

    def clock(self) -> float:
        return self._moment

    def _before(self, user: str | None, now: float) -> tuple[Places, Times]:
        query = self.model.histories.query(self.model.place_of_user(user), now)
        return query.items, query.times
