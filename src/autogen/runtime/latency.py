"""Latency of two models side by side: interleaved, so that a busy machine slows both alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median

QUESTIONS, ROUNDS = 40, 3

Question = Callable[[], object]


def latency_ratio(candidate: Sequence[Question], champion: Sequence[Question]) -> float:
    """The median over single questions, the same to both, of candidate time ÷ champion time, the best of a few rounds
    each; 1 where there are none."""
    ratios = []
    for candidate_question, champion_question in zip(candidate[:QUESTIONS], champion[:QUESTIONS], strict=False):
        pairs = [(_seconds(candidate_question), _seconds(champion_question)) for _ in range(ROUNDS)]
        ratios.append(min(first for first, _ in pairs) / min(second for _, second in pairs))
    return median(ratios) if ratios else 1.0


def _seconds(question: Question) -> float:
    start = time.perf_counter()
    question()
    return time.perf_counter() - start
