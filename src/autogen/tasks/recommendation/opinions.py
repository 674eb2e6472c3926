"""Events that say what a user did not like: columns that turn a row's meaning round."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from autogen.data.names import name_key
from autogen.data.problems import Problem, shown

# What shops and apps call it when somebody turns an item down, without case and punctuation.
_DISLIKES = frozenset(
    "return returned returns refund refunded dislike disliked downvote downvoted thumbsdown thumbdown unlike unliked "
    "remove removed removefromcart cartremove removedfromcart removefromwishlist cancel cancelled canceled "
    "cancellation skip skipped hide hidden block blocked report reported notinterested uninstall uninstalled "
    "unsubscribe unsubscribed unfollow complaint reject rejected negative down bad 👎".split()
)
_SHOWN = frozenset("impression impressions shown displayed exposure served recommended delivered sent".split())

LOW_SHARE = 0.25  # of a scale, from its lowest value: one and two stars of five
MANY_LOW = 0.5  # of the rated events: where more are low, they are most of what is learnt
FEWEST_RATINGS = 10  # of an item that is judged by itself
MOST_CHOSEN = 10  # items that are looked at one by one


def is_dislike(word: object) -> bool:
    """Whether an event or a rating of this name turns an item down."""
    return isinstance(word, str) and _plain(word) in _DISLIKES


def is_impression(word: object) -> bool:
    """Whether an event of this name says that an item was shown, not that it was chosen."""
    return isinstance(word, str) and _plain(word) in _SHOWN


def _plain(word: str) -> str:
    return re.sub(r"[\W_]+", "", name_key(word)) or word.strip()


def check_low_ratings(
    ratings: np.ndarray[tuple[int], np.dtype[np.float32]],
    item: np.ndarray[tuple[int], np.dtype[np.int32]],
    items: Sequence[str],
    min_rating: float | None,
    source: str,
) -> list[Problem]:
    """A warning where low ratings are learnt as any other event: with `min_rating` those below it; else where they are
    many, or most of what is said of an item that is chosen much."""
    is_rated = np.isfinite(ratings)
    if not is_rated.any():
        return []
    lowest, highest = float(ratings[is_rated].min()), float(ratings[is_rated].max())
    limit = lowest + LOW_SHARE * (highest - lowest) if min_rating is None else min_rating
    low = is_rated & ((ratings <= limit) if min_rating is None else (ratings < limit))
    if lowest == highest and min_rating is None:
        return []
    rated, lows = (np.bincount(item[mask], minlength=len(items)) for mask in (is_rated, low))
    chosen = np.argsort(-np.bincount(item, minlength=len(items)), kind="stable")[:MOST_CHOSEN]
    unloved = [at for at in chosen if rated[at] >= FEWEST_RATINGS and 2 * lows[at] > rated[at]]
    if not low.any() or (min_rating is None and low.sum() <= MANY_LOW * is_rated.sum() and not unloved):
        return []
    low_ratings = f"{low.sum():,} of {is_rated.sum():,} rated events with a rating " + (
        f"of at most {limit:g} ({lowest:g} to {highest:g})" if min_rating is None else f"below min_rating = {limit:g}"
    )
    low_ratings += f", most of {shown(items[unloved[0]])}'s among them" if unloved else ""
    message = f"expected events of what users like, found {low_ratings}: they are learnt as all others"
    fix = "leave out of the file what users did not like"
    fix += "; min_rating is for held-out events only" if min_rating is not None else ""
    return [Problem("warning", "low-rating", source, None, message, fix)]
