from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from autogen.config.training import TrainingSettings
from autogen.models.base_models import find_base_model
from autogen.models.network import Network
from autogen.progress import TrainingProgress
from autogen.runtime.encoding import Encoded, TextEncoder
from autogen.tasks.text_classification.decoding import TextClassification
from autogen.tasks.text_classification.learning.classifier_fit import labelled, loop_recipe
from autogen.tasks.text_classification.learning.losses import ClassificationLoss
from autogen.tasks.text_classification.learning.sources import FromBaseModel
from autogen.tasks.text_classification.recipe import ClassifierRecipe, choose_recipe
from autogen.tasks.text_classification.rows import LabelledText
from autogen.training.loop.answers import Outputs
from autogen.training.loop.batching import TrainingRow
from autogen.training.loop.recipe import Objective
from autogen.training.loop.trainer import Fit, RunOptions
from tests.tiny import TOPICS, rows

LABELS = tuple(sorted(TOPICS))
QUIET = TrainingProgress(quiet=True)
ONCE = RunOptions()


@pytest.fixture(scope="session")
def source(tiny_base_model: Path) -> FromBaseModel:
    return FromBaseModel(find_base_model(str(tiny_base_model)))


@pytest.fixture(scope="session")
def encoder(tiny_base_model: Path) -> TextEncoder:
    return TextEncoder.load(tiny_base_model, max_length=64, pad_id=0)


def examples(per_label: int, seed: int, oos: int = 0) -> list[LabelledText]:
    return [LabelledText(text, label) for text, label in rows(per_label, seed=seed, oos=oos)]


def encoded(encoder: TextEncoder, rows: Sequence[LabelledText]) -> list[TrainingRow]:
    gold = TextClassification(LABELS).gold([example.label for example in rows])
    texts = encoder.encode([example.text for example in rows])
    return [labelled(row, int(label)) for row, label in zip(texts, gold, strict=True)]


def recipe(per_label: int = 10, **settings: object) -> ClassifierRecipe:
    """All that was left open, chosen for this many rows of each label."""
    values = {"epochs": 3, "learning_rate": 5e-3, "freeze_embeddings": False, **settings}
    labels = [label for label in LABELS for _ in range(per_label)]
    return choose_recipe(TrainingSettings.model_validate(values), labels, continued=False, own_head=False)


def fit_of(
    model: Network,
    chosen: ClassifierRecipe,
    rows: Sequence[TrainingRow],
    encoder: TextEncoder,
    state: Path,
    eval_rows: Sequence[Encoded] = (),
    score: Callable[[Outputs], float] | None = None,
    bf16: bool = False,
    options: RunOptions = ONCE,
) -> Fit:
    """One run of the loop that learns to classify."""
    loss = ClassificationLoss(chosen.label_smoothing, chosen.contrastive_weight, chosen.outlier_weight)
    objective = Objective(loss, score=score)
    return Fit(model, loop_recipe(chosen), objective, rows, eval_rows, encoder, bf16, state, options=options)
