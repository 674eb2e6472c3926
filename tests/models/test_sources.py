from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from autogen.errors import BaseModelError
from autogen.models.base_models import BaseModel, find_base_model
from autogen.models.sources import FromBaseModel, FromOwner, FromVersion, rust_tokenizer
from autogen.tasks.text_classification.decoding import TextClassification
from autogen.tasks.text_classification.learning.classifier import CosineClassifier
from tests.models.conftest import LABELS, owners_model


def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(first, second) for first, second in pairs)


def test_the_same_seed_builds_the_same_model(source: FromBaseModel) -> None:
    assert same(source.build(LABELS, seed=1), source.build(LABELS, seed=1))
    assert not same(source.build(LABELS, seed=1), source.build(LABELS, seed=2))
    assert (source.known_labels, source.own_head, source.continued) == ((), False, False)


def test_the_tokenizer_comes_with_its_padding_and_the_models_limit(source: FromBaseModel) -> None:
    tokenizer, pad_id, limit = source.tokenizer()
    assert tokenizer.token_to_id("[PAD]") == pad_id == 0
    assert limit == 64


def test_models_that_number_positions_from_the_padding_on_take_two_tokens_less(tiny_base_model: Path) -> None:
    from transformers import AutoTokenizer, BertConfig, RobertaConfig

    tokenizer = AutoTokenizer.from_pretrained(tiny_base_model)
    assert rust_tokenizer(tokenizer, BertConfig(max_position_embeddings=40))[2] == 40
    assert rust_tokenizer(tokenizer, RobertaConfig(max_position_embeddings=40))[2] == 38


def test_a_tokenizer_without_its_rust_form_is_refused() -> None:
    from transformers import BertConfig, ByT5Tokenizer

    with pytest.raises(BaseModelError, match="Expected a fast tokenizer"):
        rust_tokenizer(ByT5Tokenizer(), BertConfig())


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
@pytest.mark.parametrize("damage", ["missing", "cut", "noise"])
def test_a_base_model_that_cannot_be_read_is_refused_in_one_line(
    tiny_base_model: Path, tmp_path: Path, name: str, damage: str
) -> None:
    folder = shutil.copytree(tiny_base_model, tmp_path / "bert")
    whole = (folder / name).read_bytes()
    (folder / name).unlink()
    if damage != "missing":
        (folder / name).write_bytes(whole[: len(whole) // 2] if damage == "cut" else b"\xff\x00" * 50)
    with pytest.raises(BaseModelError, match=r'Base model ".*" could not be loaded from the folder: .') as raised:
        FromBaseModel(BaseModel("bert", folder, local=True)).build(LABELS, seed=0)
    assert "\n" not in str(raised.value)


def test_a_base_model_without_its_tokenizer_is_refused(tiny_base_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_base_model, tmp_path / "bert", ignore=shutil.ignore_patterns("tokenizer*"))
    with pytest.raises(BaseModelError, match="found one without any"):
        FromBaseModel(find_base_model(str(folder))).tokenizer()


def test_a_tokenizer_of_another_model_is_refused(tiny_base_model: Path) -> None:
    from transformers import AutoTokenizer, BertConfig

    with pytest.raises(BaseModelError, match=r"found one with \d+ tokens for a model that knows 20"):
        rust_tokenizer(AutoTokenizer.from_pretrained(tiny_base_model), BertConfig(vocab_size=20))


def test_a_hub_model_that_is_not_in_the_cache_is_refused_when_offline() -> None:
    base = find_base_model("nobody-at-all/no-such-model")
    with pytest.raises(BaseModelError, match="could not be loaded from the hub or its cache"):
        FromBaseModel(base).build(LABELS, seed=0)
    with pytest.raises(BaseModelError, match="could not be loaded from the hub or its cache"):
        FromBaseModel(base).tokenizer()


def test_an_encoder_decoder_is_refused(tmp_path: Path) -> None:
    from transformers import T5Config, T5Model

    config = T5Config(vocab_size=10, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2)
    T5Model(config).save_pretrained(tmp_path)
    with pytest.raises(BaseModelError, match="found an encoder-decoder"):
        FromBaseModel(find_base_model(str(tmp_path))).build(LABELS, seed=0)


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
    assert version.continued and not version.own_head and version.tokenizer()[1:] == (0, 32)
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
