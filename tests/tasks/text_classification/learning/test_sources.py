from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from autogen.tasks.text_classification.decoding import TextClassification
from autogen.tasks.text_classification.learning.classifier import CosineClassifier
from autogen.tasks.text_classification.learning.sources import FromBaseModel, FromOwner, FromVersion
from tests.models.conftest import LABELS, owners_model
from tests.models.test_sources import same


def test_the_same_seed_builds_the_same_model(source: FromBaseModel) -> None:
    assert same(source.build(LABELS, seed=1), source.build(LABELS, seed=1))
    assert not same(source.build(LABELS, seed=1), source.build(LABELS, seed=2))
    assert (source.known_labels, source.own_head, source.continued) == ((), False, False)


@torch.no_grad()
def test_a_version_builds_the_model_it_holds_and_new_labels_come_after(
    source: FromBaseModel, batch: dict[str, Tensor], tmp_path: Path
) -> None:
    trained = source.build(LABELS, seed=7).eval()
    trained.save(tmp_path / "weights")
    shutil.copy(Path(source.base.source) / "tokenizer.json", tmp_path)
    task = TextClassification(LABELS, temperature=2.0, threshold=0.5)
    version = FromVersion(tmp_path, "tiny", task, max_length=32, pad_id=0, exported="fp32")
    assert version.known_labels == LABELS
    assert version.calibrated_as(TextClassification(("x",))) == TextClassification(("x",), 2.0, 0.5)
    assert version.continued and not version.own_head and version.origin.tokenizer()[1:] == (0, 32)
    assert same(version.build(LABELS, seed=0), trained)
    grown = version.build((*LABELS, "top_up"), seed=0).eval()
    assert torch.allclose(grown.answer(batch).logits[:, :3], trained.answer(batch).logits, atol=1e-6)
    assert grown.answer(batch).logits.shape[1] == 4


@torch.no_grad()
def test_a_users_model_is_copied_and_never_changed(own_model: Any) -> None:
    before = {name: value.clone() for name, value in own_model.state_dict().items()}
    source = FromOwner(own_model, None)
    built = source.build((*LABELS, "top_up"), seed=0)
    for parameter in built.parameters():
        parameter.zero_()
    assert all(torch.equal(value, before[name]) for name, value in own_model.state_dict().items())
    assert own_model.config.num_labels == own_model.num_labels == 3
    assert built.encoder.config.id2label[3] == "top_up"


@torch.no_grad()
def test_a_users_head_with_names_of_its_own_is_kept(own_model: Any, batch: dict[str, Tensor]) -> None:
    source = FromOwner(own_model, None)
    assert source.own_head and source.known_labels == LABELS
    grown = source.build((*LABELS, "top_up"), seed=0).eval()
    assert torch.allclose(grown.answer(batch).logits[:, :3], own_model(**batch).logits, atol=1e-6)


def test_placeholder_names_are_no_labels(tiny_base_model: Path) -> None:
    model = owners_model(tiny_base_model, ["LABEL_0", "LABEL_1"])
    assert FromOwner(model, None).known_labels == ()
    built = FromOwner(model, None).build(LABELS, seed=0)
    assert built.encoder.classifier.out_features == 3


def test_a_users_encoder_without_a_head_gets_ours(tiny_base_model: Path) -> None:
    from transformers import AutoModel

    source = FromOwner(AutoModel.from_pretrained(tiny_base_model), None)
    assert not source.own_head and source.known_labels == ()
    assert isinstance(source.build(LABELS, seed=0), CosineClassifier)
