from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from math import comb
from random import Random

import numpy as np
import pytest

from autogen.config.project import GateSettings
from autogen.versions.comparison import PairedScores, compare, rows_needed
from autogen.versions.gate import Batch, CandidateFigures, judge
from autogen.versions.off_policy import Estimate, ExpectedClicks
from autogen.versions.scores import Scores
from autogen.versions.verdict import (
    Check,
    Verdict,
    add_expected_clicks,
    combine_verdicts,
    mark_of,
    reject_incomparable,
)
from tests.versions.pairs import Row, gains, labelled_spans, new_label_rows, paired, rows

OWN, STRANGERS = Batch(), Batch(strangers=1)
ALIKE = CandidateFigures(latency_ratio=1.0, size_ratio=1.0, parity=1e-5)
SETTINGS = GateSettings()


def protected(right: int, wrong: int) -> Scores:
    """The candidate's scores of protected rows."""
    return paired(rows("a", right=right, lost=wrong)).candidate


def verdict(
    *row_list: list[Row],
    protected: Sequence[Scores] = (),
    figures: CandidateFigures = ALIKE,
    settings: GateSettings = SETTINGS,
    batch: Batch = OWN,
) -> Verdict:
    return judge([paired([row for group in row_list for row in group])], protected, figures, settings, batch)


def ranking(was: list[float], now: list[float], *more_rows: Row, figures: CandidateFigures = ALIKE) -> Verdict:
    """The verdict on rankings that strangers clicked: NDCG@10 of each query, by champion and by candidate."""
    return judge([paired([*gains(was, now), *more_rows], "mean", "ndcg_at_10")], (), figures, SETTINGS, STRANGERS)


def failed(result: Verdict) -> list[str]:
    assert result.passed is not any(not check.passed for check in result.checks)
    return [check.name for check in result.checks if not check.passed]


def check(result: Verdict, name: str) -> Check:
    return next(item for item in result.checks if item.name == name)


def test_a_better_candidate_is_accepted_and_every_check_is_reported() -> None:
    result = verdict(rows("a", right=280, gained=15, lost=1), rows("b", right=100))
    assert failed(result) == []
    assert result.summary == "Accepted: right on 99.7% of 396 rows, champion 96.2%."
    assert result.rows == 396 and len({item.name for item in result.checks}) == len(result.checks) >= 9
    assert all(item.finding for item in result.checks)


def test_too_few_rows_are_said_to_be_and_are_a_no() -> None:
    result = verdict(rows("a", right=30, gained=10))
    assert "enough rows" in failed(result)
    assert "too few rows for a verdict (40 of 50): 10 more eval rows are needed" in result.summary
    even = verdict(rows("a", right=38, gained=1, lost=1))
    assert "too few rows to tell" not in even.summary, "how many thousands would tell says nothing here"
    assert failed(verdict()) and "enough rows" in failed(verdict())


def test_a_candidate_that_is_the_same_is_better_at_nothing() -> None:
    result = verdict(rows("a", right=5000, wrong=100))
    assert failed(result) == ["better at something"] and "better at nothing" in result.summary


def test_changed_answers_are_something_where_the_rest_is_not_inferior() -> None:
    changed = replace(ALIKE, answers_changed=("clarify_text", "responses"))
    result = verdict(rows("a", right=5000, wrong=100), figures=changed)
    assert result.passed
    assert check(result, "better at something").finding == "better: answers changed: clarify_text, responses"
    assert not verdict(rows("a", right=370, gained=5, lost=25), figures=changed).passed


def test_the_same_model_is_not_inferior_on_few_rows_either_but_too_few_stay_a_no() -> None:
    same = replace(ALIKE, same_model=True, answers_changed=("responses",))
    assert verdict(rows("a", right=60), figures=same).passed
    assert failed(verdict(rows("a", right=60), figures=replace(ALIKE, same_model=True))) == ["better at something"]
    few = verdict(rows("a", right=12), figures=same)
    assert failed(few) == ["enough rows"] and "too few rows" in few.summary and "38 more" in few.summary


def test_where_more_rows_could_tell_their_number_is_said() -> None:
    fixed = GateSettings(margin=0.005)
    result = verdict(rows("a", right=100, gained=1), settings=fixed)
    needed = rows_needed(compare(paired(rows("a", right=100)), 0.95), 0.95, lambda _: 0.005)
    assert needed == pytest.approx(327, rel=0.02)  # 1.645 / 0.005 - 2
    assert "too few rows to tell: about" in check(result, "not inferior, overall").finding
    worse = verdict(rows("a", right=370, gained=5, lost=25))
    assert "too few rows" not in check(worse, "not inferior, overall").finding


def test_a_worse_candidate_is_rejected_with_the_figures() -> None:
    result = verdict(rows("a", right=370, gained=5, lost=25))
    assert {"not inferior, overall", "not inferior, held out before", "no label worse"} <= set(failed(result))
    assert "overall: 93.8% against 98.8% on 400 rows (5 gained, 25 lost)" in result.summary


def test_the_margin_decides_between_a_loss_that_may_be_and_one_that_may_not() -> None:
    row_list = rows("a", right=2000, gained=3, lost=4) + rows("oos", right=10, gained=2)
    assert compare(paired(row_list), 0.95).lower == pytest.approx(-0.0022, abs=5e-4)
    assert failed(verdict(row_list)) == []
    assert "not inferior, overall" in failed(verdict(row_list, settings=GateSettings(margin=0.001)))


def test_a_poisoned_batch_cannot_vote_for_itself() -> None:
    batch = rows("a", gained=120, from_earlier_eval=False)
    before = rows("a", right=90, lost=10)
    result = verdict(before, batch, batch=STRANGERS)
    assert check(result, "not inferior, overall").passed and check(result, "better at something").passed
    assert failed(result) == ["not inferior, held out before"]


def test_a_strangers_batch_without_rows_held_out_before_is_a_no() -> None:
    new_rows = rows("a", right=100, gained=50, from_earlier_eval=False)
    assert failed(verdict(new_rows, batch=STRANGERS)) == ["not inferior, held out before"]


def test_a_label_that_got_worse_is_named_though_the_whole_got_better() -> None:
    result = verdict(rows("a", right=400, gained=60), rows("b", right=20, lost=10), rows("c", right=50, lost=1))
    assert failed(result) == ["no label worse"]
    assert check(result, "no label worse").finding == "significantly worse at b"


@pytest.mark.parametrize(("gained", "lost"), list(product(range(4), range(9))))
def test_a_label_is_worse_exactly_when_the_binomial_test_says_so(gained: int, lost: int) -> None:
    changed = gained + lost
    chance = sum(comb(changed, k) for k in range(lost, changed + 1)) / 2**changed
    result = verdict(rows("a", right=30, gained=gained, lost=lost), rows("b", right=2000, gained=50))
    assert check(result, "no label worse").passed is (chance > 0.05 / 2)


def test_labels_with_few_rows_are_tested_by_themselves_or_together() -> None:
    many = rows("a", right=3100)
    assert check(verdict(many, rows("b", lost=5)), "no label worse").finding == "significantly worse at b"
    two = verdict(many, rows("b", right=1, lost=3), rows("c", right=1, lost=3))
    assert "the 2 labels with fewer than 5 rows, taken together" in check(two, "no label worse").finding
    alone = check(verdict(many, rows("b", lost=4)), "no label worse")
    assert alone.passed and alone.figures == {"tested": 1, "worse": 0, "pooled": 1}


def test_many_labels_without_a_difference_are_seldom_called_worse() -> None:
    chance = Random(0)
    called = 0
    for _ in range(100):
        row_list = []
        for label in range(30):
            gained = sum(chance.random() < 0.5 for _ in range(8))
            row_list += rows(str(label), right=20, gained=gained, lost=8 - gained)
        called += not check(verdict(row_list), "no label worse").passed
    assert called <= 10


def test_a_new_label_that_is_learnt_is_an_improvement() -> None:
    old = rows("a", right=2000)
    assert failed(verdict(old, new_label_rows("refund", 4, 1))) == []
    assert "new labels (refund)" in check(verdict(old, new_label_rows("refund", 4, 1)), "better at something").finding
    assert check(verdict(old, new_label_rows("refund", 3, 0)), "better at something").passed


def test_a_new_label_beside_others_in_its_rows_is_learnt_where_its_own_spans_are_right() -> None:
    right, missed = (1.0, 1.0, 1.0), (0.0, 0.0, 1.0)
    learnt = [{"city": (right, missed), "new": (missed, right)}] * 3
    known = [{"city": (right, right)}] * 2000
    found = judge([labelled_spans(*known, *learnt, unknown=["new"])], (), ALIKE, SETTINGS)
    assert "new labels (new)" in check(found, "better at something").finding
    missing = [{"city": (right, right), "new": (missed, missed)}] * 3
    found = judge([labelled_spans(*known, *missing, unknown=["new"])], (), ALIKE, SETTINGS)
    assert not check(found, "better at something").passed


def test_a_label_that_got_worse_within_rows_is_named_though_another_got_better() -> None:
    right, missed = (1.0, 1.0, 1.0), (0.0, 0.0, 1.0)
    mixed = [{"city": (right, missed), "person": (missed, right)}] * 20
    found = judge([labelled_spans(*[{"person": (right, right)}] * 2000, *mixed)], (), ALIKE, SETTINGS)
    assert check(found, "no label worse").finding == "significantly worse at city"


def test_a_new_label_that_is_not_learnt_is_none() -> None:
    result = verdict(rows("a", right=2000, lost=2), new_label_rows("refund", 1, 9))
    assert "better at something" in failed(result)


def test_better_out_of_scope_is_better_at_something() -> None:
    result = verdict(rows("a", right=2000, lost=3), rows("oos", right=20, gained=2))
    assert failed(result) == []
    assert "out of scope (2 rows gained, 0 lost)" in check(result, "better at something").finding


def test_a_batch_like_a_small_project_s_is_accepted() -> None:
    """18 intents of 20 rows, then 973 right corrections: 42 rows gained and 9 lost, 4 and 3 of those held out before;
    half a point would have taken some thousand rows."""
    earlier = rows("a", right=82, wrong=1, gained=4, lost=3)
    own = rows("a", right=159, wrong=1, gained=38, lost=6, from_earlier_eval=False)
    result = verdict(earlier, own)
    assert failed(result) == [] and result.rows == 294
    half_a_point = verdict(earlier, own, settings=GateSettings(margin=0.005))
    assert failed(half_a_point) == ["not inferior, held out before"]


def test_the_margin_is_what_the_rows_can_resolve_and_is_said() -> None:
    result = verdict(rows("a", right=950, gained=26, lost=24))
    finding = check(result, "not inferior, overall")
    assert finding.figures["margin"] == pytest.approx(0.02)
    assert "within the margin of -2.00% that 1000 rows can resolve" in finding.finding
    fixed = verdict(rows("a", right=950, gained=26, lost=24), settings=GateSettings(margin=0.005))
    assert "beyond the margin of -0.50%" in fixed.summary and "can resolve" not in fixed.summary


def test_a_new_label_does_not_pay_for_a_loss_that_the_rows_show() -> None:
    """Six rows lost of 400, none gained: within 3 points at worst, but no chance."""
    learnt = new_label_rows("refund", 1, 0) * 3
    result = verdict(rows("a", right=390, lost=6), [replace(row, now=(0.0, 1.0), was=(0.0, 1.0)) for row in learnt])
    assert {"not inferior, overall", "not inferior, held out before"} <= set(failed(result))
    assert "but shown to be worse" in check(result, "not inferior, overall").finding


@pytest.mark.parametrize("held_out", [[], rows("a", right=60, gained=2, lost=3)], ids=["none", "a few"])
def test_the_owner_s_rows_count_where_strangers_must_be_shown_to_do_no_harm(held_out: list[Row]) -> None:
    own = rows("a", right=240, gained=40, lost=2, from_earlier_eval=False)
    assert failed(verdict(held_out, own)) == []
    assert failed(verdict(held_out, own, batch=STRANGERS)) == ["not inferior, held out before"]
    fitted = Batch(strangers=1, cross_fitted=paired(rows("a", right=300, gained=20, lost=4)))
    assert failed(verdict(held_out, own, batch=fitted)) == []


def test_the_owner_s_batch_is_refused_where_rows_held_out_before_show_harm() -> None:
    result = verdict(rows("a", right=80, lost=10), rows("a", gained=60, from_earlier_eval=False))
    assert failed(result) == ["not inferior, held out before"]
    assert "shown to be worse" in result.summary


def test_a_batch_that_spoils_older_rows_is_refused_by_what_was_cross_fitted() -> None:
    better = rows("a", right=200, gained=20)
    spoilt = paired(rows("", right=375, gained=2, lost=23))
    result = verdict(better, batch=Batch(cross_fitted=spoilt))
    assert failed(result) == ["not inferior, cross-fitted"]
    assert "older rows, by quick models learnt with the batch and without it: 94.2% against 99.5%" in result.summary
    one_label = paired([*rows("a", right=8, lost=12), *rows("b", right=400, gained=12)])
    result = verdict(better, batch=Batch(cross_fitted=one_label))
    assert failed(result) == ["no label worse, cross-fitted"] and "significantly worse at a" in result.summary
    same = replace(ALIKE, same_model=True, answers_changed=("responses",))
    assert verdict(better, figures=same, batch=Batch(cross_fitted=spoilt)).passed


def test_a_second_verdict_on_the_same_rows_asks_for_more() -> None:
    row_list = rows("a", right=440, gained=31, lost=29)
    assert verdict(row_list).passed
    second = verdict(row_list, batch=Batch(look=2))
    assert failed(second) == ["not inferior, overall"]
    counted = check(second, "enough rows")
    assert "asked at 99.2% confidence, for it is verdict 2 on these rows" in counted.finding
    assert counted.figures["look"] == 2 and counted.figures["confidence"] == pytest.approx(0.99240, abs=1e-5)


def test_a_check_that_had_nothing_to_test_says_so_and_is_no_tick() -> None:
    result = verdict(rows("", right=300, gained=20, from_earlier_eval=False))
    untested = {item.name: item.finding for item in result.checks if not item.tested}
    assert result.passed and untested == {
        "not inferior, held out before": "no rows held out before; the batch is the owner's own",
        "no label worse": "no label had rows enough to test",
        "protected rows": "no protected rows",
    }
    marks = {check["name"]: mark_of(check) for check in result.to_json()["checks"]}
    assert marks["protected rows"] == "–" and marks["latency"] == "✓"
    assert mark_of({"passed": True}) == "✓", "a version of before does not say whether a check was tested"


def test_one_protected_row_that_is_wrong_is_a_no_and_protected_rows_count_for_nothing_else() -> None:
    better = rows("a", right=300, gained=20)
    assert failed(verdict(better, protected=[protected(5, 0)])) == []
    result = verdict(better, protected=[protected(4, 1)])
    assert failed(result) == ["protected rows"] and "1 of 5 protected rows wrong" in result.summary
    assert result.rows == 320
    assert "enough rows" in failed(verdict(protected=[protected(500, 0)]))


@pytest.mark.parametrize(
    ("figures", "name"),
    [
        (CandidateFigures(1.25, 1.0, 0.0), "latency"),
        (CandidateFigures(1.0, 1.25, 0.0), "size"),
        (CandidateFigures(1.2, 1.2, 0.0), None),
    ],
)
def test_a_candidate_may_be_a_fifth_slower_and_larger_and_no_more(figures: CandidateFigures, name: str | None) -> None:
    result = verdict(rows("a", right=300, gained=20), figures=figures)
    assert failed(result) == ([name] if name else [])


def test_a_verdict_can_be_written_as_json() -> None:
    for result in (verdict(rows("a", right=300, gained=20)), verdict(), reject_incomparable("no model for it")):
        values = json.loads(json.dumps(result.to_json(), allow_nan=False))
        assert (values["passed"], values["summary"]) == (result.passed, result.summary)
        assert len(values["checks"]) == len(result.checks)


def test_what_cannot_be_compared_is_rejected_for_that_reason() -> None:
    result = reject_incomparable("the champion has no model for it")
    assert not result.passed and result.summary == "Rejected: the champion has no model for it."


def expected(candidate: float, champion: float, clicks: int = 40) -> ExpectedClicks:
    """Clicks per answer of both, told from so many clicks."""
    estimates = [
        Estimate(value, (value - 0.1, value + 0.1), value, (0.0, 1.0), 200, 90, clicks, 80.0, 1.0, 0, 1000.0)
        for value in (candidate, champion)
    ]
    return ExpectedClicks(
        estimates[0], estimates[1], (candidate - champion, (candidate - champion - 0.05, candidate - champion + 0.05))
    )


def test_a_ranking_is_judged_by_its_gains_in_pairs() -> None:
    better = ranking([0.5] * 100, [0.6] * 90 + [0.4] * 10)
    assert better.passed and "ndcg_at_10 0.5800 against 0.5000 on 100 queries" in better.summary
    assert failed(ranking([0.5] * 100, [0.4] * 100)) == [
        "not inferior, overall",
        "not inferior, held out before",
        "better at something",
    ]
    few = ranking([0.5] * 10, [0.6] * 10)
    assert failed(few) == ["enough rows"] and "too few queries for a verdict (10 of 50)" in few.summary


def test_a_ranking_is_asked_all_that_other_tasks_are() -> None:
    names = [item.name for item in ranking([0.5] * 100, [0.6] * 100).checks]
    assert names == [item.name.replace("label", "group") for item in verdict(rows("a", right=100)).checks]


def test_a_poisoned_batch_of_clicks_cannot_vote_for_itself() -> None:
    result = ranking([0.5] * 100, [0.4] * 100, *gains([0.0] * 100, [1.0] * 100, from_earlier_eval=False))
    assert check(result, "not inferior, overall").passed and check(result, "better at something").passed
    assert failed(result) == ["not inferior, held out before"]
    assert "held out before: ndcg_at_10 0.4000 against 0.5000 on 100 queries" in result.summary
    unheld_rows = gains([0.5] * 60, [1.0] * 60, from_earlier_eval=False)
    unheld = judge([paired(unheld_rows, "mean")], (), ALIKE, SETTINGS, STRANGERS)
    assert failed(unheld) == ["not inferior, held out before"] and "no rows held out before" in unheld.summary


def test_every_score_of_a_need_is_judged_and_one_must_be_better() -> None:
    even, worse = paired(rows("a", right=400)), paired(rows("a", right=370, lost=30), metric="recall")
    assert failed(judge([even, even], (), ALIKE, SETTINGS)) == ["better at something"]
    better = paired([Row("a", (1, 2, 2), (2, 2, 2)) for _ in range(100)], "ratio", "entity_f1")
    result = judge([even, better], (), ALIKE, SETTINGS)
    assert result.passed and "better: entity_f1 by +0.5000" in [item.finding for item in result.checks]
    assert len({item.name for item in result.checks}) == len(result.checks)
    assert {"not inferior, overall, recall", "no label worse, recall"} <= set(
        failed(judge([even, worse], (), ALIKE, SETTINGS))
    )


def test_expected_clicks_are_said_and_decide_nothing() -> None:
    """However good they look, what the test in pairs refuses stays refused; and the other way round."""
    refused = ranking([0.5] * 100, [0.4] * 100)
    accepted = ranking([0.5] * 100, [0.6] * 100)
    for base, clicks in ((refused, expected(0.9, 0.1)), (accepted, expected(0.1, 0.9))):
        combined = add_expected_clicks(base, "films", clicks)
        assert (combined.passed, combined.checks, combined.rows) == (base.passed, base.checks, base.rows)
        assert combined.summary == f"{base.summary} {clicks.summary}"
        assert json.loads(json.dumps(combined.to_json()))["off_policy"]["films"]["candidate"]["answers"] == 200
    assert expected(0.9, 0.1).summary == (
        "Off-policy, clicks per answer: 0.900 (95 % 0.800–1.000), champion 0.100 (95 % 0.000–0.200), difference +0.800 "
        "(+0.750 to +0.850), on 200 answers; it decides nothing."
    )
    assert "off_policy" not in refused.to_json()


def test_too_few_clicks_of_either_are_said_in_the_place_of_numbers() -> None:
    few = expected(0.9, 0.1, clicks=3)
    assert few.summary == "Off-policy, clicks per answer: too few clicks to tell (3 of 20 needed, in 200 answers)."
    assert "difference" not in few.to_json() and "clicks_per_answer" not in few.to_json()["candidate"]


def test_of_several_skills_the_expected_clicks_of_each_are_said_once() -> None:
    better = verdict(rows("a", right=400, gained=30))
    for films in (
        ranking([0.5] * 100, [0.6] * 100),
        ranking([0.5] * 100, [0.5] * 100),
        ranking([0.5] * 100, [0.4] * 100),
    ):
        combined = combine_verdicts({"cards": better, "films": add_expected_clicks(films, "films", expected(0.5, 0.4))})
        assert combined.passed is combine_verdicts({"cards": better, "films": films}).passed
        assert combined.summary.count("Off-policy") == 1
        assert [*combined.to_json()["off_policy"]] == ["films"]


def test_of_several_skills_one_must_be_better_and_none_worse() -> None:
    same, better, worse = (verdict(rows("a", right=400, **kind)) for kind in ({}, {"gained": 30}, {"lost": 30}))
    assert not same.passed and better.passed and not worse.passed
    accepted = combine_verdicts({"cards": same, "loans": better})
    assert accepted.passed and accepted.rows == same.rows + better.rows
    assert {check.name.partition(":")[0] for check in accepted.checks} == {"cards", "loans"}
    assert not combine_verdicts({"cards": same, "loans": same}).passed
    rejected = combine_verdicts({"cards": better, "loans": worse})
    assert not rejected.passed and "loans: " in rejected.summary and "cards: " not in rejected.summary
    assert combine_verdicts({"cards": same}, ["loans"]).passed  # a new skill is something
    assert not combine_verdicts({"cards": worse}, ["loans"]).passed


def test_a_label_that_draws_older_rows_of_many_others_is_named_though_gains_pay_for_the_losses() -> None:
    """Each of eleven other labels loses one row to it, and as many are gained elsewhere."""
    count = 120
    was, now = np.ones(count, bool), np.ones(count, bool)
    now[:11], was[12:23] = False, False
    groups = [f"label {at % 12}" for at in range(count)]

    def scores(right: np.ndarray) -> Scores:
        nothing = np.zeros(count, bool)
        return Scores(
            *("accuracy", "share", tuple(map(str, range(count)))),
            counts=np.stack([right, np.ones(count)], axis=1).astype(np.float64),
            right=right,
            groups=tuple(groups),
            beyond=nothing,
            from_feedback=nothing,
            taken_for=tuple(
                "" if is_right else "label 11" if at < 11 else f"label {(at + 1) % 12}"
                for at, is_right in enumerate(right)
            ),
        )

    both = PairedScores(scores(was), scores(now), np.ones(count, bool))
    result = judge([both], (), ALIKE, GateSettings(), Batch(cross_fitted=both))
    drawn = check(result, "no label worse, cross-fitted")
    assert not drawn.passed and drawn.tested
    assert drawn.finding.endswith("significantly more rows are wrongly taken for label 11")
    even = PairedScores(scores(was), scores(was), np.ones(count, bool))
    assert check(
        judge([even], (), ALIKE, GateSettings(), Batch(cross_fitted=even)), "no label worse, cross-fitted"
    ).passed
