"""What a batch does to trusted rows without some of its own, told as quickly as for the whole of it (`cross_fit`): so
many parts of a batch can be tried.

Trusted rows are the older ones, each left out of what answers it, and feedback that is set aside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from autogen.data.quality.heads import Vectors
from autogen.data.quality.near_duplicates import centred
from autogen.tasks.text_classification.learning.cross_fit import NEIGHBOURS, SHARPNESS, CrossFit, accuracy_scores, vote
from autogen.tasks.text_classification.rows import LabelledText
from autogen.versions.scores import Scores

NEAREST = 200  # neighbours of a row that are looked up once, for all parts: seldom are more of them left out


@dataclass(frozen=True, eq=False)
class LeaveOut:
    """`set_aside`: examples that measure beside those of `fit`. `vectors`: embeddings of the examples of both, in that
    order."""

    fit: CrossFit
    set_aside: tuple[LabelledText, ...]
    vectors: Vectors

    @cached_property
    def examples(self) -> tuple[LabelledText, ...]:
        return (*self.fit.examples, *self.set_aside)

    @cached_property
    def measured(self) -> NDArray[np.intp]:
        """Places of the rows that are answered."""
        return np.array([*self.fit.measured, *range(len(self.fit.examples), len(self.examples))], np.intp)

    @cached_property
    def gold(self) -> NDArray[np.intp]:
        names = {name: at for at, name in enumerate(sorted({example.label for example in self.examples}))}
        return np.array([names[example.label] for example in self.examples], np.intp)

    @cached_property
    def similarities(self) -> NDArray[np.float32]:
        """(measured, examples to learn); a row has not learnt itself."""
        normed, count = centred(self.vectors), len(self.fit.examples)
        similarities = normed[self.measured] @ normed[:count].T
        own = self.measured < count
        similarities[np.flatnonzero(own), self.measured[own]] = -np.inf
        return similarities

    @cached_property
    def nearest(self) -> NDArray[np.intp]:
        """(measured, NEAREST): the nearest of all, whatever is learnt, the nearest first."""
        count = min(NEAREST, self.similarities.shape[1])
        places = np.argpartition(-self.similarities, count - 1, axis=1)[:, :count]
        order = np.argsort(-np.take_along_axis(self.similarities, places, axis=1), axis=1)
        return np.asarray(np.take_along_axis(places, order, axis=1))

    def scores(self, left_out: frozenset[str]) -> Scores:
        """Of the trusted rows, those of these texts aside: learnt is the batch without them."""
        learnt = self._learnt(left_out)
        texts = [self.examples[at].text for at in self.measured]
        is_asked = np.array([text not in left_out for text in texts], bool)
        right = (self._answers(learnt) == self.gold[self.measured])[is_asked]
        places = self.measured[is_asked]
        return accuracy_scores([self.examples[at] for at in places], right, places >= len(self.fit.examples))

    def _learnt(self, left_out: frozenset[str]) -> NDArray[np.bool_]:
        """Which examples are learnt: where a row that took an older one's place is left out, that is back."""
        learnt = np.zeros(len(self.fit.examples), bool)
        learnt[list(self.fit.joined)] = True
        texts = np.array([example.text in left_out for example in self.fit.examples], bool)
        older = np.zeros(len(learnt), bool)
        older[list(self.fit.older)] = True
        return np.where(texts, older, learnt)

    def _answers(self, learnt: NDArray[np.bool_]) -> NDArray[np.intp]:
        """What each measured row's nearest learnt neighbours vote for."""
        taken = learnt[self.nearest]
        taken &= taken.cumsum(axis=1) <= NEIGHBOURS
        nearness = np.take_along_axis(self.similarities, self.nearest, axis=1)
        weights = np.where(taken, np.exp((nearness - 1) / SHARPNESS), 0.0)
        labels = int(self.gold.max()) + 1
        cells = np.arange(len(taken))[:, None] * labels + self.gold[self.nearest]
        votes = np.bincount(cells.ravel(), weights.ravel(), minlength=len(taken) * labels).reshape(-1, labels)
        answers = votes.argmax(axis=1)
        few = np.flatnonzero(taken.sum(axis=1) < min(NEIGHBOURS, int(learnt.sum()) - 1))
        if len(few):  # so many neighbours are left out that those looked up are not enough
            answers[few] = vote(self.similarities[few], self.gold, np.flatnonzero(learnt).tolist())
        return np.asarray(answers)


def trusted_set_aside(fit: CrossFit, set_aside: Sequence[LabelledText]) -> tuple[LabelledText, ...]:
    """Of the rows set aside those that are none of the others."""
    texts = {example.text for example in fit.examples}
    return tuple(example for example in dict.fromkeys(set_aside) if example.text not in texts)
