"""Learning from texts without labels: pseudo-labels by label propagation, the head fitted to them, and a guard.

Labels spread from the labelled rows along nearest neighbours in the tuned model's own embeddings, and the label vectors
are fitted anew to all rows and texts. The encoder stays: hundreds of texts a label say where its middle is, at the cost
of embedding each once. Pseudo-labels are known to harm now and then, so the model so taught must answer more held-out
rows rightly than the one without; else the one without stays. Without held-out rows a part of the training rows is held
back for that comparison, and a model is trained on what remains.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import binomtest

from autogen.data.quality.neighbours import Floats
from autogen.data.splits import folds
from autogen.progress import TrainingProgress
from autogen.runtime.encoding import TextEncoder
from autogen.tasks.text_classification.decoding import TextClassification
from autogen.tasks.text_classification.learning.classifier import Classifier, CosineClassifier
from autogen.tasks.text_classification.learning.label_vectors import fit_vectors
from autogen.tasks.text_classification.learning.propagation import propagate
from autogen.tasks.text_classification.metrics import auroc
from autogen.tasks.text_classification.rows import Example
from autogen.training.loop.answers import network_outputs

MOST_TEXTS = 20_000  # comparing them all with each other grows with their square
CROWD = (
    1.5  # times the mean number of texts a label: a label takes no more, so that a skewed log does not teach its skew
)
PARTS = 3  # of the training rows one is held back where there are no held-out rows
LIKE_HELD_OUT = 0.1  # a text must score as high as all but this share of the held-out rows
AUROC_MAY_LOSE = 0.01
OUTSIDE = -1  # the index of rows that are out of scope

Train = Callable[[Sequence[Example]], Classifier]


@dataclass(frozen=True)
class FromUnlabelled:
    """What became of the unlabelled texts."""

    texts: int  # read
    taught: int  # pseudo-labelled, and learnt from or tried
    used: bool
    gain: float  # in accuracy, on rows that neither model has learnt from
    measured: int  # how many those were
    chance: float  # of as large a difference between two equally good models (exact McNemar test)
    because: str

    def __str__(self) -> str:
        if not self.measured:
            return f"unlabelled: {self.because}"
        change = f"{100 * self.gain:+.1f} points on {self.measured:,} held-out rows, p = {self.chance:.2g}"
        if self.used:
            return f"unlabelled: used {self.taught:,} of {self.texts:,} texts, {change}"
        return f"unlabelled: reverted, {self.because} ({self.taught:,} of {self.texts:,} texts tried: {change})"


def not_used(texts: Sequence[str], because: str) -> FromUnlabelled:
    return FromUnlabelled(len(texts), 0, False, 0.0, 0, 1.0, f"{len(texts):,} texts not used, for {because}")


@dataclass(frozen=True)
class Taught:
    """The model that stays, the texts it learnt besides its rows, and why it is this one."""

    model: Classifier
    texts: tuple[str, ...]
    report: FromUnlabelled
    held_back: tuple[Floats, list[str]] | None = None  # logits of such a model for rows it has not seen; their labels


@dataclass(frozen=True)
class SelfTraining:
    """One use of unlabelled texts. `train` makes a model of rows anew, as the run that asks would."""

    train: Train
    encoder: TextEncoder
    task: TextClassification
    texts: Sequence[str]
    bf16: bool
    batch_size: int
    seed: int
    progress: TrainingProgress

    def run(self, plain: Classifier, rows: Sequence[Example], held_out: Sequence[Example]) -> Taught:
        """`plain` was trained on `rows`; `held_out` is what it may be measured on, perhaps nothing."""
        if not isinstance(plain, CosineClassifier):
            return Taught(plain, (), not_used(self.texts, "the model has a head of its own"))
        if any(row.text_pair for row in rows):
            return Taught(plain, (), not_used(self.texts, "the training rows are pairs of texts"))
        if held_out:
            return self._tried(plain, rows, held_out, self._floor(plain, held_out))
        inside, outside = _held_back(rows, self.seed)
        if not outside:
            return Taught(plain, (), not_used(self.texts, "no rows to judge by"))
        without = self.train(inside)
        floor = self._floor(without, outside)
        tried = self._tried(without, inside, outside, floor)
        if not tried.report.used:
            return Taught(plain, (), tried.report)
        model, texts = self._taught(plain, rows, floor)
        measured = self._answers(tried.model, outside)[0], [row.label for row in outside]
        return Taught(model, texts, replace(tried.report, taught=len(texts)), measured)

    def _tried(self, plain: Classifier, rows: Sequence[Example], held_out: Sequence[Example], floor: float) -> Taught:
        """The model taught by the texts too, if it answers held-out rows better; else `plain`."""
        model, texts = self._taught(plain, rows, floor)
        if len(texts) < len(rows):  # label vectors fitted to little more than the rows are worse than tuned ones
            because = f"only {len(texts):,} of them look like any label, fewer than the {len(rows):,} labelled rows"
            return Taught(plain, (), not_used(self.texts, because))
        before, after = (self._answers(one, held_out)[0] for one in (plain, model))
        used, gain, measured, chance, because = _compared(before, after, self._gold(held_out))
        report = FromUnlabelled(len(self.texts), len(texts), used, gain, measured, chance, because)
        return Taught(model, texts, report) if used else Taught(plain, (), report)

    def _floor(self, model: Classifier, held_out: Sequence[Example]) -> float:
        """The score above which most held-out rows lie: a text below it is of another kind than those."""
        inside = [row for row in held_out if row.label in self.task.labels]
        return float(np.quantile(self._answers(model, inside)[0].max(axis=1), LIKE_HELD_OUT)) if inside else np.inf

    def _taught(self, plain: Classifier, rows: Sequence[Example], floor: float) -> tuple[Classifier, tuple[str, ...]]:
        """A copy whose label vectors are fitted to rows and pseudo-labelled texts, and those texts."""
        texts = [Example(text, "") for text in _sample(self.texts, self.seed)]
        self.progress.say(f"Reading {len(texts):,} unlabelled texts …")
        gold, known = self._gold(rows), self._answers(plain, rows)[1]
        logits, points = self._answers(plain, texts)
        chosen, labels = self._pseudo_labels(known, gold, points, logits.max(axis=1) >= floor)
        model = copy.deepcopy(plain)
        assert isinstance(model, CosineClassifier)
        every = torch.from_numpy(np.concatenate([known, points[chosen]]))
        model.set_vectors(fit_vectors(model.vectors.detach(), every, torch.from_numpy(np.concatenate([gold, labels]))))
        return model, tuple(texts[at].text for at in chosen)

    def _pseudo_labels(
        self, known: Floats, gold: NDArray[np.intp], points: Floats, alike: NDArray[np.bool_]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Which texts to learn, and the index of each one's label. Rows out of scope draw their like away."""
        outside = len(self.task.labels)
        shares = propagate(known, np.where(gold == OUTSIDE, outside, gold), points, outside + 1)
        sure = shares.max(axis=1) * alike
        found = np.where(sure > 0, shares.argmax(axis=1), outside)
        most = int(np.ceil(CROWD * (found < outside).sum() / outside))
        chosen = [np.flatnonzero(found == label) for label in range(outside)]
        surest = [at[np.argsort(-sure[at], kind="stable")[:most]] for at in chosen]
        places = np.concatenate(surest).astype(np.intp)
        return places, found[places].astype(np.intp)

    def _answers(self, model: Classifier, rows: Sequence[Example]) -> tuple[Floats, Floats]:
        texts = self.encoder.encode([row.text for row in rows])
        logits, embeddings = network_outputs(model, self.encoder, texts, self.bf16, self.batch_size)
        return logits, embeddings

    def _gold(self, rows: Sequence[Example]) -> NDArray[np.intp]:
        return self.task.gold([row.label for row in rows])


def _compared(before: Floats, after: Floats, gold: NDArray[np.intp]) -> tuple[bool, float, int, float, str]:
    """Whether `after` is better, by how much, on how many rows, the chance of that, and why not."""
    known = gold >= 0
    was, now = (logits.argmax(axis=1)[known] == gold[known] for logits in (before, after))
    gained, lost = int((now & ~was).sum()), int((was & ~now).sum())
    gain = (gained - lost) / max(int(known.sum()), 1)
    chance = float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0
    because = "" if gain > 0 else "no better on held-out rows"
    if (gold == OUTSIDE).any() and _scope_auroc(after, gold) < _scope_auroc(before, gold) - AUROC_MAY_LOSE:
        because = "out-of-scope rows would be told apart less well"
    return not because, gain, int(known.sum()), chance, because


def _scope_auroc(logits: Floats, gold: NDArray[np.intp]) -> float:
    scores = logits.max(axis=1)
    return auroc(scores[gold >= 0].tolist(), scores[gold == OUTSIDE].tolist())


def _held_back(rows: Sequence[Example], seed: int) -> tuple[list[Example], list[Example]]:
    """Training rows to learn from, and some of them to judge by; none where every label has a single row."""
    parts = folds([row.text for row in rows], [row.label for row in rows], PARTS, seed)
    inside, outside = parts[0] if parts else (range(len(rows)), [])
    return [rows[at] for at in inside], [rows[at] for at in outside]


def _sample(texts: Sequence[str], seed: int) -> Sequence[str]:
    """All of them, or as many as can be compared with each other."""
    return texts if len(texts) <= MOST_TEXTS else random.Random(seed).sample(texts, MOST_TEXTS)
