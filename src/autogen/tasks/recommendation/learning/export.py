"""The sequential model as an exported graph."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from autogen.tasks.recommendation.learning.sequential import SequentialModel
from autogen.training.export.graph import _quiet


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
