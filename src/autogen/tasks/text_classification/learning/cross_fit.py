"""What learning a batch does to older rows, told quickly: heads on frozen embeddings, cross-fitted.

The base model, not the champion: that one has learnt the older rows, and would answer them rightly whatever the batch
says of texts like them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from autogen.data.fingerprints import row_fingerprint
from autogen.data.quality.heads import Gold, Vectors, Weights, probabilities
from autogen.data.splits import folds
from autogen.tasks.text_classification.rows import LabelledText, LearningData
from autogen.versions.scores import Scores

FOLDS = 5
MOST_ROWS = 1_000  # older rows that are measured; more would only take longer
FEWEST_ROWS = 20
WEIGHTS: Weights = "balanced"  # else a batch of a few labels alone would draw all other rows to them


@dataclass(frozen=True)
class CrossFit:
    """Rows for heads to learn from. `older` and `joined`: places in `examples` of what is learnt without the batch and
    with it; `measured`: of the owner's older rows whose label the batch leaves alone."""

    examples: tuple[LabelledText, ...]
    older: tuple[int, ...]
    joined: tuple[int, ...]
    measured: tuple[int, ...]
    seed: int

    @classmethod
    def of_batch(cls, data: LearningData, read: LearningData, learnt: frozenset[str], seed: int) -> CrossFit | None:
        """`data`: with the batch; `read`: what files say, without feedback; `learnt`: fingerprints of older rows. None
        where there is no batch, or too few older rows."""
        from_files = {example: None for example in read.train.examples if row_fingerprint(example.text) in learnt}
        texts = {example.text for example in from_files}
        fed_before = [
            example
            for example in data.train.examples
            if example.text not in texts and row_fingerprint(example.text) in learnt
        ]
        joined = dict.fromkeys(data.train.examples)
        older = dict.fromkeys([*from_files, *fed_before])
        place = {example: at for at, example in enumerate(dict.fromkeys([*older, *joined]))}
        measured = [place[example] for example in from_files if example in joined]
        if joined.keys() == older.keys() or len(measured) < FEWEST_ROWS:
            return None
        rows = tuple(place)
        return cls(rows, tuple(map(place.__getitem__, older)), tuple(map(place.__getitem__, joined)), tuple(measured), seed)

    def scores(self, vectors: Vectors) -> tuple[Scores, Scores]:
        """Without the batch, and with it. `vectors`: (examples, width)."""
        names = sorted({example.label for example in self.examples})
        gold: Gold = np.array([names.index(example.label) for example in self.examples], np.intp)
        texts, labels = ([getattr(self.examples[at], name) for at in self.measured] for name in ("text", "label"))
        guesses = np.full((2, len(self.examples)), -1, np.intp)
        for _, eval_places in folds(texts, labels, FOLDS, self.seed):
            held_out = {self.measured[at] for at in eval_places}
            for guess, learnt_rows in zip(guesses, (self.older, self.joined), strict=True):
                train = [at for at in learnt_rows if at not in held_out]
                rows = sorted(held_out)
                guess[rows] = probabilities(vectors, gold, train, rows, len(names), WEIGHTS).argmax(axis=1)
        answered = [at for at in self.measured if guesses[0, at] >= 0]
        without, joined = (self._scores(answered, guess[answered] == gold[answered]) for guess in guesses)
        return without, joined

    def _scores(self, places: Sequence[int], right: NDArray[np.bool_]) -> Scores:
        examples, nothing = [self.examples[at] for at in places], np.zeros(len(places), bool)
        return Scores(
            metric="accuracy",
            statistic="share",
            rows=tuple(row_fingerprint(example.text) for example in examples),
            counts=np.stack([right, np.ones(len(places))], axis=1).astype(np.float64),
            right=right,
            groups=tuple(example.label for example in examples),
            beyond=nothing,
            from_feedback=nothing,
        )
