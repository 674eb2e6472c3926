from __future__ import annotations

import numpy as np

from autogen.tasks.text_classification.answers import Answers
from autogen.tasks.text_classification.decoding import TextClassification


def answered(labels: int, rows: int, oos: int = 0, names: str = "label_{}", seed: int = 0) -> Answers:
    """What a model might answer: mostly right, each label sometimes taken for its neighbour."""
    chance = np.random.default_rng(seed)
    gold = np.arange(rows) % labels
    logits = chance.normal(0, 1, (rows + oos, labels)).astype(np.float32)
    logits[np.arange(rows), gold] += 5
    logits[np.arange(rows), (gold ^ 1) % labels] += chance.exponential(2, rows)
    label_names = tuple(names.replace("{}", str(at)) for at in range(labels))
    truth = [label_names[at] for at in gold] + ["oos"] * oos
    threshold = float(np.quantile(logits[:rows].max(axis=1), 0.02)) if rows else 0.0
    task = TextClassification(label_names, threshold=threshold)
    return Answers([f"text {at}" for at in range(rows + oos)], truth, task.decode(logits), task.threshold)
