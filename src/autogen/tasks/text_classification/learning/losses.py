"""Losses for classifiers: cross-entropy, and the supervised contrastive loss added when examples are few."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from autogen.models.network import NetworkOutput


@dataclass(frozen=True)
class ClassificationLoss:
    """`classification_loss` with its weights, as the loop is handed it."""

    label_smoothing: float
    contrastive_weight: float
    outlier_weight: float

    def __call__(self, answer: NetworkOutput, gold: Tensor) -> Tensor:
        return classification_loss(answer, gold, self.label_smoothing, self.contrastive_weight, self.outlier_weight)


def classification_loss(
    answer: NetworkOutput, gold: Tensor, label_smoothing: float, contrastive_weight: float, outlier_weight: float
) -> Tensor:
    """Mean loss over rows; `gold` holds label indices, -1 for rows out of scope.

    Out-of-scope rows are pulled towards no label at all (outlier exposure, Hendrycks et al. 2019).
    """
    in_scope = gold >= 0
    loss = answer.logits.sum() * 0.0
    if in_scope.any():
        logits, labels = answer.logits[in_scope], gold[in_scope]
        loss = loss + functional.cross_entropy(logits, labels, label_smoothing=label_smoothing)
        if contrastive_weight:
            loss = loss + contrastive_weight * supervised_contrastive(answer.embedding[in_scope], labels)
    if outlier_weight and not in_scope.all():
        share = (~in_scope).float().mean()
        loss = loss - outlier_weight * share * functional.log_softmax(answer.logits[~in_scope], dim=-1).mean()
    return loss


def supervised_contrastive(embedding: Tensor, gold: Tensor, temperature: float = 0.07) -> Tensor:
    """Khosla et al. 2020, equation 2: rows of one label attract each other, all others repel. Embeddings of length one;
    0 when no label occurs twice. Cost grows with the square of the batch, not with the number of pairs in the data."""
    itself = torch.eye(len(gold), dtype=torch.bool, device=gold.device)
    same = (gold[:, None] == gold[None, :]) & ~itself
    logits = (embedding @ embedding.T / temperature).masked_fill(itself, -1e9)
    log_share = logits - logits.logsumexp(dim=1, keepdim=True)
    paired = same.any(dim=1)
    if not paired.any():
        return embedding.sum() * 0.0
    return -((log_share * same).sum(dim=1)[paired] / same.sum(dim=1)[paired]).mean()
