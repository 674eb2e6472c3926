from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autogen.config.training import TrainingSettings
from autogen.runtime.encoding import TextEncoder
from autogen.tasks.text_classification.decoding import TextClassification
from autogen.tasks.text_classification.learning.classifier import Classifier
from autogen.tasks.text_classification.learning.fine_tune import FineTuning, classifier_fit
from autogen.tasks.text_classification.learning.propagation import propagate
from autogen.tasks.text_classification.learning.sources import FromBaseModel
from autogen.tasks.text_classification.learning.unlabelled import CROWD, SelfTraining
from autogen.tasks.text_classification.model import TunedModel
from autogen.tasks.text_classification.rows import LabelledText
from autogen.training.encoder_fit import Stage
from tests.tiny import OUTSIDE, sentence
from tests.training.conftest import LABELS, QUIET, examples

FEW, HELD_OUT = examples(4, seed=1), examples(15, seed=2)
LOGS = [row.text for row in examples(30, seed=3)]
FAST = {"epochs": 8, "learning_rate": 5e-3, "freeze_embeddings": False, "precision": "fp32", "int8": False}


def job(
    tmp_path: Path, source: FromBaseModel, texts: Sequence[str], held_out: Sequence[LabelledText] = ()
) -> FineTuning:
    settings = TrainingSettings.model_validate(FAST)
    folders = tmp_path / "model", tmp_path / "state"
    return FineTuning(FEW, held_out, settings, source, *folders, unlabelled=texts)


def test_labels_spread_along_neighbours_and_not_across_a_gap() -> None:
    angles = np.concatenate([np.linspace(0, 1, 20), np.linspace(2, 3, 20)])
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    shares = propagate(points[[0, 39]], np.array([0, 1]), points, 2)
    assert shares.shape == (40, 2) and np.allclose(shares.sum(axis=1), 1)
    assert (shares.argmax(axis=1) == np.repeat([0, 1], 20)).all()


def test_texts_are_learnt_when_held_out_rows_are_answered_better(source: FromBaseModel, tmp_path: Path) -> None:
    work = job(tmp_path, source, LOGS, HELD_OUT)
    report = work.run(QUIET)
    outcome = report.unlabelled
    assert outcome is not None and (outcome.texts, outcome.measured) == (len(LOGS), len(HELD_OUT))
    assert outcome.used == (outcome.gain > 0) == bool(report.pseudo_labelled)
    assert set(report.pseudo_labelled) <= set(LOGS) and 0 < outcome.taught <= len(LOGS)
    plain = replace(work, unlabelled=(), folder=tmp_path / "plain", state=tmp_path / "plain-state")
    without, texts = plain.run(QUIET), [row.text for row in HELD_OUT]
    assert without.unlabelled is None
    assert report.metrics["accuracy"] - without.metrics["accuracy"] == pytest.approx(max(outcome.gain, 0))
    assert len(TunedModel.load(work.folder).predict(texts)) == len(HELD_OUT)


def test_few_rows_are_judged_on_a_part_held_back(source: FromBaseModel, tmp_path: Path) -> None:
    outcome = job(tmp_path, source, LOGS).run(QUIET).unlabelled
    assert outcome is not None and 0 < outcome.measured < len(FEW)
    assert str(outcome).startswith(("unlabelled: used ", "unlabelled: reverted, no better on held-out rows"))


def model_of(source: FromBaseModel, tmp_path: Path, rows: Sequence[LabelledText]) -> tuple[Classifier, TextEncoder]:
    """One that has learnt these rows."""
    work = replace(job(tmp_path, source, ()), train=rows)
    fit = classifier_fit(work, QUIET)
    return fit.train(rows, [], work.recipe, Stage("train", tmp_path / "state")), fit.encoder


def learning(encoder: TextEncoder, texts: Sequence[str]) -> SelfTraining:
    """With held-out rows no model is trained anew."""
    return SelfTraining(lambda _: pytest.fail(), encoder, TextClassification(LABELS), texts, False, 32, 0, QUIET)


def test_a_model_that_pseudo_labels_have_harmed_is_put_aside(source: FromBaseModel, tmp_path: Path) -> None:
    plain, encoder = model_of(source, tmp_path, FEW)
    turned = [replace(row, label=LABELS[LABELS.index(row.label) - 1]) for row in FEW]  # what spreads is wrong
    result = learning(encoder, LOGS).run(plain, turned, HELD_OUT)
    assert result.model is plain and result.texts == ()
    assert result.report.taught > 0 and result.report.gain < 0
    assert str(result.report).startswith("unlabelled: reverted, no better on held-out rows (")


def test_texts_like_rows_out_of_scope_are_left_aside(source: FromBaseModel, tmp_path: Path) -> None:
    chance = random.Random(0)
    strange = [sentence(chance, OUTSIDE) for _ in range(60)]
    rows = [*FEW, *(LabelledText(sentence(chance, OUTSIDE), "oos") for _ in range(20))]
    plain, encoder = model_of(source, tmp_path, rows)
    _, texts = learning(encoder, [*LOGS, *strange])._fit_to_texts(plain, rows, floor=-np.inf)
    assert texts and sum(text in strange for text in texts) < 0.2 * len(texts)  # a third of all are


def test_a_crowd_of_like_texts_does_not_outweigh_the_other_labels(encoder: TextEncoder) -> None:
    angles = np.concatenate([np.linspace(0, 0.5, 60), np.linspace(1.5, 2, 5), np.linspace(3, 3.5, 5), [5, 5.5]])
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    row_points, gold = points[[0, 60, 65, 70]], np.arange(4)
    _, labels = learning(encoder, ())._pseudo_labels(row_points, gold, points, np.ones(len(points), bool))
    counts = np.bincount(labels, minlength=4)
    assert counts[0] == np.ceil(CROWD * len(points) / 4) and counts[1:].min() > 0


def test_texts_that_score_below_held_out_rows_are_not_learnt(source: FromBaseModel, tmp_path: Path) -> None:
    plain, encoder = model_of(source, tmp_path, FEW)
    result = learning(encoder, LOGS)._keep_better(plain, FEW, HELD_OUT, floor=1e9)
    assert result.model is plain
    assert f"{len(LOGS)} texts not used, for only 0 of them look like any label, fewer than the 16" in str(
        result.report
    )
