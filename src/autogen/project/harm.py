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

import numpy as np

from autogen.feedback.parts import Part
from autogen.versions.comparison import PairedScores, significantly_worse
from autogen.versions.scores import Scores

LEVEL = 0.01
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
    """The parts that do harm, the most harmful first; each as it is without those before it."""
    harmful: list[Harm] = []
    left_out: frozenset[str] = frozenset()
    while len(harmful) < MOST_PARTS:
        before = scores_without(left_out)
        harms = [
            _compare(part, before, scores_without(left_out | part.texts)) for part in parts if part.texts - left_out
        ]
        changes = {str(at): (harm.gained, sum(harm.lost.values())) for at, harm in enumerate(harms)}
        worse = [harms[int(at)] for at in significantly_worse(changes, level)] if harms else []
        if not worse:
            break
        harmful.append(choose_worst(worse))
        left_out |= harmful[-1].part.texts
    return harmful


def choose_worst(harms: Sequence[Harm]) -> Harm:
    """The one that takes the most from the others; of those alike the one with the fewest rows."""
    return max(harms, key=lambda harm: (harm.net, -len(harm.part.texts)))


def _compare(part: Part, joined: Scores, without: Scores) -> Harm:
    """`joined`: with the part, its own rows among those answered."""
    answered = set(without.rows)
    joined = joined.where(np.array([row in answered for row in joined.rows], bool))
    paired = PairedScores(joined, without, np.ones(len(without), bool))
    mended, broken = paired.balance
    lost = Counter(name for name, better in zip(without.groups, paired.differences > 0, strict=True) if better)
    assert mended == sum(lost.values())
    return Harm(part, len(without), dict(lost), broken, without.unit, without.group)
