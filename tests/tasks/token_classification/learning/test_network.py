from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import IA3Config, LoraConfig, PrefixTuningConfig, PromptTuningConfig, TaskType, get_peft_model
from torch import Tensor, nn
from transformers import AutoModel

from autogen.models.bottleneck import add_bottlenecks
from autogen.models.network import load_encoder
from autogen.runtime.session import ExportedModel
from autogen.tasks.token_classification.learning.network import EntityTagger
from autogen.tasks.token_classification.windows import WindowEncoder
from autogen.training.export.graph import export_graph
from tests.choosing import quick_and_slow
from tests.tiny import tiny_tokenizer, write_tiny_base_model

TEXTS = ["my Card was stolen please help", "CARD", "tell me about the exchange rate of the Euro today"]
NAMES = ("input_ids", "attention_mask", "token_type_ids", "word_shapes")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return load_encoder(AutoModel, write_tiny_base_model(tmp_path_factory.mktemp("tiny")))


def batch_of(texts: list[str]) -> dict[str, Any]:
    tokens = WindowEncoder(tiny_tokenizer(), 64, 0)
    return tokens.pad([row.windows[0] for row in tokens.encode(texts)])


def tensors(arrays: dict[str, Any]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(values) for name, values in arrays.items()}


def adapted(encoder: Any, method: str) -> Any:
    """The encoder with what a tuning method adds, moved away from its start, where most of them change nothing."""
    encoder = copy.deepcopy(encoder)
    feature = TaskType.FEATURE_EXTRACTION
    if method == "adapter":
        add_bottlenecks(encoder, 8)
    elif method != "full":
        config: Any = {
            "lora": LoraConfig(target_modules=["query", "value"]),
            "ia3": IA3Config(target_modules=["key", "value"], feedforward_modules=[]),
            "prefix": PrefixTuningConfig(task_type=feature, num_virtual_tokens=4),
            "prompt": PromptTuningConfig(task_type=feature, num_virtual_tokens=4),
        }[method]
        encoder = get_peft_model(encoder, config)
    with torch.no_grad():
        for value in encoder.parameters():
            if value.requires_grad:
                value.add_(torch.randn_like(value) * 0.05)
    return encoder


@pytest.mark.parametrize(
    "method", quick_and_slow(["full", "lora", "ia3", "prefix", "prompt", "adapter"], quick=("full", "lora", "prefix"))
)
def test_the_exported_graph_scores_as_the_network_does_whatever_was_added(
    encoder: Any, method: str, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    model = EntityTagger(adapted(encoder, method), 5).eval()
    nn.init.normal_(model.shape_inputs.weight)
    export_graph(model, tmp_path / "model.onnx")
    graph = ExportedModel(tmp_path / "model.onnx", 1)
    for texts in (TEXTS, TEXTS[:1]):
        arrays = batch_of(texts)
        with torch.inference_mode():
            expected = model.answer(tensors(arrays)).logits.numpy()
        assert expected.shape == (*arrays["input_ids"].shape, 5)
        assert np.abs(graph.run(arrays)["logits"] - expected).max() < 1e-4


def test_at_first_the_encoder_is_as_it_was_pretrained(encoder: Any) -> None:
    model = EntityTagger(copy.deepcopy(encoder), 5).eval()
    arrays = tensors(batch_of(TEXTS))
    with torch.inference_mode():
        plain = encoder.eval()(**{name: arrays[name] for name in NAMES[:3]}).last_hidden_state
        with_shapes = torch.cat([plain, model.shape_outputs(arrays["word_shapes"])], dim=-1)
        assert torch.allclose(model.answer(arrays).logits, model.output(with_shapes), atol=1e-5)


def test_case_is_seen_though_the_tokenizer_throws_it_away(encoder: Any) -> None:
    torch.manual_seed(0)
    model = EntityTagger(copy.deepcopy(encoder), 5)
    optimiser = torch.optim.Adam(model.parameters(), 1e-2)
    batch = tensors(batch_of(["the Card", "the card"]))
    gold = torch.tensor([[0, 0, 1, 0], [0, 0, 0, 0]])
    for _ in range(30):
        optimiser.zero_grad()
        nn.functional.cross_entropy(model.answer(batch).logits.flatten(0, 1), gold.flatten()).backward()
        optimiser.step()
    assert model.eval().answer(batch).logits.argmax(-1).tolist() == gold.tolist()


def test_new_tags_leave_the_old_ones_as_they_are(encoder: Any) -> None:
    model = EntityTagger(copy.deepcopy(encoder), 5).eval()
    batch = tensors(batch_of(TEXTS))
    with torch.inference_mode():
        before = model.answer(batch).logits
        model.grow(9)
        after = model.answer(batch).logits
    assert after.shape[-1] == 9
    assert torch.allclose(after[..., :5], before, atol=1e-6)
