"""Measuring a recommender on eval events, as it would have answered: each query at its own time, over the whole
catalogue, without what the user had already, counting only what had happened by then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from autogen.tasks.recommendation.interactions import Interactions, Places
from autogen.tasks.recommendation.metrics import (
    TOP,
    QueryScore,
    RelevantItems,
    interval,
    mean,
    metrics,
    relevant_items,
    score_query,
)
from autogen.tasks.recommendation.model import Recommender
from autogen.tasks.recommendation.trend import Floats, Query, Replay, log_trend, top

Scorer = Callable[[Query, Floats], Floats]  # a query and the counts of its time to a score of each item
POPULARITY = 3  # of HALF_LIVES: a week, the plain reading that others are measured against


@dataclass(frozen=True)
class RankingResult:
    """What each query was shown, (TOP,) places at most, and what was to be found. `shelf`: by the number of a query for
    an item that nobody had chosen, what it would have been shown of such items alone; empty where there are no more of
    them than are shown."""

    queries: tuple[RelevantItems, ...]
    shown: tuple[Places, ...]
    counts: NDArray[np.int64] = field(repr=False)  # events of each item that were learnt from
    shelf: Mapping[int, Places] = field(default_factory=dict, repr=False)

    @property
    def scores(self) -> list[QueryScore]:
        return [score_query(places, query.items) for places, query in zip(self.shown, self.queries, strict=True)]

    @property
    def gains(self) -> list[float]:
        """NDCG@10 of each query."""
        return [score.ndcg for score in self.scores]

    @property
    def metrics(self) -> dict[str, float]:
        values = metrics(self.shown, [query.items for query in self.queries], self.counts)
        if self.shelf:
            hits = [score_query(shown, self.queries[at].items).hit for at, shown in self.shelf.items()]
            values["cold_only_hit_rate_at_10"] = mean(hits)
        return values

    @property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """95 %, of those metrics that are means over queries."""
        scores = self.scores
        return {
            "hit_rate_at_10": interval([score.hit for score in scores]),
            "recall_at_10": interval([score.recall for score in scores]),
            "ndcg_at_10": interval([score.ndcg for score in scores]),
        }


def rank(
    model: Recommender,
    *eval_events: Interactions,
    min_rating: float | None = None,
    scorer: Scorer | None = None,
) -> RankingResult:
    """The model's rankings for the eval events, the queries of each part by themselves; `scorer`: another's, for the
    same queries."""
    score = scorer or model.scores
    places = {name: at for at, name in enumerate(model.items)}
    queries = [
        (events.users[query.user], query)
        for events in eval_events
        for query in relevant_items(events, places, min_rating)
    ]
    replay = Replay(model.events, len(model.items))
    counts = np.bincount(model.events.item, minlength=len(model.items))
    new = counts == 0
    # the ten best of ten items hold every one of them, whatever the order
    has_shelf = np.count_nonzero(new[: model.card.offered]) > TOP
    shown, shelf = {}, {}
    for at in sorted(range(len(queries)), key=lambda at: queries[at][1].now):  # a replay goes forward only
        user, query = queries[at]
        scores = _scores(model, user, query, replay.before(query.now), score)
        shown[at] = top(scores, TOP)
        if has_shelf and all(item >= 0 and new[item] for item in query.items):
            shelf[at] = top(np.where(new, scores, -np.inf).astype(np.float32), TOP)
    ranked = tuple(shown[at] for at in range(len(queries)))
    return RankingResult(tuple(query for _, query in queries), ranked, counts, shelf)


def _scores(model: Recommender, user: str, query: RelevantItems, counts: Floats, score: Scorer) -> Floats:
    """Of all items; −∞ for those that are not to be shown."""
    at = model.place_of_user(user)
    had = model.histories.all_of(at)[0]
    scores = model.mask_unoffered(score(model.histories.query(at, query.now), counts)).copy()
    scores[had[~np.isin(had, list(query.items))]] = -np.inf  # what is to be found may be found again
    return scores


def popular(_query: Query, counts: Floats) -> Floats:
    """What trends this week: the plain reading."""
    logs: Floats = log_trend(counts)[POPULARITY]
    return logs
