"""Texts as the base model sees them, before anything is tuned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autogen.config import TrainingSettings
from autogen.data.neighbours import Floats
from autogen.models.sources import FromBaseModel
from autogen.tasks.encoding import TextEncoder
from autogen.training.precision import choose_precision
from autogen.training.trainer import answers


def embed(source: FromBaseModel, texts: Sequence[str], settings: TrainingSettings) -> Floats:
    """Embeddings of length one, (texts, hidden). Raises BaseModelError."""
    tokenizer, pad_id, limit = source.tokenizer()
    encoder = TextEncoder(tokenizer, min(limit, settings.max_length), pad_id)
    model = source.build(("0", "1"), settings.seed)
    bf16 = choose_precision(settings.precision) == "bf16"
    if not texts:
        return np.zeros((0, 1), np.float32)
    return answers(model, encoder, encoder.encode(texts), bf16, settings.eval_batch_size)[1]
