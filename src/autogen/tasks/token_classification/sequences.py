"""Legal BIO sequences: the best of them, and the probability of a span among all of them.

Tag 0 is O, 2k + 1 the B of label k, 2k + 2 its I, and an I follows the B or I of its own label only. The best sequence
is found by Viterbi's algorithm, a span's marginal probability by forward-backward (Culotta & McCallum 2004, "Confidence
Estimation for Information Extraction"). O and every B may follow anything, so a step takes time in proportion to the
tags, not to their square. Several texts are computed together; the shorter ones are padded with units that are O for
sure, which changes neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Batch = NDArray[np.float64]  # (texts, units, tags)
T = TypeVar("T")

NEVER = -1e30  # the logarithm of no chance at all, with room to add to
CELLS = 2_000_000  # scores computed together: 16 MB


class TaggedSpan(NamedTuple):
    """Units `first` to `last`, both included, with the label of this index."""

    first: int
    last: int
    label: int


def best_spans(scores: Sequence[Floats]) -> list[list[TaggedSpan]]:
    """The spans of each text's best legal sequence. `scores`: for each text, (units, tags)."""
    return _batched(scores, lambda batch, _: [tagged_spans(tags) for tags in best_tags(batch)])


def span_probabilities(scores: Sequence[Floats], spans: Sequence[Sequence[TaggedSpan]]) -> list[NDArray[np.float64]]:
    """For each span the share of all legal sequences, each weighing exp(sum of its scores), in which it stands just
    so."""
    return _batched(scores, lambda batch, rows: _probabilities(batch, [spans[row] for row in rows]))


def best_tags(scores: Batch) -> NDArray[np.intp]:
    """The legal sequences with the highest sums of scores: (texts, units, tags) → (texts, units)."""
    texts, length, tags = scores.shape
    every, begins = np.arange(texts), np.arange(1, tags, 2)
    best = scores[:, 0].copy()
    best[:, 2::2] = NEVER
    back = np.zeros((length, texts, tags), np.int32)
    for at in range(1, length):
        top = best.argmax(axis=1)
        inside = best[:, 2::2] > best[:, 1::2]
        back[at] = top[:, None]
        back[at, :, 2::2] = begins + inside
        before = np.repeat(best[every, top][:, None], tags, axis=1)
        before[:, 2::2] = np.maximum(best[:, 2::2], best[:, 1::2])
        best = before + scores[:, at]
    path = np.empty((texts, length), np.intp)
    path[:, -1] = best.argmax(axis=1)
    for at in range(length - 1, 0, -1):
        path[:, at - 1] = back[at, every, path[:, at]]
    return path


def tagged_spans(tags: NDArray[np.intp]) -> list[TaggedSpan]:
    """The spans of a legal sequence of tags."""
    spans = []
    for first in np.flatnonzero(tags % 2 == 1):
        last = int(first)
        while last + 1 < len(tags) and tags[last + 1] == tags[first] + 1:
            last += 1
        spans.append(TaggedSpan(int(first), last, int(tags[first]) // 2))
    return spans


def _batched(scores: Sequence[Floats], compute: Callable[[Batch, list[int]], Sequence[T]]) -> list[T]:
    """`compute` on batches of texts of like length, the results in the order of the texts."""
    results: dict[int, T] = {}
    for rows in _rows_together(scores):
        batch = np.full((len(rows), max(1, len(scores[rows[-1]])), scores[rows[-1]].shape[1]), NEVER)
        batch[:, :, 0] = 0.0
        for at, row in enumerate(rows):
            batch[at, : len(scores[row])] = scores[row]
        results |= zip(rows, compute(batch, rows), strict=True)
    return [results[row] for row in range(len(scores))]


def _rows_together(scores: Sequence[Floats]) -> Iterator[list[int]]:
    rows: list[int] = []
    for row in sorted(range(len(scores)), key=lambda row: len(scores[row])):
        if rows and (len(rows) + 1) * scores[row].size > CELLS:
            yield rows
            rows = []
        rows.append(row)
    if rows:
        yield rows


def _probabilities(scores: Batch, spans: Sequence[Sequence[TaggedSpan]]) -> list[NDArray[np.float64]]:
    before, after = _forward(scores), _backward(scores)
    totals = _log_sum(before[:, -1])
    return [
        np.array([_probability(scores[row], before[row], after[row], totals[row], span) for span in spans[row]])
        for row in range(len(scores))
    ]


def _probability(scores: Floats, before: Floats, after: Floats, total: float, span: TaggedSpan) -> float:
    begin, inside = 2 * span.label + 1, 2 * span.label + 2
    path = before[span.first, begin] + scores[span.first + 1 : span.last + 1, inside].sum()
    if span.last + 1 < len(scores):
        path += _log_sum(_not_inside(scores[span.last + 1] + after[span.last + 1]))
    return float(np.exp(min(0.0, path - total)))


def _forward(scores: Batch) -> Batch:
    """`[:, i, t]`: the log weight of all legal beginnings that end with tag t at unit i."""
    sums = np.empty_like(scores)
    sums[:, 0] = scores[:, 0]
    sums[:, 0, 2::2] = NEVER
    for at in range(1, scores.shape[1]):
        sums[:, at] = _log_sum(sums[:, at - 1])[:, None]
        sums[:, at, 2::2] = np.logaddexp(sums[:, at - 1, 1::2], sums[:, at - 1, 2::2])
        sums[:, at] += scores[:, at]
    return sums


def _backward(scores: Batch) -> Batch:
    """`[:, i, t]`: the log weight of all legal endings behind tag t at unit i, without unit i's own score."""
    sums = np.zeros_like(scores)
    for at in range(scores.shape[1] - 2, -1, -1):
        ahead = scores[:, at + 1] + sums[:, at + 1]
        free = _log_sum(_not_inside(ahead))[:, None]
        sums[:, at] = free
        sums[:, at, 1::2] = sums[:, at, 2::2] = np.logaddexp(free, ahead[:, 2::2])
    return sums


def _not_inside(values: Floats) -> Floats:
    """Those of O and of every B, which may follow anything."""
    return np.concatenate([values[..., :1], values[..., 1::2]], axis=-1)


def _log_sum(values: Floats) -> Floats:
    peak = values.max(axis=-1)
    return np.asarray(peak + np.log(np.exp(values - peak[..., None]).sum(axis=-1)))
