from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autogen.config import TrainingSettings
from autogen.models.classifier import Classifier
from autogen.models.sources import FromBaseModel
from autogen.runtime.tuned_model import TunedModel
from autogen.tasks.encoding import TextEncoder
from autogen.tasks.text_classification import Example, TextClassification
from autogen.training.fine_tune import FineTuning, _Run
from autogen.training.propagation import propagate
from autogen.training.unlabelled import PER_LABEL, SelfTraining
from tests.tiny import OUTSIDE, sentence
from tests.training.conftest import LABELS, QUIET, examples

FEW, HELD_OUT = examples(4, seed=1), examples(15, seed=2)
LOGS = [row.text for row in examples(30, seed=3)]
FAST = {"epochs": 8, "learning_rate": 5e-3, "freeze_embeddings": False, "precision": "fp32", "int8": False}


def job(tmp_path: Path, source: FromBaseModel, texts: Sequence[str], held_out: Sequence[Example] = ()) -> FineTuning:
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
    found = report.unlabelled
    assert found is not None and (found.texts, found.measured) == (len(LOGS), len(HELD_OUT))
    assert found.used == (found.gain > 0) == bool(report.taught)
    assert set(report.taught) <= set(LOGS) and 0 < found.taught <= PER_LABEL * len(LABELS)
    plain = replace(work, unlabelled=(), folder=tmp_path / "plain", state=tmp_path / "plain-state")
    without, texts = plain.run(QUIET), [row.text for row in HELD_OUT]
    assert without.unlabelled is None
    assert report.metrics["accuracy"] - without.metrics["accuracy"] == pytest.approx(max(found.gain, 0))
    assert len(TunedModel.load(work.folder).predict(texts)) == len(HELD_OUT)


def test_few_rows_are_judged_on_a_part_held_back(source: FromBaseModel, tmp_path: Path) -> None:
    found = job(tmp_path, source, LOGS).run(QUIET).unlabelled
    assert found is not None and 0 < found.measured < len(FEW)
    assert str(found).startswith(("unlabelled: used ", "unlabelled: reverted, no better on held-out rows"))


def model_of(source: FromBaseModel, tmp_path: Path, rows: Sequence[Example]) -> tuple[Classifier, TextEncoder]:
    """One that has learnt these rows."""
    run = _Run(replace(job(tmp_path, source, ()), train=rows), QUIET)
    return run._train(rows, [], "train", tmp_path / "state"), run.encoder


def test_a_model_that_pseudo_labels_have_harmed_is_put_aside(source: FromBaseModel, tmp_path: Path) -> None:
    plain, encoder = model_of(source, tmp_path, FEW)
    learnt: list[Sequence[Example]] = []

    def harmful(*given: Any) -> Classifier:
        learnt.append(given[0])
        return source.build(LABELS, seed=1)

    learning = SelfTraining(harmful, encoder, TextClassification(LABELS), LOGS, False, 32, 0, QUIET)
    taught = learning.run(plain, FEW, HELD_OUT)
    assert taught.model is plain and taught.texts == ()
    assert not taught.report.used and taught.report.gain < 0
    assert str(taught.report).startswith("unlabelled: reverted, no better on held-out rows (")
    assert [row.text for row in learnt[0][: len(FEW)]] == [row.text for row in FEW]
    assert not {row.text for row in learnt[0]} & {row.text for row in HELD_OUT}


def test_texts_like_rows_out_of_scope_are_left_aside(source: FromBaseModel, tmp_path: Path) -> None:
    chance = random.Random(0)
    strange = [sentence(chance, OUTSIDE) for _ in range(60)]
    rows = [*FEW, *(Example(sentence(chance, OUTSIDE), "oos") for _ in range(20))]
    plain, encoder = model_of(source, tmp_path, rows)
    learnt: list[Sequence[Example]] = []

    def remembered(*given: Any) -> Classifier:
        learnt.append(given[0])
        return plain

    texts = [*LOGS, *strange]
    SelfTraining(remembered, encoder, TextClassification(LABELS), texts, False, 32, 0, QUIET).run(plain, rows, HELD_OUT)
    taught = [row.text for row in learnt[0][len(rows) :]]
    assert taught and set(taught) <= set(texts)
    assert sum(text in strange for text in taught) < 0.2 * len(taught)  # a third of the texts are


def test_too_few_sure_texts_are_not_tried(source: FromBaseModel, tmp_path: Path) -> None:
    plain, encoder = model_of(source, tmp_path, FEW)
    learning = SelfTraining(lambda *_: plain, encoder, TextClassification(LABELS), LOGS[:5], False, 32, 0, QUIET)
    taught = learning.run(plain, FEW, HELD_OUT)
    assert taught.model is plain
    assert "texts not used, for only" in str(taught.report)
