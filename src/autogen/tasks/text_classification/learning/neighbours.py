"""The neighbours of a row: examples of each label, remembered by their embeddings.

A label's vector says where its rows lie on the whole, its examples where they lie one by one. The two make different
mistakes, and their sum fewer than either (after Khandelwal et al. 2020, arXiv 1911.00172, for language models).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

CONCENTRATION = 40.0  # how fast an example's influence falls with its distance; 20 and 10 were worse on the same rows
MOST_CELLS = 4_000_000  # examples times labels, 16 MB: with more, a model would grow by more than it gains
LEAST = 1e-35  # below it, float32 knows no logarithm


class NeighbourScorer(nn.Module):
    """log of the mean of exp(κ · (cosine − 1)) over the examples of each label: the logarithm of a kernel density
    estimate on the sphere (Hall, Watson & Cabrera 1987)."""

    vectors: Tensor  # (examples, hidden), of length one
    members: Tensor  # (examples, labels): an example's share of its label

    def __init__(self, vectors: Tensor, members: Tensor) -> None:
        super().__init__()
        self.register_buffer("vectors", vectors)
        self.register_buffer("members", members)

    def forward(self, embedding: Tensor) -> Tensor:
        """(rows, hidden), of length one → (rows, labels)."""
        near = torch.exp(CONCENTRATION * (embedding @ self.vectors.T - 1.0))
        return torch.log(near @ self.members + LEAST)

    @classmethod
    def of(cls, embeddings: Tensor, gold: Sequence[int], label_vectors: Tensor) -> NeighbourScorer:
        """The rows of `embeddings` (rows, hidden) with the labels `gold`; those of none (below 0) are left out. A label
        without a row has its own vector for an example."""
        labels = len(label_vectors)
        labelled_at = [at for at, label in enumerate(gold) if label >= 0]
        unseen_labels = sorted({*range(labels)} - {*gold})
        vectors = torch.cat([embeddings[labelled_at].to(torch.float32), label_vectors[unseen_labels].to(torch.float32)])
        owners = torch.tensor([*(gold[at] for at in labelled_at), *unseen_labels])
        members = functional.one_hot(owners, labels).to(torch.float32)
        return cls(functional.normalize(vectors, dim=-1), members / members.sum(dim=0))
