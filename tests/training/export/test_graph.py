from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper

from autogen.errors import ParityError
from autogen.runtime.encoding import Encoded, TextEncoder
from autogen.runtime.session import ExportedModel
from autogen.tasks.text_classification.learning.classifier import Classifier, load_classifier
from autogen.training.export.graph import export_graph, graph_outputs
from autogen.training.export.parity import PARITY_TOLERANCE, check_parity
from autogen.training.export.quantise import INT8_FORMS
from autogen.training.loop.answers import network_outputs
from tests.training.conftest import examples

Logits = NDArray[np.float32]


def graph_logits(graph: Path, encoder: TextEncoder, rows: list[Encoded]) -> Logits:
    return graph_outputs(graph, encoder, rows, Classifier.outputs[:1])[0]


@pytest.fixture(scope="module")
def model(trained: Path) -> Classifier:
    return load_classifier(trained / ".autogen/versions/0001/models/support/intent/weights")


@pytest.fixture(scope="module")
def graph(model: Classifier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "model.onnx"
    export_graph(model, path)
    return path


@pytest.fixture(scope="module")
def rows(encoder: TextEncoder) -> list[Encoded]:
    """Of 2 to 64 tokens."""
    texts = [tensor.text * (1 + at % 7) for at, tensor in enumerate(examples(10, seed=4, oos=10))]
    return encoder.encode([*texts, "", "card"])


@pytest.fixture(scope="module")
def trained_logits(model: Classifier, encoder: TextEncoder, rows: list[Encoded]) -> Logits:
    return network_outputs(model, encoder, rows, bf16=False)[0]


def test_the_exported_graph_agrees_with_the_trained_model_at_every_length_and_number_of_rows(
    graph: Path, encoder: TextEncoder, rows: list[Encoded], trained_logits: Logits
) -> None:
    assert check_parity(trained_logits, graph_logits(graph, encoder, rows)) < 1e-3
    for at in range(0, len(rows), 7):
        assert graph_logits(graph, encoder, [rows[at]])[0] == pytest.approx(trained_logits[at], abs=1e-3)


def test_the_graph_gives_the_embedding_of_the_text_too(
    graph: Path, model: Classifier, encoder: TextEncoder, rows: list[Encoded]
) -> None:
    exported = ExportedModel(graph)
    assert exported.output_names == ["logits", "text_embedding"]
    assert exported.run(encoder.pad(rows))["text_embedding"] == pytest.approx(
        network_outputs(model, encoder, rows, bf16=False)[1], abs=1e-4
    )


def test_the_graph_is_one_file(graph: Path) -> None:
    assert [path.name for path in graph.parent.iterdir()] == ["model.onnx"]


@pytest.mark.parametrize("form", INT8_FORMS)
def test_an_int8_form_is_smaller_and_answers_nearly_the_same(
    form: str, graph: Path, encoder: TextEncoder, rows: list[Encoded], trained_logits: Logits, tmp_path: Path
) -> None:
    small = tmp_path / "model.onnx"
    quantiser, _ = INT8_FORMS[form]
    quantiser(graph, small, Classifier.embedding)
    logits = graph_logits(small, encoder, rows)
    assert small.stat().st_size < graph.stat().st_size
    assert np.abs(logits - trained_logits).mean() < 0.25
    assert np.mean(logits.argmax(axis=1) == trained_logits.argmax(axis=1)) > 0.9


@pytest.mark.parametrize("form", INT8_FORMS)
def test_an_int8_form_keeps_its_large_tables_in_bytes(form: str, graph: Path, tmp_path: Path) -> None:
    quantiser, _ = INT8_FORMS[form]
    quantiser(graph, tmp_path / "model.onnx", Classifier.embedding)
    graph_nodes = onnx.load(tmp_path / "model.onnx").graph
    looked_up = {node.input[0] for node in graph_nodes.node if node.op_type == "Gather"}
    tables = [tensor for tensor in graph_nodes.initializer if tensor.name in looked_up and tensor.dims[0] > 64]
    assert {(tensor.data_type, tensor.dims[1] > 1) for tensor in tables} == {
        (onnx.TensorProto.INT8, True),
        (onnx.TensorProto.FLOAT, False),  # the scales of their rows
    }


def test_an_altered_weight_of_the_graph_is_noticed(
    graph: Path, encoder: TextEncoder, rows: list[Encoded], trained_logits: Logits, tmp_path: Path
) -> None:
    altered = onnx.load(graph)
    largest = max(altered.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    values = numpy_helper.to_array(largest).copy()
    values[:, ::2] += 0.5  # of every other dimension: layer normalisation would undo it for all
    largest.CopyFrom(numpy_helper.from_array(values, largest.name))
    onnx.save(altered, tmp_path / "model.onnx")
    with pytest.raises(ParityError, match=r"logits differ by up to .*of \d+ predictions differ"):
        check_parity(trained_logits, graph_logits(tmp_path / "model.onnx", encoder, rows))


def test_equal_logits_agree(trained_logits: Logits) -> None:
    assert check_parity(trained_logits, trained_logits.copy()) == 0
    nearly = trained_logits + np.float32(PARITY_TOLERANCE / 2)
    assert check_parity(trained_logits, nearly) == pytest.approx(PARITY_TOLERANCE / 2, rel=0.01)


@pytest.mark.parametrize("value", [np.nan, np.inf, 2 * PARITY_TOLERANCE])
@pytest.mark.parametrize("side", ["trained", "exported"])
def test_one_logit_that_differs_or_is_no_number_is_enough_to_fail(
    trained_logits: Logits, side: str, value: float
) -> None:
    exported = trained_logits.copy()
    exported[3, 1] = exported[3, 1] + value
    pair = (exported, trained_logits) if side == "trained" else (trained_logits, exported)
    with pytest.raises(ParityError):
        check_parity(*pair)


def test_a_row_on_the_fence_may_fall_to_either_side() -> None:
    trained = np.array([[1.0, 1.001]], dtype=np.float32)
    exported = np.array([[1.001, 1.0]], dtype=np.float32)
    assert check_parity(trained, exported) == pytest.approx(0.001, rel=0.01)
