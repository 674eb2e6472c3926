"""Declining as training calibrates it, with packaged outliers and without, on a tiny real model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from autogen.tasks.text_classification.decoding import TextClassification
from autogen.tasks.text_classification.learning.fine_tune import FineTuning, FineTuningReport
from autogen.tasks.text_classification.learning.sources import FromBaseModel, FromVersion
from autogen.tasks.text_classification.model import TunedModel
from autogen.tasks.text_classification.outliers.packaged import Outlier
from autogen.tasks.text_classification.rows import LabelledText
from tests.tasks.text_classification.learning.test_fine_tune import job
from tests.tiny import FILLERS, OUTSIDE
from tests.training.conftest import QUIET, examples

OUTLIERS = [Outlier(f"{FILLERS[at % 21]} {FILLERS[at % 5]} {word}", word, "en") for word in OUTSIDE for at in range(8)]
NONSENSE = [f"{word} {filler} the" for word in ("refund", "returned", "payback") for filler in FILLERS[:10]]


def declined(model: TunedModel, texts: Sequence[str]) -> float:
    return sum(not prediction.in_scope for prediction in model.predict(texts)) / len(texts)


@pytest.fixture(scope="module")
def few(source: FromBaseModel, tmp_path_factory: pytest.TempPathFactory) -> tuple[FineTuning, FineTuningReport]:
    work = replace(job(tmp_path_factory.mktemp("few"), source, examples(12, seed=1)), outliers=OUTLIERS)
    return work, work.run(QUIET)


def test_few_rows_without_oos_are_calibrated_with_outliers_whose_kind_was_not_learnt(
    few: tuple[FineTuning, FineTuningReport],
) -> None:
    work, report = few
    assert report.rejection is not None and report.cross_validated
    assert (report.rejection.own, report.rejection.packaged + report.rejection.alike) == (0, len(OUTLIERS))
    assert f"no `oos` rows; calibrated with {report.rejection.packaged} packaged outliers" in str(report.rejection)
    model = TunedModel.load(work.folder)
    assert model.task.detector is not None and model.task.threshold is not None
    assert "oos_recall" not in report.metrics  # packaged outliers are no rows of the project
    assert declined(model, [outlier.text for outlier in OUTLIERS]) > 0.8
    assert declined(model, [row.text for row in work.train]) < 0.1


def go_on(work: FineTuning, folder: Path) -> tuple[TextClassification, TunedModel]:
    """A version's task, and the model of one that training went on to from it."""
    before = TunedModel.load(work.folder)
    card = before.card
    version = FromVersion(work.folder, "tiny", before.task, card.max_length, card.pad_id, "fp32")
    replace(work, source=version, folder=folder / "next", state=folder / "state").run(QUIET)
    return before.task, TunedModel.load(folder / "next")


def test_the_threshold_of_a_version_that_training_goes_on_from_moves_with_the_outliers_scores(
    few: tuple[FineTuning, FineTuningReport], tmp_path: Path
) -> None:
    before, after = go_on(few[0], tmp_path)
    first, second = before.detector, after.task.detector
    assert first is not None and second is not None and before.threshold is not None
    assert second.weight == first.weight
    above = (before.threshold - first.outlier_mean) / first.outlier_spread
    assert after.task.threshold == pytest.approx(second.outlier_mean + above * second.outlier_spread)
    assert declined(after, [outlier.text for outlier in OUTLIERS]) > 0.7
    assert declined(after, [row.text for row in examples(8, seed=9)]) < 0.2, "in scope is answered as before"


def test_what_looked_like_the_intents_stays_no_outlier_for_what_is_learnt_later(
    source: FromBaseModel, tmp_path: Path
) -> None:
    """Its fingerprints go on from version to version: a model that has seen every row cannot tell it again."""
    alike = [Outlier(row.text, "their own", "en") for row in examples(3, seed=7)]
    work = replace(job(tmp_path, source, examples(12, seed=1)), outliers=[*OUTLIERS, *alike])
    report = work.run(QUIET)
    assert report.rejection is not None and report.rejection.alike > 0
    before, after = go_on(work, tmp_path)
    assert before.detector is not None and after.task.detector is not None
    assert len(before.detector.alike) == report.rejection.alike
    assert after.task.detector.alike == before.detector.alike


def test_eval_rows_that_are_all_out_of_scope_set_no_threshold(source: FromBaseModel, tmp_path: Path) -> None:
    outside = [LabelledText(text, "oos") for text in NONSENSE[:6]]
    work = replace(job(tmp_path, source, examples(12, seed=1)), held_out=outside, outliers=OUTLIERS)
    assert work.run(QUIET).rejection is not None
    assert TunedModel.load(work.folder).task.threshold is None


def test_own_oos_rows_that_are_learnt_do_not_lower_the_threshold_beneath_other_nonsense(
    source: FromBaseModel, tmp_path: Path
) -> None:
    """Rows of one kind are learnt and score very low; what else is nonsense does not."""
    own = [LabelledText(f"{filler} dinosaur {other}", "oos") for filler in FILLERS for other in ("the", "is", "a")]
    work = replace(job(tmp_path, source, [*examples(12, seed=1), *own]), outliers=OUTLIERS)
    report = work.run(QUIET)
    assert report.rejection is not None and report.rejection.own > 0
    assert report.metrics["oos_recall"] > 0.9
    assert declined(TunedModel.load(work.folder), NONSENSE) > 0.5


def test_with_eval_rows_declining_costs_no_more_than_it_may(source: FromBaseModel, tmp_path: Path) -> None:
    work = replace(job(tmp_path, source, examples(20, seed=1), examples(25, seed=2)), outliers=OUTLIERS)
    report = work.run(QUIET)
    assert report.metrics["accuracy"] - report.metrics["in_scope_accuracy"] <= 0.01 + 1e-9
    assert report.rejection is not None and report.rejection.declined > 0.5
    model = TunedModel.load(work.folder)
    labels = [row.label for row in work.held_out]
    predictions = model.predict([row.text for row in work.held_out])
    assert model.task.metrics(predictions, labels) == pytest.approx(report.metrics)
