"""What is learnt, and by what an epoch is chosen. Several processes are told of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

from autogen.tasks.token_classification.decoding import EntityDecoder
from autogen.tasks.token_classification.learning.network import Tagging
from autogen.tasks.token_classification.metrics import f1_of, span_counts
from autogen.tasks.token_classification.rows import Span
from autogen.tasks.token_classification.windows import EncodedText, unit_scores
from autogen.training.loop.answers import Outputs
from autogen.training.loop.batching import IGNORED


@dataclass(frozen=True)
class TaggingLoss:
    """The mean cross-entropy over the tokens that have a target: (rows, length)."""

    label_smoothing: float

    def __call__(self, answer: Tagging, targets: Tensor) -> Tensor:
        length = min(answer.logits.shape[1], targets.shape[1])
        logits, gold = answer.logits[:, :length].flatten(0, 1), targets[:, :length].flatten()
        loss: Tensor = functional.cross_entropy(
            logits, gold, ignore_index=IGNORED, label_smoothing=self.label_smoothing
        )
        return loss


@dataclass(frozen=True)
class EntityF1:
    """F1 of the entities that are decoded from the windows of some texts."""

    texts: Sequence[EncodedText]
    gold: Sequence[Sequence[Span]]
    decoder: EntityDecoder

    def __call__(self, outputs: Outputs) -> float:
        predicted = self.decoder.spans(self.texts, unit_scores(self.texts, list(outputs[0])))
        return f1_of(span_counts(predicted, self.gold).sum(axis=0))

    def lost(self, before: Outputs, after: Outputs) -> float:
        return self(before) - self(after)
