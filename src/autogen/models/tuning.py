"""Tuning methods: which of a model's parameters learn.

A method is a function from a model to nothing: it sets `requires_grad`. Methods that add parameters (LoRA, prefix,
adapters) will wrap the encoder here too, in the same table.
"""

from __future__ import annotations

from collections.abc import Callable

from autogen.models.classifier import Classifier


def full(model: Classifier, freeze_embeddings: bool) -> None:
    """Everything learns; the word embeddings, half of a small model and rarely worth moving, may stay as they are."""
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    if freeze_embeddings:
        model.word_embeddings().requires_grad_(False)


def head(model: Classifier, freeze_embeddings: bool) -> None:  # noqa: ARG001 all methods take the same arguments
    """Only the head learns, on the encoder as it is."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(model.is_head(name))


METHODS: dict[str, Callable[[Classifier, bool], None]] = {"full": full, "head": head}


def trainable_share(model: Classifier) -> tuple[int, int]:
    """(parameters that learn, all parameters)."""
    counts = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return sum(n for n, learns in counts if learns), sum(n for n, _ in counts)
