"""A network as an exported graph, and the outputs of that graph."""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping, Sequence, Sized
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx_ir
import torch
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    RuntimeException,
)
from onnxruntime.capi.onnxruntime_pybind11_state import (
    NotImplemented as UnknownOperator,
)
from onnxscript import optimizer
from torch import Tensor, nn

from autogen.errors import VersionDamaged
from autogen.models.adapters import is_adapted, merge_adapters
from autogen.models.network import GraphOutput, Network
from autogen.runtime.session import ExportedModel
from autogen.training.export.traced import (
    fill_weights,
    keep_graph,
    place_of,
    read_graph,
    trace_graph,
    weights_of,
)
from autogen.training.loop.answers import Outputs, restore_order
from autogen.training.loop.batching import RowEncoder, length_batches

log = logging.getLogger(__name__)
# ONNX Runtime's, which have no base of their own
RUNTIME_ERRORS = (Fail, InvalidArgument, InvalidGraph, UnknownOperator, RuntimeException)
LONGEST = 100_000  # tokens of a row, which no model reads


class _Graph(nn.Module):
    """The network with the plain arguments that a graph has."""

    def __init__(self, model: Network) -> None:
        super().__init__()
        self.model = model

    def forward(self, *arrays: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.model.answer(dict(zip(self.model.input_names, arrays, strict=True))))


def export_graph(model: Network, path: Path) -> None:
    """Write the fp32 graph: the network's `input_names`, each (rows, length), and its `output_names`."""
    sample = {name: torch.ones(2, 8, dtype=torch.int64) for name in model.input_names}
    write_graph(_Graph(_merge_copy(model.cpu().eval())), sample, model.output_names, path, LONGEST)


def write_graph(
    module: nn.Module, sample: Mapping[str, Tensor], outputs: Sequence[str], path: Path, longest: int
) -> None:
    """Write a module as ONNX. Its inputs are (rows, length) as those of `sample`, for any number of rows and any length
    up to `longest`. The graph of an earlier module of the same structure is taken, where it agrees with this one."""
    module.eval()
    place = place_of(module, sample, outputs, longest)
    with quiet_loggers("torch.onnx", "onnxscript", "onnx_ir"):
        earlier_graph = read_graph(place) if place else None
        if earlier_graph is not None and _fits(earlier_graph, module, list(sample), path):
            return
        graph = trace_graph(module, sample, outputs, longest)
        if place:
            keep_graph(graph, place)
        _save(fill_weights(graph, weights_of(module)), path)


def _save(graph: onnx.ModelProto, path: Path) -> None:
    optimised = onnx_ir.from_proto(graph)
    optimizer.optimize_ir(optimised)
    onnx_ir.save(optimised, path)


def _fits(graph: onnx.ModelProto, module: nn.Module, inputs: Sequence[str], path: Path) -> bool:
    """Write a kept graph with the module's weights; whether it answers as the module does, for other rows and another
    length than it was traced with."""
    numbers = torch.arange(15).reshape(3, 5) % 2
    try:
        _save(fill_weights(graph, weights_of(module)), path)
        outputs = list(ExportedModel(path).run(dict.fromkeys(inputs, numbers.numpy())).values())
    except (VersionDamaged, ValueError, *RUNTIME_ERRORS) as error:  # whatever is wrong with it, it is traced anew
        log.info("a kept graph does not run: %s", error)
        return False
    with torch.inference_mode():
        answer = module(*[numbers] * len(inputs))
    expected = [answer] if isinstance(answer, Tensor) else list(answer)
    return len(outputs) == len(expected) and all(
        np.allclose(left, right.numpy(), atol=1e-3, equal_nan=True)
        for left, right in zip(outputs, expected, strict=True)
    )


def _merge_copy(model: Network) -> Network:
    """A copy whose backbone has what a tuning method added in its weights, where it can be: it answers faster."""
    if not is_adapted(model.backbone):
        return model
    copied = copy.deepcopy(model)
    copied.put_backbone(merge_adapters(copied.backbone))
    return copied


class quiet_loggers:
    """Loggers of these names keep to errors for a while."""

    def __init__(self, *names: str) -> None:
        self.loggers = [logging.getLogger(name) for name in names]

    def __enter__(self) -> None:
        self.levels = [logger.level for logger in self.loggers]
        for logger in self.loggers:
            logger.setLevel(logging.ERROR)

    def __exit__(self, *_: Any) -> None:
        for logger, level in zip(self.loggers, self.levels, strict=True):
            logger.setLevel(level)


def graph_outputs(
    path: Path, encoder: RowEncoder, rows: Sequence[Sized], outputs: Sequence[GraphOutput], batch_size: int = 32
) -> Outputs:
    """These outputs of an exported graph, as `answers` gives those of the network."""
    graph = ExportedModel(path)
    parts = []
    for places in length_batches(rows, batch_size):
        arrays = graph.run(dict(encoder.pad([rows[at] for at in places])))
        parts.append((places, [arrays[output.name] for output in outputs]))
    return restore_order(parts, outputs, list(map(len, rows)))
