"""An encoder loaded for training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class BaseWeights:
    """A base model by its name, and the digest of its weights, once an adapter has been put in: hashing takes time."""

    name: str
    digest: str = ""


def mean_of_tokens(hidden: Tensor, mask: Tensor) -> Tensor:
    """The mean over the tokens that are not padding, in fp32: (rows, length, hidden) → (rows, hidden)."""
    weights = mask.unsqueeze(-1).to(torch.float32)
    return (hidden.float() * weights).sum(1) / weights.sum(1).clamp(min=1.0)


def load_encoder(auto_class: Any, source: Path | str, local: bool = True) -> Any:
    """An encoder in fp32 without a pooler (it would be random where the checkpoint has none).

    Attention is computed step by step ("eager"): for the short texts and small heads of an agent's encoder that was
    faster on a CPU than the fused kernel.
    """
    arguments: dict[str, Any] = {
        "attn_implementation": "eager",
        "dtype": torch.float32,
        "local_files_only": local,
    }
    with quiet_transformers():
        try:
            return auto_class.from_pretrained(source, add_pooling_layer=False, **arguments)
        except TypeError:  # an architecture that never had a pooler
            return auto_class.from_pretrained(source, **arguments)


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """No load report (a pooler left out is not news) and no bar of its own; as before afterwards."""
    from transformers.utils import logging

    verbosity, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bar:
            logging.enable_progress_bar()
