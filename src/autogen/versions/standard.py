"""What is asked of a comparison: the margin that so many rows can resolve, and the confidence of a verdict that is not
the first on its rows.

The margin is 2 points at 1,000 rows and follows the standard error, which shrinks with the root of the rows, between
half a point and 5 points. So a candidate that is 2 points worse passes 1,000 rows at most as often as the level says.

Of many verdicts on the same rows one would come out well by chance. The level is therefore spent over them: the k-th
gets 6 ÷ (π²k²) of it, which is the whole when summed without end (alpha spending; a union bound, so that it holds
whatever the candidates have in common). The margin is divided by k too: it is for want of rows, and who asks again of
the same ones shall not come nearer to what it allows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from autogen.config.project import GateSettings
from autogen.versions.comparison import Comparison, PairedScores, compare

MARGIN_AT_1000 = 0.02
LEAST_MARGIN, MOST_MARGIN = 0.005, 0.05  # chosen by simulation: docs/decisions/0025-gate-for-few-rows.md


def resolved_margin(rows: int, look: int = 1) -> float:
    """The margin that so many rows can resolve, as a share; of the verdict number `look` on them."""
    margin = min(MOST_MARGIN, MARGIN_AT_1000 * math.sqrt(1000 / max(rows, 1)))
    return max(LEAST_MARGIN, margin / look)


def spent_confidence(confidence: float, look: int) -> float:
    """The confidence that the verdict number `look` on the same rows is given at, so that all of them together keep
    `confidence`."""
    return 1 - (1 - confidence) * 6 / (math.pi * look) ** 2


@dataclass(frozen=True)
class Standard:
    """What one verdict asks for. `look`: which verdict on these rows it is, from 1 on."""

    settings: GateSettings
    look: int = 1

    @property
    def spent(self) -> float:
        """The confidence of this look."""
        return spent_confidence(self.settings.confidence, self.look)

    def margin(self, rows: int) -> float:
        """The user's own, or what so many rows can resolve."""
        return resolved_margin(rows, self.look) if self.settings.margin is None else self.settings.margin

    def compare(self, paired: PairedScores) -> Comparison:
        return compare(paired, self.spent)

    def is_worse(self, paired: PairedScores) -> bool:
        """Whether the candidate is shown to be worse. That is asked at the full level every time: it protects."""
        return compare(paired.reversed, self.settings.confidence).lower > 0

    def is_within(self, comparison: Comparison) -> bool:
        """Whether the candidate is shown to be no worse than by the margin."""
        return comparison.lower >= -self.margin(comparison.rows)

    def is_not_inferior(self, paired: PairedScores, comparison: Comparison) -> bool:
        """Within the margin; and where that is wider than the least, also not shown to be worse: rows that can resolve
        more, for hardly any of them differ, are taken at their word."""
        if self.settings.margin is not None or comparison.lower >= -LEAST_MARGIN:
            return self.is_within(comparison)
        return self.is_within(comparison) and not self.is_worse(paired)
