from __future__ import annotations

from itertools import product
from statistics import fmean, stdev

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from autogen.versions.comparison import PairedScores, compare, holm, significantly_worse, worse_groups
from autogen.versions.scores import metric_of
from autogen.versions.standard import resolved_margin, spent_confidence
from tests.versions.pairs import Row, gains, labelled_spans, new_label_rows, paired, rows


def lower_bounds(count: int, gain: float, loss: float, confidence: float = 0.95) -> list[float]:
    """The bounds found on 5,000 samples of this many rows, gained and lost with these chances."""
    samples = np.random.default_rng(0).multinomial(count, [1 - gain - loss, gain, loss], 5000)
    bounds: dict[tuple[int, ...], float] = {}
    for right, gained, lost in {tuple(map(int, row)) for row in samples}:
        bounds[right, gained, lost] = compare(paired(rows("a", right, gained, lost)), confidence).lower
    return [bounds[tuple(map(int, row))] for row in samples]


@pytest.mark.parametrize("count", [50, 100, 400])
@pytest.mark.parametrize(("gain", "loss"), [(0.02, 0.02), (0.1, 0.05), (0.05, 0.05), (0.3, 0.3)])
def test_the_lower_bound_is_below_the_truth_nineteen_times_of_twenty(count: int, gain: float, loss: float) -> None:
    assert np.mean([bound <= gain - loss for bound in lower_bounds(count, gain, loss)]) >= 0.94


@pytest.mark.parametrize("count", [50, 100, 400])
@pytest.mark.parametrize("gain", [0.01, 0.05, 0.2])
def test_a_candidate_that_loses_all_the_margin_is_found_good_enough_once_in_twenty_at_most(
    count: int, gain: float
) -> None:
    margin = resolved_margin(count)
    bounds = lower_bounds(count, gain, gain + margin, spent_confidence(0.95, look=1))
    assert np.mean([bound >= -margin for bound in bounds]) <= 0.055


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=60), st.sampled_from([0.9, 0.95, 0.99]))
def test_a_comparison_counts_the_rows_and_its_bound_is_below_the_difference(
    pairs: list[tuple[bool, bool]], confidence: float
) -> None:
    scores = paired([Row("a", (was, 1), (now, 1)) for was, now in pairs])
    comparison = compare(scores, confidence)
    assert comparison.rows == len(pairs)
    assert comparison.gained - comparison.lost == sum(now - was for was, now in pairs)
    assert comparison.difference == pytest.approx((comparison.gained - comparison.lost) / max(len(pairs), 1))
    assert comparison.lower < comparison.difference or comparison.difference < 0
    assert comparison.lower >= compare(scores, 0.999).lower


def test_more_rows_of_the_same_kind_bring_the_bound_nearer() -> None:
    bounds = [compare(paired(rows("a", right=8 * n, gained=n, lost=n)), 0.95).lower for n in (1, 10, 100)]
    assert bounds == sorted(bounds) and bounds[-1] < 0


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=40), st.sampled_from([0.9, 0.95]))
def test_the_bound_of_a_mean_is_that_of_the_mean_paired_difference(
    pairs: list[tuple[float, float]], confidence: float
) -> None:
    was, now = zip(*pairs, strict=True)
    comparison = compare(paired(gains(was, now), "mean"), confidence)
    differences = [b - a for a, b in pairs]
    spread = stdev(differences) / len(pairs) ** 0.5
    assert comparison.lower == pytest.approx(fmean(differences) - float(norm.ppf(confidence)) * spread, abs=1e-9)
    assert (comparison.champion, comparison.candidate) == (pytest.approx(fmean(was)), pytest.approx(fmean(now)))


def test_a_mean_of_no_row_or_of_one_says_nothing() -> None:
    assert compare(paired([], "mean"), 0.95).lower < -1
    assert compare(paired(gains([0.5], [1.0]), "mean"), 0.95).lower < -1


def spans(count: int, right: float, gain: float, loss: float, chance: np.random.Generator) -> PairedScores:
    """Rows with two spans on average, of which the champion finds this share, and the candidate some others; one in
    ten has a span too many, in each model."""
    row_list = []
    for gold in chance.poisson(2, count):
        was = chance.random(gold) < right
        draws = chance.random(gold)
        now = np.where(was, draws >= loss, draws < gain)
        extra = chance.random(2) < 0.1
        counts = [(hits.sum(), hits.sum() + extra, gold) for hits, extra in zip((was, now), extra, strict=True)]
        row_list.append(Row("", *counts))
    return paired(row_list, "ratio", "entity_f1")


def truth(right: float, gain: float, loss: float) -> float:
    """The difference in F1 of endlessly many such rows: two gold spans each, a tenth of one too many."""
    was, now = 2 * right, 2 * (right * (1 - loss) + (1 - right) * gain)
    return 2 * now / (now + 2.1) - 2 * was / (was + 2.1)


@pytest.mark.parametrize("count", [10, 25, 100])
@pytest.mark.parametrize(("right", "gain", "loss"), [(0.8, 0.1, 0.05), (0.95, 0.3, 0.02), (0.98, 0.2, 0.01)])
def test_the_bound_of_a_ratio_is_below_the_truth_nineteen_times_of_twenty_also_for_few_rows(
    count: int, right: float, gain: float, loss: float
) -> None:
    chance, real = np.random.default_rng(2), truth(right, gain, loss)
    below = [compare(spans(count, right, gain, loss, chance), 0.95).lower <= real for _ in range(100)]
    assert np.mean(below) >= 0.95 - 2 * (0.95 * 0.05 / 100) ** 0.5


@pytest.mark.parametrize(("right", "gained", "lost"), [(50, 0, 0), (40, 5, 5), (300, 20, 40), (10, 2, 0)])
def test_where_every_row_has_one_span_the_bound_of_f1_is_that_of_the_share(right: int, gained: int, lost: int) -> None:
    row_list = rows("a", right, gained, lost)
    one_span = [Row("a", (row.was[0], 1, 1), (row.now[0], 1, 1)) for row in row_list]
    ratio, share = compare(paired(one_span, "ratio"), 0.95), compare(paired(row_list), 0.95)
    assert (ratio.champion, ratio.candidate) == (share.champion, share.candidate)
    # draws are of whole rows
    assert ratio.lower == pytest.approx(share.lower, abs=1.2 / (len(row_list) + 2))


def test_the_bound_of_a_ratio_is_the_same_every_time_and_of_no_rows_says_nothing() -> None:
    some = spans(40, 0.8, 0.1, 0.1, np.random.default_rng(3))
    assert compare(some, 0.95) == compare(some, 0.95)
    assert compare(some, 0.99).lower < compare(some, 0.9).lower < 0
    assert compare(paired([], "ratio"), 0.95).lower <= -0.5


def test_many_rows_of_a_ratio_are_compared_in_little_memory() -> None:
    import tracemalloc

    kinds = [Row("", (1, 2, 2), (2, 2, 3)), Row("", (2, 2, 2), (2, 3, 2)), Row("", (1, 2, 1), (0, 0, 1))]
    scores = paired(kinds * 30_000, "ratio")
    tracemalloc.start()
    comparison = compare(scores, 0.95)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200e6
    assert comparison.difference - 0.02 < comparison.lower < comparison.difference


def test_ratios_are_of_sums_and_a_row_without_spans_is_right_where_none_is_predicted() -> None:
    counts = np.array([(1, 1, 2), (0, 3, 0), (0, 0, 0)], np.float64)
    assert metric_of("ratio", counts).tolist() == [pytest.approx(2 / 3), 0.0, 1.0]
    assert float(metric_of("ratio", counts.sum(axis=0))) == pytest.approx(2 / 6)


@given(st.lists(st.floats(0, 1), max_size=8), st.sampled_from([0.05, 0.01]))
def test_holms_correction_rejects_what_its_adjusted_p_values_do(values: list[float], level: float) -> None:
    chances = {f"label-{rank}": value for rank, value in enumerate(values)}
    pairs = sorted(chances.items(), key=lambda pair: pair[1])
    adjusted, largest = {}, 0.0
    for rank, (name, value) in enumerate(pairs):
        largest = max(largest, min(1.0, value * (len(pairs) - rank)))
        adjusted[name] = largest
    close = any(value == pytest.approx(level, rel=1e-9) for value in adjusted.values())
    assert close or set(holm(chances, level)) == {name for name, value in adjusted.items() if value <= level}


@pytest.mark.parametrize(("gained", "lost"), list(product(range(0, 8, 2), range(0, 14, 2))))
def test_the_sign_test_of_a_group_of_shares_is_mcnemar_s(gained: int, lost: int) -> None:
    from scipy.stats import binomtest

    chance = binomtest(lost, gained + lost, alternative="greater").pvalue if gained + lost else 1.0
    worse, tested, _ = worse_groups(paired(rows("a", right=30, gained=gained, lost=lost)), 20, 0.05)
    assert (worse == ["a"], tested) == (chance <= 0.05, 1)


def test_a_group_of_means_or_ratios_is_worse_by_the_rows_that_lost_not_by_how_much() -> None:
    lost, gained = Row("a", (1, 1), (0.9, 1)), Row("a", (0, 1), (1, 1))
    assert worse_groups(paired([lost] * 19 + [gained], "mean"), 20, 0.05) == (["a"], 1, 0)
    assert worse_groups(paired([lost] * 10 + [gained] * 10, "mean"), 20, 0.05) == ([], 1, 0)
    one_less = Row("b", (2, 2, 2), (1, 2, 2))
    assert worse_groups(paired([one_less] * 20, "ratio"), 20, 0.05) == (["b"], 1, 0)


def test_rows_without_a_group_are_of_none() -> None:
    assert worse_groups(paired(rows("", lost=50)), 20, 0.05) == ([], 0, 0)
    assert worse_groups(paired([]), 20, 0.05) == ([], 0, 0)


def test_groups_with_too_few_rows_are_tested_as_one() -> None:
    few = [*rows("a", lost=3), *rows("b", lost=3), *rows("c", right=30)]
    pool = "the 2 labels with fewer than 5 rows, taken together"
    assert worse_groups(paired(few), 5, 0.05) == ([pool], 2, 2)
    assert worse_groups(paired(rows("a", lost=3)), 5, 0.05) == ([], 0, 1), "three rows can show nothing"


def test_a_group_whose_few_changed_rows_could_show_nothing_takes_nothing_from_the_others() -> None:
    others = [row for at in range(40) for row in rows(f"other-{at}", right=10, gained=1, lost=2)]
    assert worse_groups(paired([*rows("a", right=3, lost=6), *others]), 5, 0.05).names == ["a"]
    assert holm({"a": 0.5**6, **{f"other-{at}": 0.5 for at in range(40)}}, 0.05) == [], "Holm's correction alone"


@pytest.mark.parametrize(("groups", "count"), [(150, 5), (20, 20), (4, 200)])
def test_groups_without_a_difference_are_called_worse_once_in_twenty_at_most(groups: int, count: int) -> None:
    chance = np.random.default_rng(4)
    changes = chance.multinomial(count, [0.8, 0.1, 0.1], (2000, groups))[..., 1:].tolist()
    alarms = [bool(significantly_worse({str(at): (g, b) for at, (g, b) in enumerate(row)}, 0.05)) for row in changes]
    assert np.mean(alarms) <= 0.05 + 2 * (0.05 * 0.95 / 2000) ** 0.5


def test_what_the_champion_cannot_know_is_not_among_what_it_knows() -> None:
    scores = paired([*rows("a", right=5), *new_label_rows("refund", 4, 1), *rows("b", lost=2, from_earlier_eval=False)])
    assert len(scores.known) == 7 and set(scores.known.candidate.groups) == {"a", "b"}
    assert scores.known.from_earlier_eval.tolist() == [True] * 5 + [False] * 2
    earlier = scores.where(scores.from_earlier_eval)
    assert len(earlier) == 5 and earlier.balance == (0, 0)
    assert scores.balance == (4, 2)


RIGHT, MISSED, INVENTED, NOTHING = (1, 1, 1), (0, 0, 1), (0, 1, 0), (0, 0, 0)


def test_a_group_that_shares_its_rows_with_another_is_worse_though_the_other_gains_as_much() -> None:
    both = labelled_spans(*[{"city": (RIGHT, MISSED), "person": (MISSED, RIGHT)}] * 20)
    assert both.balance == (0, 0)
    assert worse_groups(both, 20, 0.05) == (["city"], 2, 0)


def test_a_row_is_tested_for_each_group_that_it_belongs_to_and_for_no_other() -> None:
    rows_of_both = [{"city": (RIGHT, MISSED), "person": (RIGHT, RIGHT)}] * 12
    assert worse_groups(labelled_spans(*rows_of_both, *[{"person": (RIGHT, RIGHT)}] * 8), 5, 0.05).tested == 2
    assert worse_groups(labelled_spans(*rows_of_both, *[{"city": (RIGHT, MISSED)}] * 8), 5, 0.05) == (["city"], 2, 0)


def test_answers_where_there_is_nothing_make_a_group_worse() -> None:
    assert worse_groups(labelled_spans(*[{"city": (NOTHING, INVENTED)}] * 20), 20, 0.05) == (["city"], 1, 0)


def test_a_group_that_the_champion_cannot_know_is_not_tested_and_does_not_hide_another_of_its_rows() -> None:
    rows_of_both = [{"city": (RIGHT, MISSED), "new": (MISSED, RIGHT)}] * 20
    assert worse_groups(labelled_spans(*rows_of_both, unknown=["new"]), 20, 0.05) == (["city"], 1, 0)
