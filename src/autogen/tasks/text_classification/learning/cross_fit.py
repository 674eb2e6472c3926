"""What learning a batch does to older rows, told quickly: each row is answered by its nearest neighbours among those
learnt without the batch, and with it, itself left out.

By the base model's embeddings, not the champion's: that one has learnt the older rows, and would answer them rightly
whatever the batch says of texts like them. Neighbours, not a linear head: a batch of a few labels shifts what a head
expects everywhere, and one that is weighted against that no longer sees a label that the batch takes the rows of.
What was tried: docs/decisions/0025-gate-for-few-rows.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from autogen.data.fingerprints import row_fingerprint
from autogen.data.quality.heads import Vectors
from autogen.data.quality.near_duplicates import centred
from autogen.tasks.text_classification.rows import LabelledText, LearningData
from autogen.versions.scores import Scores

NEIGHBOURS = 10
SHARPNESS = 0.025  # of the weights exp((cosine − 1) ÷ this): near neighbours count for more
MOST_ROWS = 2_000  # older rows that are measured: more would only take longer
FEWEST_ROWS = 20
MOST_LEARNT = 10_000  # rows in all: of more, embedding them would take minutes, and eval rows are easily spared


@dataclass(frozen=True)
class CrossFit:
    """Rows to learn from and to answer. `older` and `joined`: places in `examples` of what is learnt without the batch
    and with it; `measured`: of the owner's older rows whose label the batch leaves alone."""

    examples: tuple[LabelledText, ...]
    older: tuple[int, ...]
    joined: tuple[int, ...]
    measured: tuple[int, ...]

    @classmethod
    def of_batch(cls, data: LearningData, read: LearningData, learnt: frozenset[str]) -> CrossFit | None:
        """`data`: with the batch; `read`: what files say, without feedback; `learnt`: fingerprints of older rows. None
        where there is no batch, too few older rows, or too many rows in all."""
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
        measured = measured[:: max(1, -(-len(measured) // MOST_ROWS))]  # files are often sorted: evenly, not the first
        if joined.keys() == older.keys() or len(measured) < FEWEST_ROWS or len(place) > MOST_LEARNT:
            return None
        places = (tuple(map(place.__getitem__, rows)) for rows in (older, joined))
        return cls(tuple(place), next(places), next(places), tuple(measured))

    def scores(self, vectors: Vectors) -> tuple[Scores, Scores]:
        """Without the batch, and with it. `vectors`: (examples, width)."""
        names = sorted({example.label for example in self.examples})
        gold = np.array([names.index(example.label) for example in self.examples], np.intp)
        normed, measured = centred(vectors), list(self.measured)
        similarities = normed[measured] @ normed.T
        similarities[np.arange(len(measured)), measured] = -np.inf  # a row has not learnt itself
        without, joined = (
            self._scores(np.array(names)[vote(similarities, gold, list(learnt))])
            for learnt in (self.older, self.joined)
        )
        return without, joined

    def _scores(self, answers: NDArray[np.str_]) -> Scores:
        examples = [self.examples[at] for at in self.measured]
        right = answers == np.array([example.label for example in examples])
        scores = accuracy_scores(examples, right, np.zeros(len(examples), bool))
        return replace(scores, taken_for=tuple(map(str, np.where(right, "", answers))))


def accuracy_scores(
    examples: Sequence[LabelledText], right: NDArray[np.bool_], from_feedback: NDArray[np.bool_]
) -> Scores:
    """Of rows that are each answered rightly or not; a group is a label."""
    return Scores(
        metric="accuracy",
        statistic="share",
        rows=tuple(row_fingerprint(example.text) for example in examples),
        counts=np.stack([right, np.ones(len(right))], axis=1).astype(np.float64),
        right=right,
        groups=tuple(example.label for example in examples),
        beyond=np.zeros(len(right), bool),
        from_feedback=from_feedback,
    )


def vote(similarities: NDArray[np.float32], gold: NDArray[np.intp], learnt: Sequence[int]) -> NDArray[np.intp]:
    """The label that each row's nearest learnt neighbours vote for. `similarities`: (rows, examples); `gold`: the label
    of each example, as a number."""
    places = np.asarray(learnt, np.intp)
    nearness = similarities[:, places]
    count = min(NEIGHBOURS, len(places))
    nearest = np.argpartition(-nearness, count - 1, axis=1)[:, :count]
    weights = np.exp((np.take_along_axis(nearness, nearest, axis=1) - 1) / SHARPNESS)
    votes = np.zeros((len(nearness), int(gold.max()) + 1))
    np.add.at(votes, (np.arange(len(nearness))[:, None], gold[places[nearest]]), weights)
    return np.asarray(votes.argmax(axis=1))
