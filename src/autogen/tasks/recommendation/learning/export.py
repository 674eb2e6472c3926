"""The sequential model as an exported graph."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from autogen.tasks.recommendation.learning.sequential import SequentialModel
from autogen.training.export.graph import write_graph


def export_sequence(model: SequentialModel, path: Path) -> None:
    """Write the sequential model: inputs `items`, `gaps` (rows, length), output `sought` (rows, width) after the last
    event."""

    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model, self.known = model, nn.Buffer(model.vectors().detach())

        def forward(self, *arrays: Tensor) -> Tensor:
            items, gaps = arrays
            found: Tensor = self.model(items, gaps, self.known)[:, -1]
            return found

    sample = {name: torch.zeros(2, 8, dtype=torch.int64) for name in ("items", "gaps")}
    write_graph(Last(), sample, ["sought"], path, model.sizes.length + 1)
