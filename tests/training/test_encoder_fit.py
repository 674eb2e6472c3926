"""A network with outputs per token through all of the engine: learnt, exported, proven, made small, read again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from autogen.config.training import TrainingSettings
from autogen.errors import ParityError
from autogen.models.base_models import find_base_model
from autogen.models.sources import PretrainedEncoder
from autogen.models.tuning import tune
from autogen.runtime.session import MODEL_FILE, ExportedModel
from autogen.tasks.text_classification.learning.classifier_fit import loop_recipe
from autogen.training.encoder_fit import EncoderFit, Proof, Stage
from autogen.training.export.graph import graph_outputs
from autogen.training.export.parity import check_parity
from autogen.training.loop.answers import network_outputs, token_mask
from autogen.training.loop.batching import IGNORED, Collate, TrainingRow, token_tags
from autogen.training.loop.frozen import frozen_layers
from tests.choosing import quick_and_slow
from tests.tiny import rows as sentences
from tests.training.conftest import QUIET, recipe
from tests.training.tagger import PLACES, PlaceEncoder, TagAccuracy, Tagger, load_tagger, objective, seeded, tagged

LENGTHS = (1, 2, 5)  # sentences that a row is made of
RATES = {"lora": 1e-2, "prefix": 5e-2, "prompt": 5e-2}


@pytest.fixture(scope="module")
def origin(tiny_base_model: Path) -> PretrainedEncoder:
    return PretrainedEncoder(find_base_model(str(tiny_base_model)))


@pytest.fixture(scope="module")
def engine(origin: PretrainedEncoder) -> EncoderFit:
    tokenizer, pad_id, limit = origin.tokenizer()
    settings = TrainingSettings.model_validate({"precision": "fp32", "eval_batch_size": 7})
    return EncoderFit(origin, tokenizer, PlaceEncoder(tokenizer, min(limit, PLACES), pad_id), settings, QUIET)


def rows_of(engine: EncoderFit, each: int, seed: int) -> list[TrainingRow]:
    """Rows of 9 to 37 tokens."""
    texts = [" ".join([text] * LENGTHS[at % 3]) for at, (text, _) in enumerate(sentences(each, seed=seed))]
    assert isinstance(engine.encoder, PlaceEncoder)
    return tagged(engine.encoder, texts)


def train_tagger(engine: EncoderFit, state: Path, eval_rows: Sequence[TrainingRow], method: str = "full") -> Tagger:
    network = seeded(engine.source.encoder(0))  # type: ignore[attr-defined] # of a base model
    chosen = recipe(method=method, epochs=12, learning_rate=RATES.get(method, 5e-3), contrastive_weight=0.0)
    tune(network, chosen.tuning)
    encoded_eval = [row.encoded for row in eval_rows]
    rows = rows_of(engine, 30, seed=1)
    engine.fit(
        network, loop_recipe(chosen), objective(eval_rows), rows, encoded_eval, Stage("train", state, logged=True)
    )
    return network


@pytest.fixture(scope="module")
def eval_rows(engine: EncoderFit) -> list[TrainingRow]:
    return rows_of(engine, 10, seed=2)


@pytest.fixture(scope="module")
def network(engine: EncoderFit, eval_rows: list[TrainingRow], tmp_path_factory: pytest.TempPathFactory) -> Tagger:
    return train_tagger(engine, tmp_path_factory.mktemp("state"), eval_rows)


@pytest.fixture(scope="module")
def exported(
    engine: EncoderFit, network: Tagger, eval_rows: list[TrainingRow], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Proof]:
    folder = tmp_path_factory.mktemp("tuned") / "model"
    return folder, engine.export(network, [row.encoded for row in eval_rows], folder)


def test_tags_are_learnt_and_the_best_epoch_is_kept(
    engine: EncoderFit, network: Tagger, eval_rows: list[TrainingRow]
) -> None:
    scores = [entry["eval_score"] for entry in engine.history if "eval_score" in entry]
    assert len(scores) == 12 and max(scores) > 0.95 > scores[0]
    error = engine.answers(network, [row.encoded for row in eval_rows], network.head_outputs)
    assert TagAccuracy(eval_rows)(error) == max(scores)


def test_the_graph_agrees_at_every_length_and_number_of_rows(
    engine: EncoderFit, network: Tagger, eval_rows: list[TrainingRow], exported: tuple[Path, Proof]
) -> None:
    folder, proof = exported
    rows = [row.encoded for row in eval_rows]
    graph = folder / MODEL_FILE
    assert proof.parity < 1e-3
    assert ExportedModel(graph).input_names == ["input_ids", "attention_mask", "token_type_ids", "places"]
    assert ExportedModel(graph).output_names == ["logits", "token_embedding"]
    mask, trained = token_mask(rows), engine.answers(network, rows)
    for array, other_array in zip(trained, graph_outputs(graph, engine.encoder, rows, network.outputs), strict=True):
        assert array.shape == other_array.shape and array.shape[:2] == (len(rows), max(map(len, rows)))
        assert check_parity(array, other_array, mask) < 1e-3
        assert not array[~mask].any() and not other_array[~mask].any()
    for at in range(0, len(rows), 9):
        alone = graph_outputs(graph, engine.encoder, [rows[at]], network.head_outputs)[0]
        assert alone[0] == pytest.approx(trained[0][at, : len(rows[at])], abs=1e-3)


def test_a_wrong_tag_of_one_token_fails_the_proof_and_padding_does_not(
    engine: EncoderFit, network: Tagger, eval_rows: list[TrainingRow]
) -> None:
    rows = [row.encoded for row in eval_rows]
    mask, trained = token_mask(rows), engine.answers(network, rows)[0]
    other_array = trained.copy()
    other_array[~mask] += 1
    assert check_parity(trained, other_array, mask) == 0
    other_array[3, 2] = -other_array[3, 2]
    with pytest.raises(ParityError, match=rf"1 of {mask.sum()} predictions differ"):
        check_parity(trained, other_array, mask)


def test_a_score_for_each_token_is_compared_too() -> None:
    scores, mask = np.zeros((2, 3), np.float32), np.array([[True, True, True], [True, False, False]])
    other_array = scores.copy()
    other_array[1, 2] = 5
    assert check_parity(scores, other_array, mask) == 0
    other_array[0, 1] = 5
    with pytest.raises(ParityError, match="up to 5"):
        check_parity(scores, other_array, mask)


def test_an_altered_graph_is_not_proven(
    engine: EncoderFit, network: Tagger, eval_rows: list[TrainingRow], exported: tuple[Path, Proof], tmp_path: Path
) -> None:
    rows = [row.encoded for row in eval_rows]
    altered = onnx.load(exported[0] / MODEL_FILE)
    words = next(array for array in altered.graph.initializer if "word_embeddings" in array.name)
    values = numpy_helper.to_array(words).copy()
    values[:, ::2] += 0.5
    words.CopyFrom(numpy_helper.from_array(values, words.name))
    onnx.save(altered, tmp_path / MODEL_FILE)
    error = graph_outputs(tmp_path / MODEL_FILE, engine.encoder, rows, network.head_outputs)[0]
    with pytest.raises(ParityError):
        check_parity(engine.answers(network, rows)[0], error, token_mask(rows))


def test_the_smaller_form_answers_where_it_loses_nothing_and_its_head_stays_as_it_is(
    engine: EncoderFit, network: Tagger, eval_rows: list[TrainingRow], tmp_path: Path
) -> None:
    rows, accuracy = [row.encoded for row in eval_rows], TagAccuracy(eval_rows)
    fp32 = engine.export(network, rows, tmp_path).outputs
    size = (tmp_path / MODEL_FILE).stat().st_size
    form = engine.shrink(network, rows, tmp_path, fp32, accuracy.score_loss, "held-out tags")
    assert form.name in ("int8", "int8-blocks") and "held-out tags" in form.because
    assert (tmp_path / MODEL_FILE).stat().st_size < size
    small = graph_outputs(tmp_path / MODEL_FILE, engine.encoder, rows, network.head_outputs)
    assert accuracy(small) >= accuracy(fp32) - 0.005
    types = {array.name: array.data_type for array in onnx.load(tmp_path / MODEL_FILE).graph.initializer}
    assert any(kind == onnx.TensorProto.FLOAT for name, kind in types.items() if name.startswith("model.output."))
    assert not any("quantized" in name for name in types if name.startswith("model.output."))


def test_a_form_that_loses_too_much_is_not_taken(
    engine: EncoderFit, network: Tagger, eval_rows: list[TrainingRow], tmp_path: Path
) -> None:
    rows = [row.encoded for row in eval_rows]
    fp32 = engine.export(network, rows, tmp_path).outputs
    before = (tmp_path / MODEL_FILE).read_bytes()
    form = engine.shrink(network, rows, tmp_path, fp32, lambda _before, _after: 0.004, "held-out tags")
    assert form.name == "int8-blocks" and form.because == "it loses 0.40% of held-out tags"
    (tmp_path / MODEL_FILE).write_bytes(before)
    form = engine.shrink(network, rows, tmp_path, fp32, lambda _before, _after: 0.1, "held-out tags")
    assert form.name == "fp32" and "int8-blocks would lose 10.00% of held-out tags" in form.because
    assert (tmp_path / MODEL_FILE).read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [MODEL_FILE, "tokenizer.json", "weights"]


@torch.no_grad()
def test_what_was_saved_is_loaded_and_answers_the_same(
    engine: EncoderFit, network: Tagger, eval_rows: list[TrainingRow], exported: tuple[Path, Proof]
) -> None:
    weights = exported[0] / "weights"
    assert sorted(path.name for path in weights.iterdir()) == ["encoder", "head.safetensors", "tagger.json"]
    rows = [row.encoded for row in eval_rows]
    for array, other_array in zip(
        engine.answers(load_tagger(weights), rows), engine.answers(network, rows), strict=True
    ):
        assert np.array_equal(array, other_array)


@pytest.mark.parametrize(
    "method", quick_and_slow(["head", "last-n", "lora", "prefix", "prompt"], quick=("head", "lora"))
)
def test_a_tuning_method_serves_outputs_per_token(engine: EncoderFit, method: str, tmp_path: Path) -> None:
    few = rows_of(engine, 4, seed=3)
    another = replace(engine)
    network = train_tagger(another, tmp_path / "state", few, method)
    losses = [entry["loss"] for entry in another.history if "loss" in entry]
    assert losses[-1] < 0.95 * losses[0]
    proof = another.export(network, [row.encoded for row in few], tmp_path / "model")
    assert proof.parity < 1e-2
    assert proof.outputs[0].shape[:2] == token_mask([row.encoded for row in few]).shape


def test_a_head_that_feeds_the_encoder_keeps_its_layers_at_work(engine: EncoderFit) -> None:
    network = seeded(engine.source.encoder(0))  # type: ignore[attr-defined]
    tune(network, recipe(method="head").tuning)
    assert frozen_layers(network)
    network.alters_inputs = True
    assert not frozen_layers(network)


def test_outputs_and_targets_of_a_batch_s_chunks_have_the_same_places(engine: EncoderFit, network: Tagger) -> None:
    rows = rows_of(engine, 20, seed=4)
    inputs = Collate(engine.encoder, token_tags)(rows)
    assert len(inputs["batches"]) > 1
    answer, targets = network.eval()(inputs["batches"]), inputs["targets"]
    assert answer.logits.shape[:2] == targets.shape == (len(rows), max(len(row.encoded) for row in rows))
    by_length = sorted(rows, key=lambda row: len(row.encoded))
    alone = network_outputs(network, engine.encoder, [row.encoded for row in by_length], bf16=False)[0]
    for at, row in enumerate(by_length):
        length = len(row.encoded)
        assert targets[at, :length].tolist() == row.target and (targets[at, length:] == IGNORED).all()
        assert answer.logits[at, :length].detach().numpy() == pytest.approx(alone[at, :length], abs=1e-4)
