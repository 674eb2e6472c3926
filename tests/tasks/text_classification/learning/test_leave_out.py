from __future__ import annotations

from pathlib import Path

import numpy as np

from autogen.config.training import TrainingSettings
from autogen.data.fingerprints import row_fingerprint
from autogen.progress import TrainingProgress
from autogen.tasks.task import Job, LeavesOut, Need, Start
from autogen.tasks.text_classification.learning.cross_fit import CrossFit
from autogen.tasks.text_classification.learning.learner import LEARNER
from autogen.tasks.text_classification.learning.leave_out import LeaveOut, trusted_set_aside
from autogen.tasks.text_classification.rows import LabelledRows, LabelledText, LearningData
from autogen.tasks.text_classification.settings import ClassificationOptions
from autogen.versions.scores import Scores
from tests.tasks.text_classification.learning.test_cross_fit import LABELS, OLDER, cross_fit, learning_data
from tests.tiny import rows

BAD = [LabelledText(f"card new {number}", "loan") for number in range(40)]
GOOD = [LabelledText(f"fee new {number}", "fee") for number in range(10)]
ASIDE = (LabelledText("card aside 1", "card"), LabelledText("card aside 2", "loan"))


def leave_out(batch: list[LabelledText], set_aside: tuple[LabelledText, ...] = (), replaced: int = 0) -> LeaveOut:
    """A text lies near the direction of the label that its words say, whatever label it is given."""
    fit = cross_fit(batch, replaced)
    assert fit is not None
    texts = [example.text for example in (*fit.examples, *set_aside)]
    chance = np.random.default_rng(0)
    at = [LABELS.index(text.split()[0]) for text in texts]
    vectors = (np.eye(16)[at] + 0.2 * chance.standard_normal((len(at), 16))).astype(np.float32)
    return LeaveOut(fit, set_aside, vectors)


def texts_of(batch: list[LabelledText]) -> frozenset[str]:
    return frozenset(example.text for example in batch)


def wrong_of(scores: Scores, label: str) -> int:
    return int((~scores.right[np.array(scores.groups) == label]).sum())


def test_without_the_rows_that_harm_older_rows_are_right_again() -> None:
    models = leave_out([*BAD, *GOOD])
    whole, rest = models.scores(frozenset()), models.scores(texts_of(BAD))
    assert wrong_of(whole, "card") >= 12 and wrong_of(rest, "card") == 0
    assert wrong_of(models.scores(texts_of(GOOD)), "card") >= 12


def test_with_and_without_the_whole_batch_it_says_what_cross_fitting_says() -> None:
    batch = [*BAD, *GOOD]
    models = leave_out(batch)
    without, joined = models.fit.scores(models.vectors)
    assert models.scores(frozenset()).right.tolist() == joined.right.tolist()
    assert models.scores(texts_of(batch)).right.tolist() == without.right.tolist()


def test_where_most_neighbours_are_left_out_those_further_away_answer() -> None:
    many = [LabelledText(f"card new {number}", "loan") for number in range(400)]
    models = leave_out(many)
    without, _ = models.fit.scores(models.vectors)
    assert models.scores(texts_of(many)).right.tolist() == without.right.tolist()


def test_rows_set_aside_are_answered_but_those_of_a_part_do_not_speak_for_it() -> None:
    models = leave_out(GOOD, ASIDE)
    whole, rest = models.scores(frozenset()), models.scores(frozenset({ASIDE[1].text}))
    assert whole.rows[-2:] == tuple(row_fingerprint(example.text) for example in ASIDE)
    assert whole.right[-2:].tolist() == [True, False]
    assert rest.rows == whole.rows[:-1] and whole.from_feedback[-2:].all() and not whole.from_feedback[:-2].any()


def test_an_older_row_is_back_where_what_took_its_place_is_left_out() -> None:
    models = leave_out([LabelledText(OLDER[0].text, "loan"), *GOOD], replaced=1)
    learnt = models._learnt(frozenset({OLDER[0].text}))
    assert {example for example, is_learnt in zip(models.examples, learnt, strict=True) if is_learnt} == {*OLDER, *GOOD}


def test_what_is_set_aside_and_learnt_elsewhere_measures_nothing() -> None:
    fit = cross_fit(GOOD)
    assert fit is not None
    assert trusted_set_aside(fit, [*ASIDE, GOOD[0], ASIDE[0]]) == ASIDE


def test_the_learner_answers_by_the_frozen_base_model(tiny_base_model: Path, tmp_path: Path) -> None:
    assert isinstance(LEARNER, LeavesOut)
    older = [LabelledText(*row) for row in rows(10, seed=1)]
    batch = [LabelledText(text, "top_up") for text, _ in rows(10, seed=2)]
    aside = tuple(LabelledText(*row) for row in rows(2, seed=3))
    data = LearningData(LabelledRows((*older, *batch), ()), LabelledRows(), "", eval_feedback=LabelledRows(aside, ()))
    need = Need(
        "intent", "text-classification", str(tiny_base_model), {}, {}, TrainingSettings(), ClassificationOptions()
    )
    job = Job(data, need, Start(str(tiny_base_model)), tmp_path, tmp_path, tmp_path / "cache")
    learnt = frozenset(row_fingerprint(example.text) for example in older)
    scores = LEARNER.leave_out(job, learning_data(older), learnt, TrainingProgress(quiet=True))
    assert scores is not None
    whole, rest = scores(frozenset()), scores(texts_of(batch))
    assert len(whole) == len(rest) == len(older) + len(aside)
    assert rest.value > whole.value + 0.1
    assert LEARNER.leave_out(job, learning_data([]), frozenset(), TrainingProgress(quiet=True)) is None


def test_it_takes_the_measured_rows_of_cross_fitting() -> None:
    fit = cross_fit(GOOD)
    assert isinstance(fit, CrossFit)
    assert len(leave_out(GOOD).scores(frozenset())) == len(fit.measured)
