"""Two models on the same rows: how much better the second is, at worst, and in which groups it is worse.

Shares: the adjusted Wald interval of a paired difference of proportions (Agresti & Min 2005, "Simple improved
confidence intervals for comparing matched proportions"). Means: the normal bound of the mean paired difference. Ratios,
such as F1: a paired bootstrap of rows with a fixed seed (Efron & Tibshirani 1993), smoothed as shares are, for of a few
dozen rows the plain one's bound is above the truth far too often. Groups: an exact sign test of the rows that differ
(for shares that is McNemar's), with Holm's correction among those tests that could come out significant at all (Tarone
1990, "A modified Bonferroni method for discrete data"): so each group counts, however few its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import bdtrc, ndtri

from autogen.versions.scores import Flags, Floats, Scores, metric_of

RESAMPLES = 4_000
SEED = 0
MOST_ROWS = 1_000_000  # that are asked for
RIGHT, WRONG = (1.0, 1.0, 1.0), (0.0, 1.0, 1.0)  # counts of a row with one span


@dataclass(frozen=True)
class PairedScores:
    """Champion and candidate on the same rows. `from_earlier_eval`: the row was an eval row before
    this batch of feedback."""

    champion: Scores
    candidate: Scores
    from_earlier_eval: Flags

    def __len__(self) -> int:
        return len(self.candidate)

    def where(self, mask: Flags) -> PairedScores:
        """The rows for which `mask` is true."""
        return PairedScores(self.champion.where(mask), self.candidate.where(mask), self.from_earlier_eval[mask])

    @property
    def reversed(self) -> PairedScores:
        """Champion and candidate the other way round."""
        return PairedScores(self.candidate, self.champion, self.from_earlier_eval)

    @property
    def differences(self) -> Floats:
        """Candidate − champion of each row alone."""
        return self.candidate.by_row - self.champion.by_row

    @property
    def known(self) -> PairedScores:
        """The rows that the champion could know."""
        return self.where(~self.champion.beyond)

    @property
    def balance(self) -> tuple[int, int]:
        """Rows gained and rows lost."""
        differences = self.differences
        return int((differences > 0).sum()), int((differences < 0).sum())


@dataclass(frozen=True)
class Comparison:
    """Candidate against champion on the same rows; metrics in 0–1. `lower`: the one-sided lower bound of candidate −
    champion."""

    rows: int
    champion: float
    candidate: float
    gained: int
    lost: int
    lower: float

    @property
    def difference(self) -> float:
        return self.candidate - self.champion

    def figures(self) -> dict[str, float]:
        return {
            "rows": self.rows,
            "champion": self.champion,
            "candidate": self.candidate,
            "difference": self.difference,
            "lower_bound": self.lower,
            "gained": self.gained,
            "lost": self.lost,
        }


def compare(paired: PairedScores, confidence: float) -> Comparison:
    """Over all rows, with the bound that belongs to the statistic."""
    gained, lost = paired.balance
    return Comparison(
        rows=len(paired),
        champion=paired.champion.value,
        candidate=paired.candidate.value,
        gained=gained,
        lost=lost,
        lower=_lower(paired, confidence),
    )


def _lower(paired: PairedScores, confidence: float) -> float:
    statistic = paired.candidate.statistic
    if statistic == "share":
        return paired_bounds(*paired.balance, len(paired), confidence)[0]
    if statistic == "mean":
        return _lower_of_mean(paired.differences, confidence)
    return _lower_of_ratio(paired, confidence)


def paired_bounds(gained: int, lost: int, rows: int, confidence: float) -> tuple[float, float]:
    """The one-sided lower and upper bounds of a paired difference of shares, each at `confidence`. Half a row is added
    to each cell of the 2×2 table: that keeps the bound honest for few rows."""
    difference = (gained - lost) / (rows + 2)
    spread = ((gained + lost + 1) - (gained - lost) ** 2 / (rows + 2)) ** 0.5 / (rows + 2)
    reach = float(ndtri(confidence)) * spread
    return difference - reach, difference + reach


def _lower_of_mean(differences: Floats, confidence: float) -> float:
    rows = len(differences)
    spread = float(differences.std(ddof=1)) / rows**0.5 if rows > 1 else 1.0
    return (float(differences.mean()) if rows else 0.0) - float(ndtri(confidence)) * spread


def _lower_of_ratio(paired: PairedScores, confidence: float) -> float:
    """Rows are drawn together for both models, so that what is hard for both is no difference. Half a row of one span
    is added to each cell of right and wrong: of a few rows the plain bootstrap draws nothing but what it has seen."""
    both = np.hstack([paired.champion.counts, paired.candidate.counts])
    cells, times = np.unique(both, axis=0, return_counts=True)  # rows alike are drawn as one cell, which is quick
    pseudo_cells = [(*champion, *candidate) for champion in (RIGHT, WRONG) for candidate in (RIGHT, WRONG)]
    cells, weights = np.vstack([cells, pseudo_cells]), np.concatenate([times, np.full(len(pseudo_cells), 0.5)])
    rows = len(paired) + len(pseudo_cells) // 2
    draws = np.random.default_rng(SEED).multinomial(rows, weights / weights.sum(), size=RESAMPLES).astype(np.float64)
    champion_values, candidate_values = (metric_of("ratio", draws @ counts) for counts in np.hsplit(cells, 2))
    return float(np.quantile(candidate_values - champion_values, 1 - confidence))


def rows_needed(comparison: Comparison, confidence: float, margin: Callable[[int], float]) -> int | None:
    """How many rows like these would show that the candidate's share is not inferior by the margin of so many rows;
    None where no number within MOST_ROWS would, because it is."""
    gained, lost, rows = comparison.gained / comparison.rows, comparison.lost / comparison.rows, comparison.rows
    while rows < MOST_ROWS:
        rows += max(1, rows // 100)
        if paired_bounds(round(gained * rows), round(lost * rows), rows, confidence)[0] >= -margin(rows):
            return rows
    return None


class WorseGroups(NamedTuple):
    """The groups that are significantly worse, of how many with rows enough to be shown so; `pooled`: how many had
    too few of their own, and were tested as one."""

    names: list[str]
    tested: int
    pooled: int


def worse_groups(paired: PairedScores, fewest: int, level: float) -> WorseGroups:
    """Test each group, and those of fewer than `fewest` rows together. What the champion cannot know is not tested."""
    balances = {**_balances(paired.known), **_balances_within_rows(paired)}
    balances = {name: balance for name, balance in balances.items() if name and balance[0]}
    small = [name for name, balance in balances.items() if balance[0] < fewest]
    tested = {name: balance for name, balance in balances.items() if name not in small}
    if small:
        pool = f"the {len(small)} {paired.candidate.group}s with fewer than {fewest} rows, taken together"
        tested[pool] = [sum(counts) for counts in zip(*(balances[name] for name in small), strict=True)]
    worse = significantly_worse({name: (gained, lost) for name, (_, gained, lost) in tested.items()}, level)
    could_tell = sum(_chance_of_loss(0, rows) <= level for rows, _, _ in tested.values())
    return WorseGroups(worse, could_tell, len(small))


def significantly_worse(changes: Mapping[str, tuple[int, int]], level: float) -> list[str]:
    """Of groups with so many rows gained and lost, those that are worse beyond chance. A test whose p-value could not
    be small enough, had all its changed rows been lost, takes nothing from the others."""
    least = {name: _chance_of_loss(0, gained + lost) for name, (gained, lost) in changes.items()}
    count = next(k for k in range(1, len(changes) + 2) if sum(p <= level / k for p in least.values()) <= k)
    chances = {name: _chance_of_loss(*changes[name]) for name, p in least.items() if p <= level / count}
    return holm(chances, level)


def _balances(paired: PairedScores) -> dict[str, list[int]]:
    """Rows, rows gained and rows lost of each group, a row being of one."""
    differences, balances = paired.differences, dict[str, list[int]]()
    for name, gained, lost in zip(paired.candidate.groups, differences > 0, differences < 0, strict=True):
        balance = balances.setdefault(name, [0, 0, 0])
        balance[0] += 1
        balance[1] += int(gained)
        balance[2] += int(lost)
    return balances


def _balances_within_rows(paired: PairedScores) -> dict[str, list[int]]:
    """The same of `by_group`, by each group's own counts. A row counts where one of the models has anything to do with
    the group there: what it answers where there is nothing is lost too."""
    champion, candidate = paired.champion, paired.candidate
    balances = {}
    for name in sorted(champion.known_groups & {*champion.by_group, *candidate.by_group}):
        was, now = champion.of_group(name), candidate.of_group(name)
        concerned = (was + now)[:, 1:].sum(axis=1) > 0
        differences = metric_of(candidate.statistic, now) - metric_of(candidate.statistic, was)
        balances[name] = [int(flags.sum()) for flags in (concerned, differences > 0, differences < 0)]
    return balances


def groups_that_draw(paired: PairedScores, level: float) -> list[str]:
    """The groups that significantly more rows are wrongly taken for by the candidate than by the champion: what gains
    elsewhere would pay for in the whole. One that no row is of is new, and takes some."""
    was, now = (np.array(scores.taken_for, object) for scores in (paired.champion, paired.candidate))
    names = sorted({*paired.champion.taken_for, *paired.candidate.taken_for} & {*paired.candidate.groups})
    return significantly_worse(
        {
            name: (int(((was == name) & (now != name)).sum()), int(((now == name) & (was != name)).sum()))
            for name in names
        },
        level,
    )


def _chance_of_loss(gained: int, lost: int) -> float:
    """Of so many or more losses, were gains as likely."""
    return float(bdtrc(lost - 1, gained + lost, 0.5)) if gained + lost else 1.0


def holm(chances: Mapping[str, float], level: float) -> list[str]:
    """The names whose p-values are significant at `level` after Holm's step-down correction."""
    names_by_chance = sorted(chances, key=lambda name: chances[name])
    significant = []
    for rank, name in enumerate(names_by_chance):
        if chances[name] > level / (len(names_by_chance) - rank):
            break
        significant.append(name)
    return significant
