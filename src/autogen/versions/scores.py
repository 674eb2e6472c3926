"""Scores: how well a model answers each eval row, so that two models can be compared in pairs, whatever their task."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from itertools import compress
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

Statistic = Literal["share", "mean", "ratio"]


@dataclass(frozen=True)
class Scores:
    """One metric of one model, row by row.

    `counts`: float64 of shape (rows, statistics). The metric of some rows depends on their sums alone: of a `share`
    they are (right, 1) and of a `mean` (gain, 1), the metric being first ÷ second; of a `ratio`, such as F1 of spans,
    (true positives, predicted, gold), the metric being 2·tp ÷ (predicted + gold).
    `right`: whether the row is answered as it should be, as protected rows must be.
    `groups`: what must not get worse for any, such as the label or the language; "" for none.
    `by_group`: where a row may belong to several groups, in place of `groups`: the counts of each group alone, which
    may be told apart within a row (spans of each label). A row belongs to those whose last count is not 0.
    `beyond`: rows that this model cannot know (a new label, a new item); `known_groups`: of `by_group`, what it can.
    `from_feedback`: rows that came with feedback, not with the eval data.
    `taken_for`: the group that a row is wrongly taken for, "" for none; () where it is not told.
    `unit`: what a row is called; `group`: what a group is; `right_means`: how a right row is put into words.
    """

    metric: str
    statistic: Statistic
    rows: tuple[str, ...]  # fingerprints, as in `Identity.measured`
    counts: Floats
    right: Flags
    groups: tuple[str, ...]
    beyond: Flags
    from_feedback: Flags
    unit: str = "rows"
    group: str = "label"
    right_means: str = "right"
    by_group: Mapping[str, Floats] = field(default_factory=dict)
    known_groups: frozenset[str] = frozenset()
    taken_for: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def value(self) -> float:
        """The metric over all rows, in 0–1; 0 where there are none."""
        return float(metric_of(self.statistic, self.counts.sum(axis=0))) if len(self) else 0.0

    @property
    def by_row(self) -> Floats:
        """The metric of each row alone."""
        return metric_of(self.statistic, self.counts)

    def of_group(self, name: str) -> Floats:
        """The counts of one of `by_group` alone; of one that it does not have, zeros."""
        return self.by_group.get(name, np.zeros_like(self.counts))

    def in_groups(self, names: Collection[str]) -> Flags:
        """The rows that belong to one of these groups at least."""
        group_names = frozenset(names)
        chosen = np.array([name in group_names for name in self.groups], bool)
        for name in self.by_group.keys() & group_names:
            chosen = chosen | (self.of_group(name)[:, -1] > 0)
        return chosen

    def where(self, mask: Flags) -> Scores:
        """The rows for which `mask` is true."""
        return replace(
            self,
            rows=tuple(compress(self.rows, mask)),
            counts=self.counts[mask],
            right=self.right[mask],
            groups=tuple(compress(self.groups, mask)),
            beyond=self.beyond[mask],
            from_feedback=self.from_feedback[mask],
            by_group={name: counts[mask] for name, counts in self.by_group.items()},
            taken_for=tuple(compress(self.taken_for, mask)),
        )


def metric_of(statistic: Statistic, counts: Floats) -> Floats:
    """The metric of counts of shape (…, statistics): shape (…). A row without spans, none of them predicted, is 1."""
    if statistic == "ratio":
        total = counts[..., 1] + counts[..., 2]
        return np.where(total > 0, 2 * counts[..., 0] / np.maximum(total, 1e-12), 1.0)
    return np.asarray(counts[..., 0] / np.maximum(counts[..., 1], 1e-12))
