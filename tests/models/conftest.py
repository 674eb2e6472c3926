from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from autogen.models.base_models import find_base_model
from autogen.runtime.encoding import TextEncoder
from autogen.tasks.text_classification.learning.classifier import SequenceClassifier
from autogen.tasks.text_classification.learning.sources import FromBaseModel
from tests.tiny import rows

LABELS = ("card_arrival", "exchange_rate", "lost_card")


@pytest.fixture(scope="session")
def source(tiny_base_model: Path) -> FromBaseModel:
    return FromBaseModel(find_base_model(str(tiny_base_model)))


@pytest.fixture(scope="session")
def encoder(tiny_base_model: Path) -> TextEncoder:
    return TextEncoder.load(tiny_base_model, max_length=64, pad_id=0)


@pytest.fixture(scope="session")
def batch(encoder: TextEncoder) -> dict[str, Tensor]:
    """A few rows of different lengths."""
    texts = [text * (1 + at % 3) for at, (text, _) in enumerate(rows(2, seed=5))]
    return tensors(encoder, texts)


@pytest.fixture
def own_model(tiny_base_model: Path) -> Any:
    """A transformers classifier as a user would build it."""
    return owners_model(tiny_base_model)


def tensors(encoder: TextEncoder, texts: Sequence[str]) -> dict[str, Tensor]:
    arrays = encoder.pad(encoder.encode(texts))
    return {name: torch.from_numpy(values) for name, values in arrays.items()}


def owners_model(folder: Path, labels: Sequence[str] = LABELS) -> Any:
    from transformers import AutoModelForSequenceClassification

    torch.manual_seed(3)
    return AutoModelForSequenceClassification.from_pretrained(folder, id2label=dict(enumerate(labels))).eval()


def wrapped(model: Any) -> SequenceClassifier:
    return SequenceClassifier(model)
