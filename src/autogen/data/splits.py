"""Which rows to learn from and which to measure on.

Texts are ordered by a seeded hash of themselves, so that neither the order of rows nor new rows shuffle the
old ones. Rows with the same text always go together.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from statistics import median

from autogen.config.settings import RESERVED_LABEL
from autogen.data.text import normalise


@dataclass
class _Group:
    """The rows of one text."""

    order: bytes
    rows: list[int] = field(default_factory=list)
    labels: Counter[str] = field(default_factory=Counter)

    def label(self) -> str:
        """The label it is counted under: its most frequent, the first by name among equals."""
        return min(self.labels, key=lambda name: (-self.labels[name], name))


def has_rows_to_spare(labels: Sequence[str], per_label: int = 20) -> bool:
    """Whether the median in-scope label has at least `per_label` rows, so that some can be held out."""
    counts = Counter(label for label in labels if label != RESERVED_LABEL)
    return bool(counts) and median(counts.values()) >= per_label


def hold_out(
    texts: Sequence[str], labels: Sequence[str], share: float, seed: int, at_most: int
) -> tuple[list[int], list[int]]:
    """Indices to learn from and to measure on: `share` of each label, `at_most` rows in all, in proportion.

    Every label keeps a row to learn from.
    """
    rows_left = Counter(labels)
    eval_rows: list[int] = []
    for quantile, group in _by_quantile(texts, labels, seed):
        if quantile >= share:
            break
        fits = len(eval_rows) + len(group.rows) <= at_most
        if fits and all(rows_left[label] > count for label, count in group.labels.items()):
            eval_rows += group.rows
            rows_left.subtract(group.labels)
    return _split(len(labels), eval_rows)


def folds(texts: Sequence[str], labels: Sequence[str], k: int, seed: int) -> list[tuple[list[int], list[int]]]:
    """Up to `k` pairs of indices to learn from and to measure on, stratified; no row is measured twice.

    Every fold keeps a row of every label to learn from, so a label's only row is never measured. Folds that
    would measure nothing are left out.
    """
    totals = Counter(labels)
    eval_rows: list[list[int]] = [[] for _ in range(k)]
    taken_counts: list[Counter[str]] = [Counter() for _ in range(k)]
    turn = 0  # runs on from label to label, so that small labels do not all fall to the first folds
    for groups in _strata(texts, labels, seed).values():
        for group in groups:
            order = [(turn + step) % k for step in range(k)]
            free = (fold for fold in order if _leaves_some(group, taken_counts[fold], totals))
            fold = next(free, None)
            if fold is not None:
                eval_rows[fold] += group.rows
                taken_counts[fold].update(group.labels)
                turn = fold + 1
    return [_split(len(labels), rows) for rows in eval_rows if rows]


def _leaves_some(group: _Group, taken_counts: Counter[str], totals: Counter[str]) -> bool:
    return all(taken_counts[label] + count < totals[label] for label, count in group.labels.items())


def _by_quantile(texts: Sequence[str], labels: Sequence[str], seed: int) -> list[tuple[float, _Group]]:
    """All groups by their place in their label, 0 to 1: a cut anywhere takes the same share of each label."""
    quantiles = []
    for groups in _strata(texts, labels, seed).values():
        total = sum(len(group.rows) for group in groups)
        position = 0
        for group in groups:
            quantiles.append(((position + len(group.rows) / 2) / total, group))
            position += len(group.rows)
    return sorted(quantiles, key=lambda pair: (pair[0], pair[1].order))


def _strata(texts: Sequence[str], labels: Sequence[str], seed: int) -> dict[str, list[_Group]]:
    """The groups of each label, by name, in the order of their hashes."""
    groups: dict[str, _Group] = {}
    for index, (text, label) in enumerate(zip(texts, labels, strict=True)):
        key = normalise(text)
        group = groups.get(key) or groups.setdefault(key, _Group(_hash(seed, key)))
        group.rows.append(index)
        group.labels[label] += 1
    strata: defaultdict[str, list[_Group]] = defaultdict(list)
    for group in sorted(groups.values(), key=lambda group: group.order):
        strata[group.label()].append(group)
    return dict(sorted(strata.items()))


def _hash(seed: int, text: str) -> bytes:
    return sha256(f"{seed}\n{text}".encode("utf-8", "surrogatepass")).digest()


def _split(total: int, eval_rows: list[int]) -> tuple[list[int], list[int]]:
    eval_set = set(eval_rows)
    return [index for index in range(total) if index not in eval_set], sorted(eval_rows)
