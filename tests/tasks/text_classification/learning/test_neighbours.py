from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from autogen.tasks.text_classification.learning.classifier import CosineClassifier, load_classifier
from autogen.tasks.text_classification.learning.neighbours import CONCENTRATION, NeighbourScorer
from autogen.tasks.text_classification.learning.sources import FromBaseModel
from tests.models.conftest import LABELS


def sphere(rows: int, seed: int = 0) -> torch.Tensor:
    return functional.normalize(torch.randn(rows, 8, generator=torch.Generator().manual_seed(seed)), dim=-1)


def test_a_label_scores_by_the_nearness_of_its_examples() -> None:
    examples, query, gold = sphere(6), sphere(3, seed=1), [0, 0, 0, 1, 1, 2]
    scores = NeighbourScorer.of(examples, gold, sphere(3, seed=2))(query)
    near = np.exp(CONCENTRATION * ((query @ examples.T).double().numpy() - 1))
    expected = np.stack([np.log(near[:, np.array(gold) == label].mean(axis=1)) for label in range(3)], axis=1)
    assert np.abs(scores.numpy() - expected).max() < 1e-3


def test_a_label_without_a_row_has_its_own_vector_for_an_example() -> None:
    labels = sphere(3, seed=2)
    scores = NeighbourScorer.of(sphere(2), [0, 2], labels)(labels)
    assert abs(float(scores[1, 1])) < 1e-3 and int(scores[1].argmax()) == 1


def test_a_row_far_from_every_example_has_a_finite_score() -> None:
    examples = sphere(2)
    assert torch.isfinite(NeighbourScorer.of(examples, [0, 1], examples)(-examples)).all()


def test_rows_of_no_label_are_left_out() -> None:
    examples, labels = sphere(3), sphere(2, seed=2)
    assert len(NeighbourScorer.of(examples, [0, -1, 1], labels).vectors) == 2


def test_neighbours_are_saved_with_the_head(source: FromBaseModel, batch: dict[str, Any], tmp_path: Path) -> None:
    model = source.build(LABELS, seed=0).eval()
    assert isinstance(model, CosineClassifier)
    alone = model.answer(batch)
    rows = functional.normalize(torch.randn(5, alone.embedding.shape[1]), dim=-1)
    model.neighbours = NeighbourScorer.of(rows, [0, 0, 1, 1, 1], model.vectors.detach())
    model.save(tmp_path)
    loaded = load_classifier(tmp_path).eval()
    logits = loaded.answer(batch).logits
    assert torch.allclose(logits, model.answer(batch).logits, atol=1e-5)
    assert torch.allclose(logits, alone.logits + model.neighbours(alone.embedding), atol=1e-4)
    loaded.grow(len(LABELS) + 1)
    assert loaded.neighbours is None
