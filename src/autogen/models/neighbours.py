"""The neighbours of a row: examples of each label, remembered by their embeddings.

A label's vector says where its rows lie on the whole, its examples where they lie one by one. The two make different
mistakes, and their sum fewer than either (after Khandelwal et al. 2020, arXiv 1911.00172, for language models).
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

CONCENTRATION = 40.0  # how fast an example's influence falls with its distance; 20 and 10 were worse on the same rows
MOST_OF_A_LABEL = 32  # examples of one label
MOST_CELLS = 4_000_000  # examples times labels: memory and time stay bounded at a thousand labels
LEAST = 1e-35  # below it, float32 knows no logarithm


class Neighbours(nn.Module):
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
    def of(cls, embeddings: Tensor, gold: Sequence[int], label_vectors: Tensor) -> Neighbours:
        """The rows of `embeddings` (rows, hidden) with the labels `gold`. A label without a row has its own vector for
        an example."""
        labels = len(label_vectors)
        absent = sorted({*range(labels)} - {*gold})
        vectors = torch.cat([embeddings.to(torch.float32), label_vectors[absent].to(torch.float32)])
        owners = torch.tensor([*gold, *absent])
        members = functional.one_hot(owners, labels).to(torch.float32)
        return cls(functional.normalize(vectors, dim=-1), members / members.sum(dim=0))


def to_remember(gold: Sequence[int], labels: int, seed: int) -> list[int]:
    """Which rows, given their labels: all of a label's when they are few, else some at random; no row without one."""
    most = max(1, min(MOST_OF_A_LABEL, MOST_CELLS // labels**2))
    chance = random.Random(f"{seed}/neighbours")
    places: list[list[int]] = [[] for _ in range(labels)]
    for at, label in enumerate(gold):
        if label >= 0:
            places[label].append(at)
    return sorted(at for of_label in places for at in chance.sample(of_label, min(most, len(of_label))))
