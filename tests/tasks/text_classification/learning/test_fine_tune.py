from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from autogen.config.training import TrainingSettings
from autogen.errors import TrainingFailed
from autogen.models.network import NetworkOutput
from autogen.runtime.encoding import TextEncoder
from autogen.runtime.session import MODEL_FILE
from autogen.tasks.text_classification.learning.classifier import Classifier, CosineClassifier
from autogen.tasks.text_classification.learning.cross_validation import FOLDS
from autogen.tasks.text_classification.learning.fine_tune import FineTuning, FineTuningReport, forget_state
from autogen.tasks.text_classification.learning.sources import FromBaseModel, FromOwner, FromVersion, ModelSource
from autogen.tasks.text_classification.model import TunedModel
from autogen.tasks.text_classification.rows import LabelledText
from tests.training.conftest import LABELS, QUIET, examples

FAST = {"epochs": 6, "learning_rate": 5e-3, "freeze_embeddings": False, "precision": "fp32"}


def job(
    tmp_path: Path,
    source: ModelSource,
    train: Sequence[LabelledText],
    held_out: Sequence[LabelledText] = (),
    **settings: object,
) -> FineTuning:
    chosen = TrainingSettings.model_validate({**FAST, **settings})
    return FineTuning(train, held_out, chosen, source, tmp_path / "model", tmp_path / "state")


def agrees(report: FineTuningReport, model: TunedModel, rows: Sequence[LabelledText]) -> bool:
    """Whether the metrics reported are those of the model that answers."""
    labels = [row.label for row in rows]
    return model.task.metrics(model.predict([row.text for row in rows]), labels) == pytest.approx(report.metrics)


@dataclass
class Watched:
    """The rows that one model was trained on, and those it was asked about afterwards, by their token ids."""

    trained: set[tuple[int, ...]] = field(default_factory=set)
    answered: set[tuple[int, ...]] = field(default_factory=set)


class WatchedClassifier(CosineClassifier):
    watched: Watched

    def answer(self, batch: Mapping[str, Tensor]) -> NetworkOutput:
        ids, mask = batch["input_ids"].tolist(), batch["attention_mask"].sum(1).tolist()
        rows = {tuple(row[:length]) for row, length in zip(ids, mask, strict=True)}
        if self.training:
            self.watched.trained |= rows
        elif self.neighbours is not None:  # before, the rows' embeddings set the label vectors and the neighbours
            self.watched.answered |= rows
        return super().answer(batch)


@dataclass(frozen=True)
class WatchedSource(FromBaseModel):
    """The base model, watched in the folds; the model that is exported after them is an ordinary one."""

    seen: list[Watched] = field(default_factory=list)

    def build(self, labels: tuple[str, ...], seed: int) -> Classifier:
        model = super().build(labels, seed)
        if len(self.seen) == FOLDS:
            return model
        watched = WatchedClassifier(model.encoder, len(labels))
        watched.watched = Watched()
        self.seen.append(watched.watched)
        return watched


@pytest.fixture(scope="module")
def few() -> list[LabelledText]:
    return [*examples(8, seed=1, oos=6), LabelledText("refund payback", "refund")]


@pytest.fixture(scope="module")
def cross_validated(
    source: FromBaseModel, few: list[LabelledText], tmp_path_factory: pytest.TempPathFactory
) -> tuple[FineTuning, FineTuningReport, list[Watched]]:
    watching = WatchedSource(source.base)
    work = job(tmp_path_factory.mktemp("folds"), watching, few)
    return work, work.run(QUIET), watching.seen


Run = tuple[FineTuning, FineTuningReport, list[Watched]]


def test_no_row_is_answered_by_a_model_that_has_seen_it(
    cross_validated: Run, encoder: TextEncoder, few: list[LabelledText]
) -> None:
    _, _, seen = cross_validated
    assert len(seen) == FOLDS
    every = {
        tuple(encoded.ids): row.label for encoded, row in zip(encoder.encode([e.text for e in few]), few, strict=True)
    }
    for fold in seen:
        assert fold.answered and not fold.answered & fold.trained
        assert fold.trained & every.keys() == every.keys() - fold.answered
    counted = Counter(row for fold in seen for row in fold.answered)
    assert set(counted.values()) == {1}
    assert {every[row] for row in every.keys() - counted.keys()} == {"refund"}  # its only row is always learnt from


def test_after_cross_validation_the_model_is_fitted_on_all_rows(cross_validated: Run, few: list[LabelledText]) -> None:
    work, report, _ = cross_validated
    assert report.cross_validated and (report.rows, report.held_out) == (len(few), 0)
    assert report.labels == (*LABELS[:3], "refund", "top_up")
    assert (report.exported, report.exported_because) == ("fp32", "int8 needs held-out rows to be judged by")
    model = TunedModel.load(work.folder)
    learnt = [row for row in few if row.label != "oos"]
    predictions = model.predict([row.text for row in learnt])
    assert np.mean([prediction.label == row.label for prediction, row in zip(predictions, learnt, strict=True)]) > 0.9
    assert model.task.threshold is not None
    assert {"accuracy", "in_scope_accuracy", "oos_recall"} <= report.metrics.keys()


def test_with_held_out_rows_the_exported_model_itself_is_measured(source: FromBaseModel, tmp_path: Path) -> None:
    held_out = examples(20, seed=2, oos=20)
    work = job(tmp_path, source, examples(20, seed=1), held_out)
    report = work.run(QUIET)
    model = TunedModel.load(work.folder)
    assert not report.cross_validated and report.metrics["accuracy"] > 0.9
    assert agrees(report, model, held_out)
    assert report.metrics["accuracy"] - report.metrics["in_scope_accuracy"] <= 0.01 + 1e-9
    assert model.card.precision == report.exported
    assert sorted(path.name for path in work.folder.iterdir()) == [MODEL_FILE, "task.json", "tokenizer.json", "weights"]
    grown = goes_on(work, model, tmp_path)
    assert grown.labels == (*LABELS, "refund")  # the new one last: the old ones keep their places


def goes_on(work: FineTuning, model: TunedModel, tmp_path: Path) -> FineTuningReport:
    """Training that goes on from the version, with a new label and without held-out rows."""
    version = FromVersion(work.folder, "tiny", model.task, model.card.max_length, model.card.pad_id, "fp32")
    train = [*work.train, *(LabelledText(f"refund payback {word}", "refund") for word in ("my", "the", "now", "a"))]
    next_job = replace(
        work, train=train, held_out=(), source=version, folder=tmp_path / "next", state=tmp_path / "more"
    )
    report = next_job.run(QUIET)
    grown = TunedModel.load(next_job.folder)
    assert (report.cross_validated, report.metrics) == (False, {})
    assert (grown.task.temperature, grown.task.threshold) == (model.task.temperature, model.task.threshold)
    rows = [*train[:20], *train[-4:]]
    predictions = grown.predict([row.text for row in rows])
    assert np.mean([prediction.label == row.label for prediction, row in zip(predictions, rows, strict=True)]) > 0.9
    return report


def fragile_classifier(folder: Path) -> Any:
    """A classifier that int8 ruins: everything the first token learns of the others passes a product with one weight a
    thousand times the rest. It adds the same to every dimension, which layer normalisation takes away again."""
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(0)
    config = BertConfig.from_pretrained(
        folder, num_labels=4, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, num_hidden_layers=1
    )
    model = BertForSequenceClassification(config)
    with torch.no_grad():
        for layer in model.bert.encoder.layer:
            layer.attention.self.value.weight[0] = 0
            layer.attention.self.value.bias[0] = 1
            layer.attention.output.dense.weight[:, 0] = 1000
    return model


def test_int8_that_would_lose_accuracy_is_left_aside(tiny_base_model: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    source = FromOwner(fragile_classifier(tiny_base_model), AutoTokenizer.from_pretrained(tiny_base_model))
    held_out = examples(20, seed=2)
    work = job(tmp_path, source, examples(25, seed=1), held_out, epochs=20, head_learning_rate=5e-3)
    report = work.run(QUIET)
    assert report.metrics["accuracy"] > 0.8
    assert report.exported == "fp32" and "int8 would lose" in report.exported_because
    assert not [path for path in work.folder.iterdir() if "int8" in path.name]
    assert agrees(report, TunedModel.load(work.folder), held_out)


def test_one_label_is_not_enough_to_learn(source: FromBaseModel, tmp_path: Path) -> None:
    train = [LabelledText("a", "x"), LabelledText("b", "x"), LabelledText("c", "oos")]
    with pytest.raises(TrainingFailed, match="at least two labels besides `oos`; found 1"):
        job(tmp_path, source, train).run(QUIET)


def test_labels_with_one_row_each_cannot_be_measured(source: FromBaseModel, tmp_path: Path) -> None:
    with pytest.raises(TrainingFailed, match="at least one label with two rows"):
        job(tmp_path, source, [LabelledText("a", "x"), LabelledText("b", "y")]).run(QUIET)
    assert not (tmp_path / "model").exists()


def test_state_is_forgotten_whether_there_is_some_or_not(tmp_path: Path) -> None:
    (tmp_path / "state" / "final").mkdir(parents=True)
    forget_state(tmp_path / "state")
    forget_state(tmp_path / "state")
    assert not (tmp_path / "state").exists()
