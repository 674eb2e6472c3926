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
    left = Counter(labels)
    held: list[int] = []
    for quantile, group in _by_quantile(texts, labels, seed):
        if quantile >= share:
            break
        fits = len(held) + len(group.rows) <= at_most
        if fits and all(left[label] > count for label, count in group.labels.items()):
            held += group.rows
            left.subtract(group.labels)
    return _sides(len(labels), held)


def folds(texts: Sequence[str], labels: Sequence[str], k: int, seed: int) -> list[tuple[list[int], list[int]]]:
    """Up to `k` pairs of indices to learn from and to measure on, stratified; no row is measured twice.

    Every fold keeps a row of every label to learn from, so a label's only row is never measured. Folds that
    would measure nothing are left out.
    """
    totals = Counter(labels)
    held: list[list[int]] = [[] for _ in range(k)]
    taken: list[Counter[str]] = [Counter() for _ in range(k)]
    turn = 0  # runs on from label to label, so that small labels do not all fall to the first folds
    for groups in _strata(texts, labels, seed).values():
        for group in groups:
            order = [(turn + step) % k for step in range(k)]
            free = (fold for fold in order if _leaves_some(group, taken[fold], totals))
            fold = next(free, None)
            if fold is not None:
                held[fold] += group.rows
                taken[fold].update(group.labels)
                turn = fold + 1
    return [_sides(len(labels), rows) for rows in held if rows]


def _leaves_some(group: _Group, taken: Counter[str], totals: Counter[str]) -> bool:
    return all(taken[label] + count < totals[label] for label, count in group.labels.items())


def _by_quantile(texts: Sequence[str], labels: Sequence[str], seed: int) -> list[tuple[float, _Group]]:
    """All groups by their place in their label, 0 to 1: a cut anywhere takes the same share of each label."""
    placed = []
    for groups in _strata(texts, labels, seed).values():
        total = sum(len(group.rows) for group in groups)
        before = 0
        for group in groups:
            placed.append(((before + len(group.rows) / 2) / total, group))
            before += len(group.rows)
    return sorted(placed, key=lambda pair: (pair[0], pair[1].order))


def _strata(texts: Sequence[str], labels: Sequence[str], seed: int) -> dict[str, list[_Group]]:
    """The groups of each label, by name, in the order of their hashes."""
    groups: dict[str, _Group] = {}
    for index, (text, label) in enumerate(zip(texts, labels, strict=True)):
        same = normalise(text)
        group = groups.get(same) or groups.setdefault(same, _Group(_hash(seed, same)))
        group.rows.append(index)
        group.labels[label] += 1
    strata: defaultdict[str, list[_Group]] = defaultdict(list)
    for group in sorted(groups.values(), key=lambda group: group.order):
        strata[group.label()].append(group)
    return dict(sorted(strata.items()))


def _hash(seed: int, text: str) -> bytes:
    return sha256(f"{seed}\n{text}".encode("utf-8", "surrogatepass")).digest()


def _sides(total: int, held: list[int]) -> tuple[list[int], list[int]]:
    inside = set(held)
    return [index for index in range(total) if index not in inside], sorted(held)
