"""Entity precision, recall and F1, exact in span and label, as seqeval and the CoNLL script count them.

95 % intervals: each is a share of spans (F1 through the share of true positives in the union of predicted and gold
spans, J, since F1 = 2J / (1 + J)), by Wilson's formula (1927), which holds for few spans and for shares near 0 and 1.
Spans of one text are right or wrong together more than those of different texts: the number of spans is divided by the
design effect of a ratio over clusters (Kish 1965) where that is above 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autogen.tasks.token_classification.rows import Span

Counts = NDArray[np.float64]  # (texts, 3): true positives, predicted, gold

Z = 1.959963985  # of a 95 % interval
MAIN = "entity_f1"


@dataclass(frozen=True)
class EntityScores:
    """Metrics in 0–1 with their intervals, overall and by label."""

    metrics: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    per_label: Mapping[
        str, Mapping[str, float]
    ]  # precision, recall, f1, f1_low, f1_high, spans (gold), rows (with any)


def entity_scores(predicted: Sequence[Sequence[Span]], gold: Sequence[Sequence[Span]]) -> EntityScores:
    """`entity_f1`, `entity_precision` and `entity_recall` over all spans (micro-averaged), `entity_macro_f1` over the
    labels that occur, and the same for each label."""
    counts = span_counts(predicted, gold)
    metrics = {f"entity_{name}": value for name, value in _shares(counts).items()}
    intervals = {f"entity_{name}": value for name, value in _intervals(counts).items()}
    labels = sorted({span.label for row in (*predicted, *gold) for span in row})
    per_label = {label: _label_shares(of_label(predicted, label), of_label(gold, label)) for label in labels}
    metrics["entity_macro_f1"] = float(np.mean([row["f1"] for row in per_label.values()])) if per_label else 0.0
    return EntityScores(metrics, intervals, per_label)


def span_counts(predicted: Sequence[Sequence[Span]], gold: Sequence[Sequence[Span]]) -> Counts:
    """True positives, predicted and gold spans of each text: float64 of shape (texts, 3)."""
    rows = [(set(guesses), set(truth)) for guesses, truth in zip(predicted, gold, strict=True)]
    counts = [(len(guesses & truth), len(guesses), len(truth)) for guesses, truth in rows]
    return np.array(counts, np.float64).reshape(-1, 3)


def f1_of(sums: NDArray[np.float64]) -> float:
    """F1 of summed counts (true positives, predicted, gold); 0 where there are no spans at all, as in seqeval."""
    return float(2 * sums[0] / (sums[1] + sums[2])) if sums[1] + sums[2] else 0.0


def _shares(counts: Counts) -> dict[str, float]:
    right, predicted, gold = counts.sum(axis=0)
    return {
        "f1": f1_of(counts.sum(axis=0)),
        "precision": float(right / predicted) if predicted else 0.0,
        "recall": float(right / gold) if gold else 0.0,
    }


def _intervals(counts: Counts) -> dict[str, tuple[float, float]]:
    """Of f1, precision and recall, as far as there is anything to measure."""
    right, predicted, gold = counts.T
    bounds = {
        "f1": ratio_interval(right, predicted + gold - right),
        "precision": ratio_interval(right, predicted),
        "recall": ratio_interval(right, gold),
    }
    if bounds["f1"] is not None:
        low, high = bounds["f1"]
        bounds["f1"] = (2 * low / (1 + low), 2 * high / (1 + high))
    return {name: bound for name, bound in bounds.items() if bound is not None}


def ratio_interval(hits: NDArray[np.float64], totals: NDArray[np.float64]) -> tuple[float, float] | None:
    """The 95 % interval of sum(hits) / sum(totals), where each text has its own two; None for a sum of 0."""
    total = float(totals.sum())
    if not total:
        return None
    share = float(hits.sum()) / total
    spread, texts = share * (1 - share) / total, len(hits)
    clustered = float(((hits - share * totals) ** 2).sum()) / total**2 * texts / max(1, texts - 1)
    return _wilson(share, total / max(1.0, clustered / spread if spread else 1.0))


def _wilson(share: float, spans: float) -> tuple[float, float]:
    middle = share + Z**2 / (2 * spans)
    reach = Z * float(np.sqrt(share * (1 - share) / spans + Z**2 / (4 * spans**2)))
    return max(0.0, (middle - reach) / (1 + Z**2 / spans)), min(1.0, (middle + reach) / (1 + Z**2 / spans))


def of_label(rows: Sequence[Sequence[Span]], label: str) -> list[list[Span]]:
    """The spans of each text that have this label."""
    return [[span for span in row if span.label == label] for row in rows]


def _label_shares(predicted: Sequence[Sequence[Span]], gold: Sequence[Sequence[Span]]) -> dict[str, float]:
    counts = span_counts(predicted, gold)
    low, high = _intervals(counts)["f1"]
    return {
        **_shares(counts),
        "f1_low": low,
        "f1_high": high,
        "spans": float(counts[:, 2].sum()),
        "rows": float((counts[:, 2] > 0).sum()),
    }
