"""Smaller forms of an exported graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from autogen.training.export.graph import quiet_loggers

TABLE = 64  # rows from which a table of embeddings is worth making smaller


def quantise(fp32: Path, target: Path, embedding: str) -> None:
    """Dynamic int8 of the encoder's matrix products, one scale per output channel (onnxruntime's own quantiser). The
    fastest. `embedding`: the graph's output that the head reads."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with quiet_loggers("root"):
        quantize_dynamic(
            _small_tables(fp32),
            target,
            weight_type=QuantType.QInt8,
            per_channel=True,
            op_types_to_quantize=["MatMul", "Gemm"],
            nodes_to_exclude=_head_nodes(fp32, embedding),
        )


def quantise_in_blocks(fp32: Path, target: Path, embedding: str) -> None:
    """int8 with a scale for every 64 weights and activations (onnxruntime's MatMulNBits): a quarter of the error of
    `quantise`, at twice its time."""
    from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer

    with quiet_loggers("onnxruntime.quantization.matmul_nbits_quantizer"):
        blocks = DefaultWeightOnlyQuantConfig(block_size=64, is_symmetric=True, accuracy_level=4, bits=8)
        quantiser = MatMulNBitsQuantizer(
            _small_tables(fp32), algo_config=blocks, nodes_to_exclude=_head_nodes(fp32, embedding)
        )
        quantiser.process()
        quantiser.model.save_model_to_file(str(target), False)


def _small_tables(fp32: Path) -> Any:
    """The graph with its embedding tables in int8, a scale for each row: a quarter of what is most of a small model,
    and nearly all of a multilingual one. onnxruntime's quantisers leave tables alone or take one scale for all rows."""
    import onnx

    model = onnx.load(fp32)
    tables = {
        tensor.name: tensor for tensor in model.graph.initializer if len(tensor.dims) == 2 and tensor.dims[0] >= TABLE
    }
    nodes = []
    for node in model.graph.node:
        if node.op_type == "Gather" and node.input[0] in tables:
            nodes += _gather_bytes(model.graph, tables[node.input[0]], node)
        else:
            nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    inputs = {name for node in nodes for name in node.input}
    for name in tables.keys() - inputs:
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


def _head_nodes(graph: Path, embedding: str) -> list[str]:
    """What comes after the embedding: small and sensitive, so it stays in fp32."""
    import onnx

    downstream, names = {embedding}, []
    for node in onnx.load(graph).graph.node:  # in the order of their running
        if downstream & {*node.input}:
            downstream |= {*node.output}
            names.append(node.name)
    return names


# The forms that answer, fastest first, with the held-out score that each may lose; fp32 when none keeps within it.
MOST_LOST = 0.005
INT8_FORMS = {"int8": (quantise, 0.0025), "int8-blocks": (quantise_in_blocks, MOST_LOST)}
