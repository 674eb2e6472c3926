from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from autogen.errors import VersionDamaged
from autogen.models.network import HEAD_FILE, mean_of_tokens
from autogen.runtime.encoding import TextEncoder
from autogen.tasks.text_classification.learning.classifier import (
    Classifier,
    CosineClassifier,
    SequenceClassifier,
    load_classifier,
)
from autogen.tasks.text_classification.learning.sources import FromBaseModel
from tests.models.conftest import LABELS, owners_model, tensors
from tests.tiny import rows

KIND_FILE = Classifier.record_file
KINDS = ["cosine", "sequence-classification"]


@pytest.fixture
def model(request: pytest.FixtureRequest, source: FromBaseModel, tiny_base_model: Path) -> Classifier:
    if request.param == "cosine":
        return source.build(LABELS, seed=0).eval()
    return SequenceClassifier(owners_model(tiny_base_model)).eval()


both = pytest.mark.parametrize("model", KINDS, indirect=True)


@both
@torch.no_grad()
def test_a_classifier_that_was_saved_and_loaded_answers_the_same(
    model: Classifier, batch: dict[str, Tensor], tmp_path: Path
) -> None:
    model.save(tmp_path / "weights")
    loaded = load_classifier(tmp_path / "weights").eval()
    assert type(loaded) is type(model)
    for output, other in zip(model.answer(batch), loaded.answer(batch), strict=True):
        assert torch.equal(output, other)


@both
@torch.no_grad()
def test_growing_leaves_the_old_outputs_as_they_were(model: Classifier, batch: dict[str, Tensor]) -> None:
    before = model.answer(batch)
    model.grow(5)
    after = model.answer(batch)
    assert after.logits.shape == (len(before.logits), 5)
    assert torch.allclose(after.logits[:, :3], before.logits, atol=1e-6)
    assert torch.equal(after.embedding, before.embedding)
    assert after.logits.isfinite().all()


@both
@torch.no_grad()
def test_a_grown_classifier_can_be_saved_and_loaded(
    model: Classifier, batch: dict[str, Tensor], tmp_path: Path
) -> None:
    model.grow(4)
    model.save(tmp_path / "weights")
    assert torch.equal(load_classifier(tmp_path / "weights").eval().answer(batch).logits, model.answer(batch).logits)


@both
@torch.no_grad()
def test_padding_does_not_change_an_answer(model: Classifier, batch: dict[str, Tensor]) -> None:
    lengths = batch["attention_mask"].sum(1)
    together = model.answer(batch)
    for at, length in enumerate(lengths):
        alone = model.answer({name: values[at : at + 1, :length] for name, values in batch.items()})
        assert torch.allclose(alone.logits[0], together.logits[at], atol=1e-4)
        assert torch.allclose(alone.embedding[0], together.embedding[at], atol=1e-5)


@both
@torch.no_grad()
def test_several_batches_are_answered_in_their_order(model: Classifier, encoder: TextEncoder) -> None:
    batches = [tensors(encoder, [text for text, _ in rows(1, seed=seed)]) for seed in range(3)]
    output = model(batches)
    assert torch.equal(output.logits, torch.cat([model.answer(batch).logits for batch in batches]))


@both
def test_every_parameter_is_of_the_head_or_of_a_layer(model: Classifier) -> None:
    names = [name for name, _ in model.named_parameters()]
    head = [name for name in names if model.is_head(name)]
    assert 2 <= len(head) < len(names)
    assert {model.layer_of(name) for name in names if not model.is_head(name)} == {0, 1, 2}
    assert all(model.layer_of(name) == 0 for name in names if "embeddings" in name)
    assert any(parameter is model.word_embeddings().weight for parameter in model.parameters())


@torch.no_grad()
def test_a_cosine_logit_is_the_scaled_cosine_of_text_and_label(source: FromBaseModel, batch: dict[str, Tensor]) -> None:
    model = source.build(LABELS, seed=0).eval()
    assert isinstance(model, CosineClassifier)
    model.vectors.mul_(7)  # lengths do not matter
    output = model.answer(batch)
    for row, embedding in zip(output.logits, output.embedding, strict=True):
        assert embedding.norm().item() == pytest.approx(1, abs=1e-5)
        cosines = [functional.cosine_similarity(embedding, vector, dim=0) for vector in model.vectors]
        assert row.tolist() == pytest.approx([20 * cosine.item() for cosine in cosines], abs=1e-4)


@torch.no_grad()
def test_a_users_own_model_answers_as_it_does_by_itself(own_model: Any, batch: dict[str, Tensor]) -> None:
    assert torch.equal(SequenceClassifier(own_model).answer(batch).logits, own_model(**batch).logits)


def test_a_model_without_an_output_per_label_is_refused(own_model: Any) -> None:
    own_model.num_labels = 999
    with pytest.raises(VersionDamaged, match="one output per label"):
        SequenceClassifier(own_model)


@both
@pytest.mark.parametrize("damage", ["missing", "cut", "noise"])
@pytest.mark.parametrize("name", [KIND_FILE, HEAD_FILE, "encoder/config.json", "encoder/model.safetensors"])
def test_weights_that_are_missing_or_were_altered_are_damage(
    model: Classifier, tmp_path: Path, name: str, damage: str
) -> None:
    folder = tmp_path / "weights"
    model.save(folder)
    path = folder / name
    if not path.exists():  # only one kind has a head of ours
        assert (name, model.kind) == (HEAD_FILE, "sequence-classification")
        return
    whole = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes(whole[: len(whole) // 2] if damage == "cut" else b"\xff\x00" * 50)
    with pytest.raises(VersionDamaged, match="weights"):
        load_classifier(folder)


def test_an_unknown_kind_of_classifier_is_damage(source: FromBaseModel, tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    source.build(LABELS, seed=0).save(folder)
    (folder / HEAD_FILE).unlink()
    for written in ({"kind": "unheard-of"}, {}, []):
        (folder / KIND_FILE).write_text(json.dumps(written), "utf-8")
        with pytest.raises(VersionDamaged):
            load_classifier(folder)


def test_the_mean_is_over_the_tokens_that_are_not_padding() -> None:
    hidden = torch.arange(12.0).reshape(2, 3, 2)
    mask = torch.tensor([[1, 1, 0], [0, 0, 0]])
    assert mean_of_tokens(hidden, mask).tolist() == [[1, 2], [0, 0]]
