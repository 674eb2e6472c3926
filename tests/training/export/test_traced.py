"""Graphs are traced once for each structure, and never mistaken for another's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from torch import Tensor, nn

from autogen.runtime.session import ExportedModel
from autogen.training.export import traced
from autogen.training.export.graph import write_graph

TOKENS = np.array([[3, 1, 2]], dtype=np.int64)


class Scaled(nn.Module):
    """A vector for each token, times a number that no weight holds."""

    def __init__(self, factor: float = 2.0, width: int = 4) -> None:
        super().__init__()
        self.factor = factor
        self.embedding = nn.Embedding(8, width)
        self.shift = nn.Buffer(torch.rand(width), persistent=False)

    def forward(self, *arrays: Tensor) -> Tensor:
        vectors: Tensor = self.embedding(arrays[0]) * self.factor + self.shift
        return vectors


class Fixed(Scaled):
    """With a tensor that is no buffer, so that the graph itself holds it."""

    def __init__(self, added: float) -> None:
        super().__init__()
        self.added = torch.tensor([added])

    def forward(self, *arrays: Tensor) -> Tensor:
        return super().forward(*arrays) + self.added


class Remembering(Scaled):
    """With as many remembered rows as it was made with, and a configuration of its own."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.config = {"rows": "remembered"}
        self.rows = nn.Buffer(torch.rand(rows, 4))

    def forward(self, *arrays: Tensor) -> Tensor:
        return super().forward(*arrays) @ self.rows.T @ self.rows + self.rows.shape[0]


class Tied(nn.Module):
    """Two layers that share one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Embedding(8, 4), nn.Embedding(8, 4)
        self.second.weight = self.first.weight

    def forward(self, *arrays: Tensor) -> Tensor:
        return self.first(arrays[0]) + 2 * self.second(arrays[0])


class Calling(Scaled):
    """Whose function may be replaced without its structure changing."""

    def forward(self, *arrays: Tensor) -> Tensor:
        return changed(super().forward(*arrays))


def changed(vectors: Tensor) -> Tensor:
    return vectors * 2


@pytest.fixture
def graph_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "graph_cache"))
    return traced.graphs_folder()


def export_agrees(module: nn.Module, path: Path) -> bool:
    write_graph(module, {"tokens": torch.ones(2, 8, dtype=torch.int64)}, ["vectors"], path, longest=100)
    expected = module(torch.from_numpy(TOKENS)).detach().numpy()
    return np.allclose(ExportedModel(path).run({"tokens": TOKENS})["vectors"], expected)


def test_other_weights_of_one_structure_need_no_second_tracing(graph_cache: Path, tmp_path: Path) -> None:
    assert export_agrees(Scaled(), tmp_path / "first.onnx")
    [graph] = graph_cache.iterdir()
    written = graph.stat().st_mtime_ns
    assert export_agrees(Scaled(), tmp_path / "second.onnx")
    assert [graph] == list(graph_cache.iterdir()) and graph.stat().st_mtime_ns == written


@pytest.mark.parametrize("variants", [[Scaled(3.0)], [Scaled(width=6)], [Fixed(1.0), Fixed(5.0)]])
def test_what_the_weights_do_not_hold_tells_structures_apart(
    variants: list[nn.Module], graph_cache: Path, tmp_path: Path
) -> None:
    for at, module in enumerate([Scaled(), *variants]):
        assert export_agrees(module, tmp_path / f"{at}.onnx")
    assert len(list(graph_cache.iterdir())) == 1 + len(variants)


@pytest.mark.usefixtures("graph_cache")
def test_remembered_rows_may_become_more_and_fewer(tmp_path: Path) -> None:
    for rows in (5, 7, 3):
        assert export_agrees(Remembering(rows), tmp_path / "model.onnx")


@pytest.mark.usefixtures("graph_cache")
def test_tied_weights_are_those_of_the_module(tmp_path: Path) -> None:
    for _ in range(2):
        assert export_agrees(Tied(), tmp_path / "model.onnx")


def test_a_graph_that_no_longer_agrees_is_traced_anew(
    graph_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert export_agrees(Calling(), tmp_path / "first.onnx")
    monkeypatch.setitem(globals(), "changed", lambda vectors: vectors * 3)
    assert export_agrees(Calling(), tmp_path / "second.onnx")
    assert len(list(graph_cache.iterdir())) == 1


def test_a_kept_graph_that_loads_but_does_not_run_is_traced_anew(graph_cache: Path, tmp_path: Path) -> None:
    assert export_agrees(Scaled(), tmp_path / "first.onnx")
    [graph] = graph_cache.iterdir()
    nodes = [
        helper.make_node("Cast", ["tokens"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["numbers", "seven"], ["vectors"]),
    ]
    tokens = helper.make_tensor_value_info("tokens", TensorProto.INT64, ["rows", "length"])
    vectors = helper.make_tensor_value_info("vectors", TensorProto.FLOAT, [7])
    seven = helper.make_tensor("seven", TensorProto.INT64, [1], [7])
    wrong = helper.make_graph(nodes, "wrong", [tokens], [vectors], [seven])
    opsets = [helper.make_opsetid("", 18)]
    graph.write_bytes(helper.make_model(wrong, opset_imports=opsets, ir_version=10).SerializeToString())
    assert export_agrees(Scaled(), tmp_path / "second.onnx")


@pytest.mark.parametrize("content", [b"", b"not a graph"])
def test_a_broken_graph_is_traced_anew(content: bytes, graph_cache: Path, tmp_path: Path) -> None:
    assert export_agrees(Scaled(), tmp_path / "first.onnx")
    [graph] = graph_cache.iterdir()
    graph.write_bytes(content)
    assert export_agrees(Scaled(), tmp_path / "second.onnx")
    assert graph.read_bytes() != content


@pytest.mark.usefixtures("graph_cache")
def test_a_folder_that_cannot_be_made_only_costs_time(tmp_path: Path) -> None:
    (tmp_path / "graph_cache").write_text("a file where the folder would be")
    assert export_agrees(Scaled(), tmp_path / "model.onnx")


def test_kept_graphs_hold_no_weights_and_exported_ones_no_places_in_the_source(
    graph_cache: Path, tmp_path: Path
) -> None:
    assert export_agrees(Scaled(), tmp_path / "model.onnx")
    [graph] = graph_cache.iterdir()
    weights = {tensor.name: tensor for tensor in onnx.load(graph).graph.initializer}
    assert not weights["embedding.weight"].raw_data
    assert str(Path(__file__).parent).encode() not in (tmp_path / "model.onnx").read_bytes()


def test_only_the_newest_graphs_are_kept(graph_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traced, "MOST_KEPT", 1)
    for factor in (2.0, 3.0):
        assert export_agrees(Scaled(factor), tmp_path / "model.onnx")
    assert len(list(graph_cache.iterdir())) == 1
