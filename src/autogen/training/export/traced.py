"""Graphs kept from earlier exports.

To trace a network takes longer than to train it on few rows (`benchmarks/export.py`), and depends on its
structure alone: so the graph of a structure is kept, without the weights, in the user's cache folder. Filled with other
weights it is held against their module before it is used (`graph.write_graph`), and traced anew where they differ.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import inspect
import logging
import re
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import onnx
import torch
from google.protobuf.message import DecodeError
from onnx import numpy_helper
from torch import Tensor, nn

from autogen.errors import StorageError
from autogen.models.packaged.packaged_model import cache_folder
from autogen.storage.files import write_atomically

MOST_KEPT = 256  # graphs, of some hundred KB each at most
LIBRARIES = ("torch", "transformers", "peft", "onnxscript", "onnx")
ORIGIN = {"base", "name_or_path", "_name_or_path"}  # where a model came from is no part of what it is
ADDRESS = re.compile(" at 0x[0-9a-f]+")
log = logging.getLogger(__name__)


def graphs_folder() -> Path:
    """Where graphs are kept: `$AUTOGEN_CACHE/graphs`, else `autogen/graphs` in the user's cache. Raises StorageError
    where there is no home."""
    return cache_folder("graphs")


def place_of(module: nn.Module, sample: Mapping[str, Tensor], outputs: Sequence[str], longest: int) -> Path | None:
    """The file that holds the graph of a module of this structure, once one was exported. None where nothing can be
    kept."""
    try:
        return graphs_folder() / f"{_structure(module, list(sample), list(outputs), longest)}.onnx"
    except StorageError as error:
        log.info("no graph is kept: %s", error)
        return None


def trace_graph(
    module: nn.Module, sample: Mapping[str, Tensor], outputs: Sequence[str], longest: int
) -> onnx.ModelProto:
    """The graph of a module as torch's exporter traces it, not optimised, without the values of the weights."""
    return _strip_weights(_trace(module, sample, outputs, longest), weights_of(module))


def weights_of(module: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by every name that they have: tied ones have several."""
    parameters = dict(module.named_parameters(remove_duplicate=False))
    return parameters | dict(module.named_buffers(remove_duplicate=False))


def fill_weights(graph: onnx.ModelProto, weights: Mapping[str, Tensor]) -> onnx.ModelProto:
    """The graph with the values of these weights."""
    for tensor in graph.graph.initializer:
        if tensor.name in weights:
            values = weights[tensor.name].detach().cpu().contiguous().numpy()
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    return graph


def _trace(module: nn.Module, sample: Mapping[str, Tensor], outputs: Sequence[str], longest: int) -> onnx.ModelProto:
    dimensions = {0: torch.export.Dim("rows"), 1: torch.export.Dim("length", max=longest)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module,
            tuple(sample.values()),
            dynamo=True,
            verbose=False,
            optimize=False,
            input_names=list(sample),
            output_names=list(outputs),
            dynamic_shapes=(tuple(dimensions for _ in sample),),
        )
    assert program is not None  # as it is with dynamo
    return program.model_proto


def _strip_weights(graph: onnx.ModelProto, weights: Mapping[str, Tensor]) -> onnx.ModelProto:
    """Without the values of the weights, and without the places in the source that the exporter notes."""
    for tensor in graph.graph.initializer:
        if tensor.name in weights:
            tensor.ClearField("raw_data")
    for part in [*graph.graph.node, *(node for function in graph.functions for node in function.node)]:
        del part.metadata_props[:]
    return graph


def _structure(module: nn.Module, *arguments: object) -> str:
    """A digest of what a graph depends on but the weights' values: the modules' code, their plain attributes and
    configurations, the weights' shapes, what is exported of them, and the libraries' versions. What it cannot see, such
    as a function that was replaced, shows when the filled graph is held against the module."""
    parts = [f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES]
    parts += [str(arguments)]
    parts += [f"{name} {tuple(value.shape)} {value.dtype}" for name, value in weights_of(module).items()]
    parts += [line for name, part in module.named_modules() for line in _attributes(name, part)]
    parts += sorted({_source(base) for part in module.modules() for base in type(part).__mro__})
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _attributes(name: str, module: nn.Module) -> Iterator[str]:
    yield f"{name} {type(module).__module__}.{type(module).__qualname__}"
    for key, value in sorted(vars(module).items()):
        if key == "config" and hasattr(value, "__dict__"):
            yield f"{name}.{key} {[entry for entry in sorted(vars(value).items()) if entry[0] not in ORIGIN]}"
        elif isinstance(value, Tensor):  # no buffer, so the graph holds its values
            yield f"{name}.{key} {value.tolist()}"
        elif key not in ORIGIN and not key.startswith("_") and not isinstance(value, nn.Module):
            yield f"{name}.{key} {ADDRESS.sub('', repr(value))}"


def _source(kind: type) -> str:
    """The source of the module that a class is written in, for a library's the class's name: its version is known."""
    name = f"{kind.__module__}.{kind.__qualname__}"
    if kind.__module__.partition(".")[0] in {*LIBRARIES, "builtins"}:
        return name
    try:
        return f"{name} {inspect.getsource(sys.modules[kind.__module__])}"
    except (OSError, TypeError, KeyError):  # made in a console
        return name


def read_graph(path: Path) -> onnx.ModelProto | None:
    """The graph that was kept there; None where there is none, or no whole one."""
    try:
        graph = onnx.load_model_from_string(path.read_bytes())
    except (OSError, DecodeError):
        return None
    return graph if graph.graph.node else None


def keep_graph(graph: onnx.ModelProto, path: Path) -> None:
    """Keep a graph, and of the others the newest. A folder that cannot be written costs the next export its time."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, graph.SerializeToString())
        by_age = sorted(path.parent.glob("*.onnx"), key=lambda file: file.stat().st_mtime)
        for file in by_age[:-MOST_KEPT]:
            file.unlink(missing_ok=True)
    except (OSError, StorageError) as error:
        log.info("the graph is not kept in %s: %s", path.parent, error)
