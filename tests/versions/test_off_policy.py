from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from autogen.skills.recommendation.exploration import draw, propensities
from autogen.versions.off_policy import FEWEST_CLICKS, Slots, difference, estimate

POOL, SHOWN = 8, 3
OBSERVED = np.array([1.0, 0.6, 0.3])  # how likely each slot is looked at
LOGGED, OTHER = np.arange(POOL), np.array([3, 0, 5, 1, 2, 4, 6, 7])  # two versions' orders of the same items


def simulated(answers: int, seed: int, order: np.ndarray = OTHER, exploration: float = 0.4) -> Slots:
    """Answers by a version that explores, to people who click an item they like, if they look at it; and which slots
    another version would have filled alike."""
    chance = np.random.default_rng(seed)
    table = propensities(POOL, SHOWN, exploration)
    ranks = np.array([draw(POOL, SHOWN, exploration, chance) for _ in range(answers)])
    clicked = chance.random(ranks.shape) < liked()[ranks] * OBSERVED
    return Slots(
        person=np.arange(answers),
        answer=np.repeat(np.arange(answers), SHOWN),
        propensity=table[ranks, np.arange(SHOWN)].ravel(),
        clicked=clicked.ravel(),
        same=(LOGGED[ranks] == order[:SHOWN]).ravel(),
    )


def liked() -> np.ndarray:
    return np.array([0.15, 0.1, 0.2, 0.6, 0.1, 0.4, 0.05, 0.05])


def truth(order: np.ndarray) -> float:
    return float((liked()[order[:SHOWN]] * OBSERVED).sum())


def test_the_estimate_of_another_version_is_its_true_value() -> None:
    """In one run; of 200 runs, the next test says how many of their intervals hold."""
    result = estimate(simulated(40_000, 3))
    low, high = result.interval
    assert low < truth(OTHER) < high
    assert result.ips_interval[0] < truth(OTHER) < result.ips_interval[1]
    assert high - low < 0.1
    assert result.mean_weight == pytest.approx(1, abs=0.05)


def test_estimates_are_unbiased_and_their_intervals_hold() -> None:
    results = [estimate(simulated(1_500, seed)) for seed in range(200)]
    ips = np.array([result.ips for result in results])
    assert abs(ips.mean() - truth(OTHER)) < 3 * ips.std() / len(ips) ** 0.5
    for intervals in ([result.interval for result in results], [result.ips_interval for result in results]):
        coverage = np.mean([low <= truth(OTHER) <= high for low, high in intervals])
        assert 0.9 <= coverage <= 0.99


def test_without_propensities_the_estimate_is_wrong() -> None:
    """Clicks where both versions agree, counted as they are, make a version that differs look bad."""
    slots = simulated(40_000, 0)
    naive = estimate(replace(slots, propensity=np.ones(len(slots.propensity))))
    assert naive.ips_interval[1] < 0.2 * truth(OTHER)
    assert naive.interval[1] < 0.8 * truth(OTHER)


def test_the_version_that_logged_gets_what_it_was_clicked() -> None:
    """Without exploration all weights are 1, and the estimate is the mean."""
    slots = simulated(2_000, 1, LOGGED, exploration=0.0)
    result, clicks = estimate(slots), slots.clicked.sum() / slots.answers
    assert result.clicks_per_answer == pytest.approx(clicks)
    assert result.ips == pytest.approx(clicks)
    assert result.effective_answers == pytest.approx(2_000)
    assert (result.clipped, result.mean_weight) == (0, 1)


def test_normalising_takes_the_weights_own_chance_out() -> None:
    """Where everything is clicked, every answer of any version gets as many clicks as it has slots."""
    samples = [replace(slots, clicked=np.ones_like(slots.clicked)) for slots in map(simulated, [300] * 50, range(50))]
    results = [estimate(slots) for slots in samples]
    assert [result.clicks_per_answer for result in results] == pytest.approx([SHOWN] * 50)
    assert np.std([result.ips for result in results]) > 0.2


def test_answers_of_one_person_tell_no_more_than_one_does() -> None:
    """Each answer four times over, by the same person or by four: the mean is the same, the interval is not."""
    once = simulated(2_000, 4)
    four = Slots(
        person=np.tile(np.arange(2_000), 4),
        answer=np.concatenate([once.answer + 2_000 * time for time in range(4)]),
        propensity=np.tile(once.propensity, 4),
        clicked=np.tile(once.clicked, 4),
        same=np.tile(once.same, 4),
    )
    result, independent = estimate(four), estimate(replace(four, person=np.arange(8_000)))
    assert result.interval == pytest.approx(estimate(once).interval)
    assert result.ips_interval == pytest.approx(estimate(once).ips_interval)
    assert independent.clicks_per_answer == pytest.approx(result.clicks_per_answer)
    width = result.interval[1] - result.interval[0]
    assert independent.interval[1] - independent.interval[0] == pytest.approx(width / 2, rel=0.01)


def by_hand() -> Slots:
    """Three answers of two slots: agreeing slots weigh 2, 4 and 5, the first and last of them were clicked."""
    return Slots(
        person=np.arange(3),
        answer=np.array([0, 0, 1, 1, 2, 2]),
        propensity=np.array([0.5, 0.9, 0.25, 0.5, 0.8, 0.2]),
        clicked=np.array([True, True, False, False, False, True]),
        same=np.array([True, False, True, False, False, True]),
    )


def test_a_small_case_is_as_reckoned_by_hand() -> None:
    result = estimate(by_hand())
    assert result.ips == pytest.approx((2 + 5) / 3)
    assert result.mean_weight == pytest.approx((2 + 4 + 5) / 6)
    assert result.clicks_per_answer == pytest.approx((2 + 5) / 3 / ((2 + 4 + 5) / 6))
    assert result.effective_answers == pytest.approx(11**2 / (4 + 16 + 25) / 2)
    assert (result.clicks, result.agreeing_clicks) == (3, 2)
    spread = np.std([2, 0, 5], ddof=1) / 3**0.5
    assert result.ips_interval[1] == pytest.approx(7 / 3 + 1.96 * spread)
    errors = np.array([2 - 7 / 11 * 2, 0 - 7 / 11 * 4, 5 - 7 / 11 * 5]) * 2 / (11 / 3)
    assert result.interval[1] == pytest.approx(14 / 11 + 1.96 * np.std(errors, ddof=1) / 3**0.5)


def test_great_weights_are_cut_and_counted() -> None:
    result = estimate(by_hand(), most_weight=4.5)
    assert (result.clipped, result.most_weight) == (1, 4.5)
    assert result.ips == pytest.approx((2 + 4.5) / 3)


def test_two_versions_are_compared_in_pairs() -> None:
    candidate, champion = simulated(20_000, 2), simulated(20_000, 2, LOGGED)
    better, (low, high) = difference(candidate, champion)
    assert low < truth(OTHER) - truth(LOGGED) < high
    assert low > 0
    assert difference(champion, champion) == (0, (0, 0))
    assert better == pytest.approx(estimate(candidate).clicks_per_answer - estimate(champion).clicks_per_answer)
    with pytest.raises(ValueError, match="the same answers"):
        difference(candidate, simulated(10, 2))


def test_too_few_clicks_are_said_in_the_place_of_a_number() -> None:
    few = estimate(by_hand())
    assert few.summary == f"too few clicks to tell (2 of {FEWEST_CLICKS} needed, in 3 answers)"
    assert "clicks_per_answer" not in few.to_json()
    assert few.to_json()["agreeing_clicks"] == 2
    enough = estimate(simulated(2_000, 3))
    assert enough.summary.startswith(f"{enough.clicks_per_answer:.3f} (95 % ")
    assert enough.to_json()["interval"] == enough.interval


@pytest.mark.parametrize("answers", [0, 1, 2])
def test_no_answers_and_no_agreement_are_no_fault(answers: int) -> None:
    empty = np.empty(0)
    result = estimate(Slots(np.arange(answers), empty.astype(int), empty, empty.astype(bool), empty.astype(bool)))
    assert (result.clicks_per_answer, result.interval, result.effective_answers) == (0, (0, 0), 0)
    assert not result.has_enough_clicks
