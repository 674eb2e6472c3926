from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from autogen.models.network import NetworkOutput
from autogen.tasks.text_classification.learning.losses import classification_loss, supervised_contrastive

GOLD = st.lists(st.integers(0, 3), min_size=1, max_size=10)


def answer(rows: int, seed: int = 0) -> NetworkOutput:
    chance = torch.Generator().manual_seed(seed)
    embedding = functional.normalize(torch.randn(rows, 8, generator=chance, dtype=torch.float64), dim=-1)
    return NetworkOutput((torch.randn(rows, 4, generator=chance, dtype=torch.float64) * 3).requires_grad_(), embedding)


def contrastive_by_the_paper(embedding: Tensor, gold: list[int], temperature: float) -> float:
    """Khosla et al. 2020, equation 2, in loops: mean over the rows i that have a positive p."""
    losses = []
    for i, label in enumerate(gold):
        positives = [p for p in range(len(gold)) if p != i and gold[p] == label]
        if positives:
            others = [math.exp(embedding[i] @ embedding[a] / temperature) for a in range(len(gold)) if a != i]
            shares = [math.exp(embedding[i] @ embedding[p] / temperature) / sum(others) for p in positives]
            losses.append(-sum(math.log(share) for share in shares) / len(positives))
    return sum(losses) / len(losses) if losses else 0.0


@given(GOLD, st.sampled_from([0.07, 0.5]))
def test_the_contrastive_loss_is_that_of_the_paper(gold: list[int], temperature: float) -> None:
    embedding = answer(len(gold)).embedding
    loss = supervised_contrastive(embedding, torch.tensor(gold), temperature)
    assert loss.item() == pytest.approx(contrastive_by_the_paper(embedding, gold, temperature), rel=1e-6)


def test_labels_that_occur_once_have_no_contrast_and_no_gradient() -> None:
    embedding = answer(4).embedding.clone().requires_grad_()
    loss = supervised_contrastive(embedding, torch.tensor([0, 1, 2, 3]))
    loss.backward()
    assert loss.item() == 0 and embedding.grad is not None and not embedding.grad.any()


def by_hand(output: NetworkOutput, gold: list[int], smoothing: float, contrastive: float, outlier: float) -> float:
    """Row by row: smoothed cross-entropy of in-scope rows, cross-entropy to no label at all of the others."""
    in_scope = [at for at, label in enumerate(gold) if label >= 0]
    out_of_scope = [at for at, label in enumerate(gold) if label < 0]
    logs = [[value - math.log(sum(map(math.exp, row))) for value in row] for row in output.logits.tolist()]
    loss = 0.0
    for at in in_scope:
        even = sum(logs[at]) / len(logs[at])
        loss -= ((1 - smoothing) * logs[at][gold[at]] + smoothing * even) / len(in_scope)
    if in_scope and contrastive:
        loss += contrastive * contrastive_by_the_paper(output.embedding[in_scope], [gold[at] for at in in_scope], 0.07)
    for at in out_of_scope:
        loss -= outlier * sum(logs[at]) / len(logs[at]) / len(gold)
    return loss


@given(
    st.lists(st.integers(-1, 3), min_size=1, max_size=10),
    st.sampled_from([0.0, 0.1]),
    st.sampled_from([0.0, 0.5]),
    st.sampled_from([0.0, 0.5]),
)
def test_the_whole_loss_is_the_sum_of_its_parts(
    gold: list[int], smoothing: float, contrastive: float, outlier: float
) -> None:
    output = answer(len(gold))
    loss = classification_loss(output, torch.tensor(gold), smoothing, contrastive, outlier)
    assert loss.item() == pytest.approx(by_hand(output, gold, smoothing, contrastive, outlier), rel=1e-6)
    loss.backward()
    assert output.logits.grad is not None and output.logits.grad.isfinite().all()


def test_out_of_scope_rows_are_pulled_towards_no_label() -> None:
    logits = torch.tensor([[5.0, 0, 0]], requires_grad=True)
    classification_loss(NetworkOutput(logits, torch.ones(1, 2)), torch.tensor([-1]), 0, 0, 0.5).backward()
    assert logits.grad is not None
    assert logits.grad[0, 0] > 0 and (logits.grad[0, 1:] < 0).all()
