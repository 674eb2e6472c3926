"""Items in order of a number, such as the cheapest or the newest, beside what fits best."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from autogen.knowledge.catalogue import Mask
from autogen.tasks.recommendation.trend import Floats

Numbers = NDArray[np.float64]
STEP = 200.0  # between scores of one number and the next: more than any two scores are apart
MOST = 1_000  # numbers that are told apart
NEAR = 3.0  # what scores so much less than the best does not fit the words of a query as well


def extreme(passing: Mask, numbers: Numbers, count: int) -> Mask:
    """Of the items that pass, the `count` whose number is least, and those whose number is the last one's."""
    candidates = passing & ~np.isnan(numbers)
    if candidates.sum() <= count:
        return candidates
    threshold = np.partition(numbers[candidates], count - 1)[count - 1]
    least: Mask = candidates & (numbers <= threshold)
    return least


def by_number(scores: Floats, numbers: Numbers, fitting: bool) -> Floats:
    """Scores that put the least number first, and equal ones as they were; −∞ for items without one. `fitting`: the
    best come first, as far as they fit about as well, and the others after them as they were."""
    known = np.isfinite(scores) & ~np.isnan(numbers)
    ordered = np.full(len(scores), -np.inf, np.float64)
    if known.any():
        ranks = np.unique(numbers[known], return_inverse=True)[1]
        is_far = scores[known] < scores[known].max() - NEAR
        ordered[known] = scores[known] - STEP * np.where(is_far & fitting, MOST, np.minimum(ranks, MOST))
    return ordered.astype(np.float32)
