"""A network as an exported graph, and the outputs of that graph."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from autogen.models.adapters import is_adapted, merged
from autogen.runtime.encoding import Encoded, TextEncoder
from autogen.runtime.session import ExportedModel
from autogen.tasks.text_classification.learning.classifier import Classifier

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


def graph_logits(path: Path, encoder: TextEncoder, rows: Sequence[Encoded]) -> NDArray[np.float32]:
    """Logits of an exported graph, in the order of the rows."""
    graph = ExportedModel(path)
    found: list[Any] = [None] * len(rows)
    for places, arrays in encoder.sorted_batches(rows, 32):
        for at, logits in zip(places, graph.run(arrays)["logits"], strict=True):
            found[at] = logits
    return np.stack(found)
