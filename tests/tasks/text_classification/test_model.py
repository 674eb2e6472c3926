from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from autogen.errors import VersionDamaged
from autogen.runtime.encoding import TOKENIZER_FILE
from autogen.runtime.latency import latency_ratio
from autogen.runtime.model_folder import TASK_FILE
from autogen.runtime.session import MODEL_FILE
from autogen.tasks.text_classification.model import TunedModel
from tests.tiny import TOPICS, rows

MODEL = ".autogen/versions/0001/models/support/intent"


@pytest.fixture(scope="module")
def folder(trained: Path) -> Path:
    return trained / MODEL


@pytest.fixture(scope="module")
def model(folder: Path) -> TunedModel:
    return TunedModel.load(folder)


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """Of very different lengths, so that batches are sorted."""
    plain_texts = [text for text, _ in rows(6, seed=3, oos=6)]
    return [text if at % 3 else " ".join(plain_texts[: at + 1]) for at, text in enumerate(plain_texts)]


def test_what_was_learnt_is_answered(model: TunedModel) -> None:
    labelled = rows(10, seed=7)
    predictions = model.predict([text for text, _ in labelled])
    assert (
        np.mean([prediction.label == label for prediction, (_, label) in zip(predictions, labelled, strict=True)]) > 0.9
    )
    assert model.task.labels == tuple(sorted(TOPICS))


@pytest.mark.parametrize("size", [1, 2, 7, 32])
def test_outputs_come_in_the_order_of_the_rows_however_they_are_batched(
    model: TunedModel, texts: list[str], size: int
) -> None:
    alone = np.concatenate([model.logits([text]) for text in texts])
    outputs = model.outputs(model.encoder.encode(texts), size)
    assert outputs["logits"].shape == (len(texts), len(model.task.labels))
    assert outputs["text_embedding"].shape == (len(texts), 32)
    assert np.abs(outputs["logits"] - alone).max() < 0.25
    assert np.linalg.norm(outputs["text_embedding"], axis=1) == pytest.approx(1, abs=1e-3)


def test_several_threads_get_the_answers_that_one_gets(model: TunedModel, texts: list[str]) -> None:
    alone = [model.logits([text])[0] for text in texts]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda text: model.logits([text])[0], texts * 5))
    for at, logits in enumerate(together):
        assert logits == pytest.approx(alone[at % len(texts)], abs=1e-5)


def test_no_texts_have_no_predictions(model: TunedModel) -> None:
    assert model.predict([]) == []


@pytest.mark.parametrize("name", [MODEL_FILE, TOKENIZER_FILE, TASK_FILE])
@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "noise"])
def test_a_file_that_is_missing_or_was_altered_is_damage(folder: Path, tmp_path: Path, name: str, damage: str) -> None:
    copied = shutil.copytree(folder, tmp_path / "model", ignore=shutil.ignore_patterns("weights"))
    path = copied / name
    if damage == "missing":
        path.unlink()
    else:
        whole = path.read_bytes()
        path.write_bytes({"empty": b"", "cut": whole[: len(whole) // 2], "noise": b"\xff\x00" * 99}[damage])
    with pytest.raises(VersionDamaged, match="model"):
        TunedModel.load(copied)


@pytest.mark.parametrize(
    "values",
    [[], {}, {"model": {}, "task": {}}, {"model": None, "task": None}, {"model": {"task": "unheard-of"}, "task": {}}],
)
def test_a_card_that_says_something_else_is_damage(folder: Path, tmp_path: Path, values: object) -> None:
    copied = shutil.copytree(folder, tmp_path / "model", ignore=shutil.ignore_patterns("weights"))
    (copied / TASK_FILE).write_text(json.dumps(values), "utf-8")
    with pytest.raises(VersionDamaged):
        TunedModel.load(copied)


def test_the_latency_of_a_model_is_about_its_own(model: TunedModel, folder: Path, texts: list[str]) -> None:
    questions = [[partial(tuned.predict, [text]) for text in texts] for tuned in (TunedModel.load(folder), model)]
    assert latency_ratio(*questions) == pytest.approx(1, abs=0.5)
    assert latency_ratio([], []) == 1.0
