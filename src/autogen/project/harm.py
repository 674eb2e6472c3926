"""Which part of a batch does harm: trusted rows are answered by quick models that have learnt the batch with the part,
and without it.

A part is blamed where significantly more rows are answered rightly without it than with it (an exact sign test of the
rows that differ, corrected for all parts that are tested: Holm 1979, Tarone 1990). Of those the most harmful is left
out, then the others are tested again without it. How the rule was chosen:
docs/decisions/0028-a-batch-is-not-all-or-nothing.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from autogen.feedback.parts import Part
from autogen.versions.comparison import PairedScores, significantly_worse
from autogen.versions.scores import Scores

LEVEL = 0.01
SIZE_COUNTS = 0.5  # leaving out all of the batch is worth half of what it takes from trusted rows
MOST_PARTS = 5  # that are left out of one batch
MOST_NAMED = 3  # groups of rows that the evidence names

ScoresWithout = Callable[[frozenset[str]], Scores]
"""The scores of trusted rows by a quick model that has learnt the batch without these texts, which are not among the
rows either."""


@dataclass(frozen=True)
class Harm:
    """A part, and what learning it does to so many trusted rows: how many are answered wrongly with it and rightly
    without it (`lost`, by group), and how many the other way (`gained`)."""

    part: Part
    rows: int
    lost: Mapping[str, int]
    gained: int
    unit: str = "rows"  # what a row is called
    group: str = "label"  # and a group of rows

    @property
    def balance(self) -> tuple[int, int]:
        """Rows gained and rows lost by learning it."""
        return self.gained, sum(self.lost.values())

    @property
    def net(self) -> int:
        return sum(self.lost.values()) - self.gained

    @property
    def evidence(self) -> str:
        """What it harms, in a sentence."""
        worst = [f'"{name}" ({count})' for name, count in Counter(self.lost).most_common(MOST_NAMED) if name]
        where = f"; they are of the {self.group}s {', '.join(worst)}" if worst else ""
        where += " and others" if len(self.lost) > len(worst) > 0 else ""
        return (
            f"Learning it makes {sum(self.lost.values())} of {self.rows:,} trusted {self.unit} wrong{where}. It makes "
            f"{self.gained} right. (By quick models that have learnt it and that have not.)"
        )


def find_harm(parts: Sequence[Part], scores_without: ScoresWithout, level: float = LEVEL) -> list[Harm]:
    """The parts that do harm, in the order in which they are left out; each as it is without those before it."""
    harmful: list[Harm] = []
    left_out: frozenset[str] = frozenset()
    batch = len(frozenset[str]().union(*(part.texts for part in parts)))
    while len(harmful) < MOST_PARTS:
        joined = scores_without(left_out)
        harms = [
            _compare(part, joined, scores_without(left_out | part.texts)) for part in parts if part.texts - left_out
        ]
        changes = {str(at): harm.balance for at, harm in enumerate(harms)}
        worse = [harms[int(at)] for at in significantly_worse(changes, level)] if harms else []
        if not worse:
            break
        harmful.append(max(worse, key=partial(_worth, batch=batch)))
        left_out |= harmful[-1].part.texts
    return harmful


def _worth(harm: Harm, batch: int) -> tuple[float, int]:
    """Of leaving it out. The more of the batch it is, the more right rows may be among them."""
    size = len(harm.part.texts)
    return harm.net * (1 - SIZE_COUNTS * size / batch), -size


def _compare(part: Part, joined: Scores, without: Scores) -> Harm:
    """`joined`: with the part, whose own rows are answered too."""
    paired = pair_common(joined, without)
    better = paired.differences > 0
    lost = Counter(name for name, is_lost in zip(paired.candidate.groups, better, strict=True) if is_lost)
    return Harm(part, len(paired), dict(lost), paired.balance[1], without.unit, without.group)


def pair_common(first: Scores, second: Scores) -> PairedScores:
    """The rows that both have, in their order, which is the same."""
    common = {*first.rows} & {*second.rows}
    of_first, of_second = (
        scores.where(np.array([row in common for row in scores.rows], bool)) for scores in (first, second)
    )
    return PairedScores(of_first, of_second, np.ones(len(common), bool))
