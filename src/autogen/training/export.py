"""The trained model to the form that answers: ONNX, proven to agree, and int8 where that loses nothing."""

from __future__ import annotations

import copy
import json
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from autogen.errors import ParityError
from autogen.models.adapters import is_adapted, merged
from autogen.models.base_models import BaseModel
from autogen.models.classifier import Classifier
from autogen.models.sequential import SequentialModel
from autogen.models.sources import FromBaseModel
from autogen.runtime.session import MODEL_FILE, ExportedModel
from autogen.runtime.text_encoder import ENCODER_FILE
from autogen.tasks.encoding import TOKENIZER_FILE, Encoded, TextEncoder

PARITY_TOLERANCE = 0.01  # largest allowed difference of a logit; a cosine logit spans about ±20
TABLE = 64  # rows from which a table of embeddings is worth making smaller
INPUTS = ("input_ids", "attention_mask", "token_type_ids")


class _Graph(nn.Module):
    """The classifier with the plain arguments that a graph has."""

    def __init__(self, model: Classifier) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        types = torch.zeros_like(input_ids) if token_type_ids is None else token_type_ids
        answer = self.model.answer({"input_ids": input_ids, "attention_mask": attention_mask, "token_type_ids": types})
        return answer.logits, answer.embedding


def export_graph(model: Classifier, path: Path) -> None:
    """Write the fp32 graph: inputs (rows, length), outputs `logits` (rows, labels), `text_embedding` (rows, hidden)."""
    names = INPUTS if model.has_token_types else INPUTS[:2]
    sample = tuple(torch.ones(2, 8, dtype=torch.int64) for _ in names)
    rows, length = torch.export.Dim("rows"), torch.export.Dim("length", max=100_000)
    graph = _Graph(_merged(model.cpu().eval()))
    with warnings.catch_warnings(), _quiet("torch.onnx", "onnxscript", "onnx_ir"):
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph,
            sample,
            str(path),
            dynamo=True,
            verbose=False,
            input_names=list(names),
            output_names=["logits", "text_embedding"],
            dynamic_shapes=tuple({0: rows, 1: length} for _ in names),
            external_data=False,
        )


def export_sequence(model: SequentialModel, path: Path) -> None:
    """Write the sequential model: inputs `items`, `gaps` (rows, length), output `sought` (rows, width) after the last
    event."""

    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model, self.known = model, nn.Buffer(model.vectors().detach())

        def forward(self, items: Tensor, gaps: Tensor) -> Tensor:
            found: Tensor = self.model(items, gaps, self.known)[:, -1]
            return found

    sample = torch.zeros(2, 8, dtype=torch.int64), torch.zeros(2, 8, dtype=torch.int64)
    rows, length = torch.export.Dim("rows"), torch.export.Dim("length", max=model.sizes.length + 1)
    with warnings.catch_warnings(), _quiet("torch.onnx", "onnxscript", "onnx_ir"):
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Last().eval(),
            sample,
            str(path),
            dynamo=True,
            verbose=False,
            input_names=["items", "gaps"],
            output_names=["sought"],
            dynamic_shapes=({0: rows, 1: length}, {0: rows, 1: length}),
            external_data=False,
        )


def export_text_encoder(base: BaseModel, folder: Path, max_length: int) -> None:
    """The base model as it is, in int8, with its tokenizer: texts to mean token vectors (`runtime.text_encoder`)."""
    source = FromBaseModel(base)
    tokenizer, pad_id, limit = source.tokenizer()
    folder.mkdir(parents=True, exist_ok=True)
    whole = folder / "fp32.onnx"
    export_graph(source.build(("a", "b"), seed=0), whole)
    quantise(whole, folder / MODEL_FILE)
    whole.unlink()
    tokenizer.save(str(folder / TOKENIZER_FILE))
    card = {"max_length": min(limit, max_length), "pad_id": pad_id, "base_model": source.name}
    (folder / ENCODER_FILE).write_text(json.dumps(card), "utf-8")


def _merged(model: Classifier) -> Classifier:
    """A copy whose backbone has what a tuning method added in its weights, where it can be: it answers faster."""
    if not is_adapted(model.backbone):
        return model
    whole = copy.deepcopy(model)
    whole.put_backbone(merged(whole.backbone))
    return whole


class _quiet:
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


def check_parity(trained: NDArray[np.float32], exported: NDArray[np.float32]) -> float:
    """The largest difference of a logit, rows being (rows, labels).

    Raises ParityError when it is above PARITY_TOLERANCE, or when a row's best label differs although the trained model
    preferred it by more than twice that.
    """
    difference = np.abs(trained - exported).max(axis=1)
    ordered = np.sort(trained, axis=1)
    clear = (
        ordered[:, -1] - ordered[:, -2] > 2 * PARITY_TOLERANCE if trained.shape[1] > 1 else np.ones(len(trained), bool)
    )
    differs = (trained.argmax(axis=1) != exported.argmax(axis=1)) & clear
    agrees = difference.max() <= PARITY_TOLERANCE  # not so when either side is no number
    if not agrees or differs.any():
        raise ParityError(
            f"The exported model does not agree with the trained one: logits differ by up to {difference.max():.4g} "
            f"(at most {PARITY_TOLERANCE} is accepted), {int(differs.sum())} of {len(trained)} predictions differ. "
            "The version was not made; what answers now is unchanged."
        )
    return float(difference.max())


def quantise(fp32: Path, target: Path) -> None:
    """Dynamic int8 of the encoder's matrix products, one scale per output channel (onnxruntime's own quantiser). The
    fastest."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with _quiet("root"):
        quantize_dynamic(
            _small_tables(fp32),
            target,
            weight_type=QuantType.QInt8,
            per_channel=True,
            op_types_to_quantize=["MatMul", "Gemm"],
            nodes_to_exclude=_head_nodes(fp32),
        )


def quantise_in_blocks(fp32: Path, target: Path) -> None:
    """int8 with a scale for every 64 weights and activations (onnxruntime's MatMulNBits): a quarter of the error of
    `quantise`, at twice its time."""
    from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer

    with _quiet("onnxruntime.quantization.matmul_nbits_quantizer"):
        blocks = DefaultWeightOnlyQuantConfig(block_size=64, is_symmetric=True, accuracy_level=4, bits=8)
        quantiser = MatMulNBitsQuantizer(_small_tables(fp32), algo_config=blocks, nodes_to_exclude=_head_nodes(fp32))
        quantiser.process()
        quantiser.model.save_model_to_file(str(target), False)


def _small_tables(fp32: Path) -> Any:
    """The graph with its embedding tables in int8, a scale for each row: a quarter of what is most of a small model,
    and nearly all of a multilingual one. onnxruntime's quantisers leave tables alone or take one scale for all rows."""
    import onnx

    model = onnx.load(fp32)
    tables = {one.name: one for one in model.graph.initializer if len(one.dims) == 2 and one.dims[0] >= TABLE}
    nodes = []
    for node in model.graph.node:
        if node.op_type == "Gather" and node.input[0] in tables:
            nodes += _gather_bytes(model.graph, tables[node.input[0]], node)
        else:
            nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    for name in tables.keys() - used:
        model.graph.initializer.remove(tables[name])
    return model


def _gather_bytes(graph: Any, table: Any, gather: Any) -> list[Any]:
    """Nodes that look the same rows up in a table of bytes, and their scales, which are put into the graph."""
    from onnx import TensorProto, helper, numpy_helper

    values = numpy_helper.to_array(table)
    scales = np.maximum(np.abs(values).max(axis=1, keepdims=True), 1e-12) / 127
    name, ids, out = gather.name, gather.input[1], gather.output[0]
    for kind, array in (("bytes", np.rint(values / scales).astype(np.int8)), ("scales", scales.astype(values.dtype))):
        graph.initializer.append(numpy_helper.from_array(array, f"{name}.{kind}"))
    return [
        helper.make_node("Gather", [f"{name}.bytes", ids], [f"{out}.bytes"], f"{name}.bytes"),
        helper.make_node("Gather", [f"{name}.scales", ids], [f"{out}.scales"], f"{name}.scales"),
        helper.make_node("Cast", [f"{out}.bytes"], [f"{out}.values"], f"{name}.cast", to=TensorProto.FLOAT),
        helper.make_node("Mul", [f"{out}.values", f"{out}.scales"], [out], f"{name}.scaled"),
    ]


def _head_nodes(graph: Path) -> list[str]:
    """What comes after the embedding: small and sensitive, so it stays in fp32."""
    import onnx

    after, names = {"text_embedding"}, []
    for node in onnx.load(graph).graph.node:  # in the order of their running
        if after & {*node.input}:
            after |= {*node.output}
            names.append(node.name)
    return names


# The forms that answer, fastest first, with the held-out accuracy that each may lose; fp32 when none keeps within it.
MOST_LOST = 0.005
INT8_FORMS = {"int8": (quantise, 0.0025), "int8-blocks": (quantise_in_blocks, MOST_LOST)}


def graph_logits(path: Path, encoder: TextEncoder, rows: Sequence[Encoded]) -> NDArray[np.float32]:
    """Logits of an exported graph, in the order of the rows."""
    graph = ExportedModel(path)
    found: list[Any] = [None] * len(rows)
    for places, arrays in encoder.sorted_batches(rows, 32):
        for at, logits in zip(places, graph.run(arrays)["logits"], strict=True):
            found[at] = logits
    return np.stack(found)
