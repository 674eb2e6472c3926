"""The sequential model as an exported graph."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from autogen.tasks.recommendation.learning.sequential import SequentialModel
from autogen.training.export.graph import write_graph


class LastState(nn.Module):
    """What is sought after the last event of each sequence, with the items' vectors as they are now."""

    def __init__(self, model: SequentialModel) -> None:
        super().__init__()
        self.model, self.known = model, nn.Buffer(model.vectors().detach())

    def forward(self, *arrays: Tensor) -> Tensor:
        items, gaps = arrays
        states: Tensor = self.model(items, gaps, self.known)
        return states[:, -1]


def export_sequence(model: SequentialModel, path: Path) -> None:
    """Write the sequential model: inputs `items`, `gaps` (rows, length), output `sought` (rows, width) after the last
    event."""
    sample = {name: torch.zeros(2, 8, dtype=torch.int64) for name in ("items", "gaps")}
    write_graph(LastState(model), sample, ["sought"], path, model.sizes.length + 1)
