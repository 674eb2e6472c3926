"""Latency of two models side by side: interleaved, so that a busy machine slows both alike."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median

from autogen.tasks.text_classification.model import TunedModel

TEXTS, ROUNDS = 40, 3


def latency_ratio(candidate: TunedModel, champion: TunedModel, texts: Sequence[str]) -> float:
    """The median over single messages of candidate time ÷ champion time, the best of a few rounds each."""
    ratios = []
    for text in texts[:TEXTS]:
        pairs = [(_seconds(candidate, text), _seconds(champion, text)) for _ in range(ROUNDS)]
        ratios.append(min(first for first, _ in pairs) / min(second for _, second in pairs))
    return median(ratios) if ratios else 1.0


def _seconds(model: TunedModel, text: str) -> float:
    start = time.perf_counter()
    model.predict([text])
    return time.perf_counter() - start
