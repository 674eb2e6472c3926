"""Declining as training calibrates it, with packaged outliers and without, on a tiny real model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

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


def test_a_version_that_training_goes_on_from_keeps_its_threshold_and_fits_its_direction_anew(
    few: tuple[FineTuning, FineTuningReport], tmp_path: Path
) -> None:
    work, _ = few
    before = TunedModel.load(work.folder)
    card = before.card
    version = FromVersion(work.folder, "tiny", before.task, card.max_length, card.pad_id, "fp32")
    replace(work, source=version, folder=tmp_path / "next", state=tmp_path / "state").run(QUIET)
    after = TunedModel.load(tmp_path / "next")
    assert after.task.threshold == before.task.threshold
    assert before.task.detector is not None and after.task.detector is not None
    assert after.task.detector.weight == before.task.detector.weight
    assert declined(after, [outlier.text for outlier in OUTLIERS]) > 0.7


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
