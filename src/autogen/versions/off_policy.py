"""How many clicks another version would have got, from answers that chance had a hand in: off-policy estimates.

What is estimated is the mean number of items clicked in one answer, had the other version answered, with its best items
and no exploration, what people asked. An item that was clicked counts where the other version would have shown the same
item in the same slot, with the weight 1 / propensity: inverse propensity scoring, and its self-normalised form SNIPS
(Swaminathan & Joachims 2015, "The self-normalized estimator for counterfactual learning"), which is divided by the mean
weight and is what we report. Weights are clipped (Ionides 2008, "Truncated importance sampling").

It is the item-position estimator (Li et al. 2018, "Offline evaluation of ranking policies with click models"). It
assumes that whether an item is clicked depends on who asks, the item and its slot, and not on the items around it.
Estimates of whole lists assume less, and would need far more answers: hardly two lists agree in all slots.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_WEIGHT = 1_000.0  # greater ones are cut: with a pool of 20 only exploration below 0.04 has any
FEWEST_CLICKS = 20  # that agree, for a number to be said
NORMAL = 1.96  # standard errors either side, of a 95 % interval

Interval = tuple[float, float]
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Slots:
    """The slots of logged answers that the other version fills too, side by side, each (slots,).

    `person`: who asked for each answer, (answers,), as a number from 0 on: what one person does hangs together.
    `answer`: which answer, a place in `person`; an answer may have no slots. `propensity`: the chance (0–1) that its
    item had of standing there. `same`: whether the other version would show that very item there.
    """

    person: NDArray[np.int64]
    answer: NDArray[np.int64]
    propensity: Numbers
    clicked: NDArray[np.bool_]
    same: NDArray[np.bool_]

    @property
    def answers(self) -> int:
        return len(self.person)


@dataclass(frozen=True)
class Estimate:
    """`clicks_per_answer` by SNIPS, `ips` without normalisation; intervals are 95 %. `clicks` were logged,
    `agreeing_clicks` on items that the other version would have shown there too: all the rest is told from them.

    `effective_answers` (Kish 1965): as many answers of the version's own would tell about as much. `mean_weight` is
    about 1 where all that the version shows had a chance of being shown; far below, the estimate is of the rest alone.
    `clipped`: how many weights were cut to `most_weight`.
    """

    clicks_per_answer: float
    interval: Interval
    ips: float
    ips_interval: Interval
    answers: int
    clicks: int
    agreeing_clicks: int
    effective_answers: float
    mean_weight: float
    clipped: int
    most_weight: float

    @property
    def has_enough_clicks(self) -> bool:
        return self.agreeing_clicks >= FEWEST_CLICKS

    @property
    def summary(self) -> str:
        """The number with its interval, or that there are too few clicks for one."""
        if not self.has_enough_clicks:
            return (
                f"too few clicks to tell ({self.agreeing_clicks} of {FEWEST_CLICKS} needed, in {self.answers} answers)"
            )
        low, high = self.interval
        return f"{self.clicks_per_answer:.3f} (95 % {low:.3f}–{high:.3f})"

    def to_json(self) -> dict[str, Any]:
        """All figures; of too few clicks only how many there are."""
        always = {"answers", "clicks", "agreeing_clicks"}
        figures = {name: value for name, value in asdict(self).items() if self.has_enough_clicks or name in always}
        return {"enough_clicks": self.has_enough_clicks, "said": self.summary, **figures}


def estimate(slots: Slots, most_weight: float = MOST_WEIGHT) -> Estimate:
    """`most_weight`: see `MOST_WEIGHT`."""
    sums = _sums(slots, most_weight)
    value, influence = _self_normalise(sums)
    ips = float(sums.clicks.sum()) / max(slots.answers, 1)
    weights = _weights(slots)
    squares = float((np.minimum(weights, most_weight) ** 2).sum())
    per_answer = len(slots.answer) / max(slots.answers, 1)
    return Estimate(
        clicks_per_answer=value,
        interval=_interval(value, influence, slots.person, 0.0),
        ips=ips,
        ips_interval=_interval(ips, sums.clicks, slots.person, 0.0),
        answers=slots.answers,
        clicks=int(slots.clicked.sum()),
        agreeing_clicks=int((slots.clicked & slots.same).sum()),
        effective_answers=float(sums.weight.sum()) ** 2 / squares / per_answer if squares else 0.0,
        mean_weight=float(sums.weight.sum()) / max(sums.slots, 1),
        clipped=int((weights > most_weight).sum()),
        most_weight=most_weight,
    )


def difference(candidate: Slots, champion: Slots, most_weight: float = MOST_WEIGHT) -> tuple[float, Interval]:
    """By how many clicks an answer the candidate is better, and the 95 % interval, the answers being the same: in
    pairs. Raises ValueError where they are not as many."""
    if candidate.answers != champion.answers:
        raise ValueError("Expected both versions' slots of the same answers.")
    now, of_now = _self_normalise(_sums(candidate, most_weight))
    was, of_was = _self_normalise(_sums(champion, most_weight))
    return now - was, _interval(now - was, of_now - of_was, candidate.person, -np.inf)


@dataclass(frozen=True)
class _Sums:
    """Of each answer, (answers,): the weights of its clicks, and all of its weights."""

    clicks: Numbers
    weight: Numbers
    slots: int


def _weights(slots: Slots) -> Numbers:
    return np.where(slots.same, 1 / slots.propensity, 0.0)


def _sums(slots: Slots, most_weight: float) -> _Sums:
    weights = np.minimum(_weights(slots), most_weight)

    def by_answer(values: Numbers) -> Numbers:
        totals: Numbers = np.zeros(slots.answers)
        np.add.at(totals, slots.answer, values)
        return totals

    return _Sums(by_answer(weights * slots.clicked), by_answer(weights), len(slots.answer))


def _self_normalise(sums: _Sums) -> tuple[float, Numbers]:
    """Clicks an answer, divided by the mean weight; and what each answer adds to its error (the delta method; Owen
    2013, "Monte Carlo theory, methods and examples", section 9.2)."""
    total_weight = float(sums.weight.sum())
    if not total_weight:
        return 0.0, np.zeros(len(sums.clicks))
    ratio = float(sums.clicks.sum()) / total_weight
    scale = sums.slots / len(sums.clicks)  # slots of an answer
    influence: Numbers = scale * (sums.clicks - ratio * sums.weight) / (total_weight / len(sums.clicks))
    return scale * ratio, influence


def _interval(centre: float, values: Numbers, person: NDArray[np.int64], least: float) -> Interval:
    """95 %, by the normal approximation, of a mean over answers; only those of different people are independent
    (cluster-robust: Cameron & Miller 2015)."""
    people = len(np.unique(person))
    if people < 2:
        return centre, centre
    of_person = np.bincount(person, values - values.mean())
    variance = people / (people - 1) * float((of_person**2).sum()) / len(values) ** 2
    reach = NORMAL * variance**0.5
    return max(least, centre - reach), centre + reach


@dataclass(frozen=True)
class ExpectedClicks:
    """Clicks per answer that candidate and champion would have got on the same logged answers, and by how much the
    candidate is better, with its 95 % interval."""

    candidate: Estimate
    champion: Estimate
    difference: tuple[float, tuple[float, float]]

    @property
    def summary(self) -> str:
        if not (self.candidate.has_enough_clicks and self.champion.has_enough_clicks):
            fewer = min(self.candidate, self.champion, key=lambda estimate: estimate.agreeing_clicks)
            return f"Off-policy, clicks per answer: {fewer.summary}."
        better, (low, high) = self.difference
        return (
            f"Off-policy, clicks per answer: {self.candidate.summary}, champion {self.champion.summary}, difference "
            f"{better:+.3f} ({low:+.3f} to {high:+.3f}), on {self.candidate.answers} answers; it decides nothing."
        )

    def to_json(self) -> dict[str, Any]:
        estimates: dict[str, Any] = {"candidate": self.candidate.to_json(), "champion": self.champion.to_json()}
        if self.candidate.has_enough_clicks and self.champion.has_enough_clicks:
            estimates["difference"] = {"clicks_per_answer": self.difference[0], "interval": self.difference[1]}
        return {"said": self.summary, **estimates}
