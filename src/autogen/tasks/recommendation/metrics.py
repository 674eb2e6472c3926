"""The task `recommendation`: of all items, those that a user will want next, best first.

What is asked is a `Query`: what the user did before, and when it is asked. What counts or trends at a query
(`Trend`) counts only events earlier than the query. Rankings are over the whole catalogue; ties go to the item that
comes first in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autogen.tasks.recommendation.interactions import Interactions, Places

TOP = 10  # of the metrics


@dataclass(frozen=True)
class RelevantItems:
    """What one user did after a moment, to be found again: places in the catalogue (−1: not in it), when the first."""

    user: int
    items: frozenset[int]
    now: float


def relevant_items(
    events: Interactions, items: Mapping[str, int], min_rating: float | None = None
) -> list[RelevantItems]:
    """Held-out events by user, in order of the first one's time. `min_rating`: others than these, rated below it, are
    not what is to be found."""
    by_user: dict[int, tuple[set[int], float]] = {}
    for user, item, time, rating in zip(events.user, events.item, events.time, events.rating, strict=True):
        if min_rating is not None and rating < min_rating:  # NaN, no rating, is not below
            continue
        places, _ = by_user.setdefault(int(user), (set(), float(time)))
        places.add(items.get(events.items[item], -1))
    return [RelevantItems(user, frozenset(places), now) for user, (places, now) in by_user.items()]


@dataclass(frozen=True)
class QueryScore:
    """What one user was shown against what was to be found: each in 0–1."""

    hit: float
    recall: float
    ndcg: float


def score_query(shown: Places, relevant: frozenset[int]) -> QueryScore:
    """Hit, recall and normalised discounted cumulative gain (Järvelin & Kekäläinen 2002) of the first TOP."""
    gains = np.array([int(item) in relevant for item in shown[:TOP]], float)
    discounts = 1 / np.log2(np.arange(2, TOP + 2))
    ideal = discounts[: min(len(relevant), TOP)].sum()
    return QueryScore(
        float(gains.any()), float(gains.sum() / len(relevant)), float((gains * discounts[: len(gains)]).sum() / ideal)
    )


def metrics(shown: Sequence[Places], relevant: Sequence[frozenset[int]], counts: NDArray[np.int64]) -> dict[str, float]:
    """Flat metrics of all queries, each in 0–1. `counts`: events of each item in training, (items,).

    `coverage_at_10`: share of the catalogue shown to anyone. `novelty_at_10`: 1 for items that nobody chose yet, 0 for
    one that everything was (self-information of an item's share of events, over the most there is; Zhou et al. 2010).
    `popularity_bias_at_10`: mean rank by popularity of what is shown, 1 being the most popular, 0 the least.
    """
    scores = [score_query(items, targets) for items, targets in zip(shown, relevant, strict=True)]
    values = {
        "hit_rate_at_10": mean([score.hit for score in scores]),
        "recall_at_10": mean([score.recall for score in scores]),
        "ndcg_at_10": mean([score.ndcg for score in scores]),
    }
    all_shown = np.concatenate([items[:TOP] for items in shown]) if shown else np.empty(0, np.int32)
    if len(all_shown):
        share = (counts + 1) / (counts.sum() + len(counts))
        surprise = np.log(share) / np.log(1 / (counts.sum() + len(counts)))
        rank = np.argsort(np.argsort(counts, kind="stable"), kind="stable") / max(len(counts) - 1, 1)
        values["coverage_at_10"] = len(np.unique(all_shown)) / len(counts)
        values["novelty_at_10"] = float(surprise[all_shown].mean())
        values["popularity_bias_at_10"] = float(rank[all_shown].mean())
    cold = [at for at, targets in enumerate(relevant) if all(item >= 0 and counts[item] == 0 for item in targets)]
    if cold:
        values["cold_hit_rate_at_10"] = mean([scores[at].hit for at in cold])
    return values


def mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else 0.0


def interval(values: Sequence[float]) -> tuple[float, float]:
    """95 % interval of a mean, by the normal approximation, within 0–1."""
    reach = 1.96 * float(np.std(values, ddof=1)) / len(values) ** 0.5 if len(values) > 1 else 1.0
    centre = mean(values)
    return max(0.0, centre - reach), min(1.0, centre + reach)
