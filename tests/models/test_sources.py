from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from autogen.errors import BaseModelError
from autogen.models.base_models import BaseModel, find_base_model
from autogen.models.sources import OwnersEncoder, PretrainedEncoder, VersionEncoder, rust_tokenizer
from tests.models.conftest import owners_model


@pytest.fixture(scope="module")
def pretrained(tiny_base_model: Path) -> PretrainedEncoder:
    return PretrainedEncoder(find_base_model(str(tiny_base_model)))


def same(model: torch.nn.Module, other_model: torch.nn.Module) -> bool:
    pairs = zip(model.state_dict().values(), other_model.state_dict().values(), strict=True)
    return all(torch.equal(first, second) for first, second in pairs)


def test_a_base_model_gives_the_same_encoder_every_time_and_sets_the_seed(pretrained: PretrainedEncoder) -> None:
    first, drawn = pretrained.encoder(seed=1), torch.rand(3)
    assert same(first, pretrained.encoder(seed=1)) and torch.equal(drawn, torch.rand(3))
    assert (pretrained.continued, pretrained.exported) == (False, None)


def test_the_tokenizer_comes_with_its_padding_and_the_models_limit(pretrained: PretrainedEncoder) -> None:
    tokenizer, pad_id, limit = pretrained.tokenizer()
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
        PretrainedEncoder(BaseModel("bert", folder, local=True)).encoder(seed=0)
    assert "\n" not in str(raised.value)


def test_a_base_model_without_its_tokenizer_is_refused(tiny_base_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_base_model, tmp_path / "bert", ignore=shutil.ignore_patterns("tokenizer*"))
    with pytest.raises(BaseModelError, match="found one without any"):
        PretrainedEncoder(find_base_model(str(folder))).tokenizer()


def test_a_tokenizer_of_another_model_is_refused(tiny_base_model: Path) -> None:
    from transformers import AutoTokenizer, BertConfig

    with pytest.raises(BaseModelError, match=r"found one with \d+ tokens for a model that knows 20"):
        rust_tokenizer(AutoTokenizer.from_pretrained(tiny_base_model), BertConfig(vocab_size=20))


def test_a_hub_model_that_is_not_in_the_cache_is_refused_when_offline() -> None:
    base = find_base_model("nobody-at-all/no-such-model")
    with pytest.raises(BaseModelError, match="could not be loaded from the hub or its cache"):
        PretrainedEncoder(base).encoder(seed=0)
    with pytest.raises(BaseModelError, match="could not be loaded from the hub or its cache"):
        PretrainedEncoder(base).tokenizer()


def test_an_encoder_decoder_is_refused(tmp_path: Path) -> None:
    from transformers import T5Config, T5Model

    config = T5Config(vocab_size=10, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2)
    T5Model(config).save_pretrained(tmp_path)
    with pytest.raises(BaseModelError, match="found an encoder-decoder"):
        PretrainedEncoder(find_base_model(str(tmp_path))).encoder(seed=0)


def test_a_version_knows_its_tokenizer_its_limits_and_its_form(tiny_base_model: Path, tmp_path: Path) -> None:
    shutil.copy(tiny_base_model / "tokenizer.json", tmp_path)
    version = VersionEncoder(tmp_path, "tiny", max_length=32, pad_id=0, exported="int8")
    assert version.tokenizer()[1:] == (0, 32)
    assert (version.continued, version.exported, version.weights) == (True, "int8", tmp_path / "weights")


def test_a_users_model_gives_itself_where_it_has_the_task_s_head_and_else_its_encoder(own_model: Any) -> None:
    whole = OwnersEncoder(own_model, None, "ForSequenceClassification")
    other = OwnersEncoder(own_model, None, "ForTokenClassification")
    assert whole.has_head and same(whole.encoder(0), own_model) and whole.encoder(0) is not own_model
    assert not other.has_head and same(other.encoder(0), own_model.base_model)


def test_a_users_untuned_model_is_kept_beside_an_adapter(tiny_base_model: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForSequenceClassification

    model = owners_model(tiny_base_model)
    OwnersEncoder(model, None, "ForSequenceClassification").save_base(tmp_path)
    assert same(AutoModelForSequenceClassification.from_pretrained(tmp_path / "encoder"), model)
