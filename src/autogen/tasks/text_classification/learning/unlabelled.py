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
from scipy.special import bdtr

from autogen.data.quality.neighbours import Floats
from autogen.data.splits import folds
from autogen.progress import TrainingProgress
from autogen.runtime.encoding import TextEncoder
from autogen.tasks.text_classification.decoding import TextClassification
from autogen.tasks.text_classification.learning.classifier import Classifier, CosineClassifier
from autogen.tasks.text_classification.learning.label_vectors import fit_vectors
from autogen.tasks.text_classification.learning.propagation import propagate
from autogen.tasks.text_classification.metrics import auroc
from autogen.tasks.text_classification.rows import LabelledText
from autogen.training.loop.answers import network_outputs

MOST_TEXTS = 20_000  # comparing them all with each other grows with their square
# times the mean number of texts a label: a label takes no more, so that a skewed log does not teach its skew
CROWD = 1.5
PARTS = 3  # of the training rows one is held back where there are no held-out rows
LIKE_HELD_OUT = 0.1  # a text must score as high as all but this share of the held-out rows
AUROC_MAY_LOSE = 0.01
OUT_OF_SCOPE = -1  # the index of rows that are out of scope

Train = Callable[[Sequence[LabelledText]], Classifier]


@dataclass(frozen=True)
class UnlabelledReport:
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


def not_used(texts: Sequence[str], because: str) -> UnlabelledReport:
    return UnlabelledReport(len(texts), 0, False, 0.0, 0, 1.0, f"{len(texts):,} texts not used, for {because}")


@dataclass(frozen=True)
class SelfTrainingResult:
    """The model that stays, the texts it learnt besides its rows, and why it is this one. `unseen`: where training rows
    were held back, logits of a model like it for those, and their labels."""

    model: Classifier
    texts: tuple[str, ...]
    report: UnlabelledReport
    unseen: tuple[Floats, list[str]] | None = None


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

    def run(
        self, plain: Classifier, rows: Sequence[LabelledText], eval_rows: Sequence[LabelledText]
    ) -> SelfTrainingResult:
        """`plain` was trained on `rows`; `eval_rows` is what it may be measured on, perhaps nothing."""
        if not isinstance(plain, CosineClassifier):
            return SelfTrainingResult(plain, (), not_used(self.texts, "the model has a head of its own"))
        if any(row.text_pair for row in rows):
            return SelfTrainingResult(plain, (), not_used(self.texts, "the training rows are pairs of texts"))
        if eval_rows:
            return self._keep_better(plain, rows, eval_rows, self._floor(plain, eval_rows))
        train, held_back = _hold_back(rows, self.seed)
        if not held_back:
            return SelfTrainingResult(plain, (), not_used(self.texts, "no rows to judge by"))
        smaller = self.train(train)
        floor = self._floor(smaller, held_back)
        trial = self._keep_better(smaller, train, held_back, floor)
        if not trial.report.used:
            return SelfTrainingResult(plain, (), trial.report)
        model, texts = self._fit_to_texts(plain, rows, floor)
        unseen = self._answers(trial.model, held_back)[0], [row.label for row in held_back]
        return SelfTrainingResult(model, texts, replace(trial.report, taught=len(texts)), unseen)

    def _keep_better(
        self, plain: Classifier, rows: Sequence[LabelledText], eval_rows: Sequence[LabelledText], floor: float
    ) -> SelfTrainingResult:
        """The model fitted to the texts too, if it answers eval rows better; else `plain`."""
        model, texts = self._fit_to_texts(plain, rows, floor)
        if len(texts) < len(rows):  # label vectors fitted to little more than the rows are worse than tuned ones
            because = f"only {len(texts):,} of them look like any label, fewer than the {len(rows):,} labelled rows"
            return SelfTrainingResult(plain, (), not_used(self.texts, because))
        before, after = (self._answers(classifier, eval_rows)[0] for classifier in (plain, model))
        comparison = _compare(before, after, self._gold(eval_rows))
        report = UnlabelledReport(
            texts=len(self.texts),
            taught=len(texts),
            used=comparison.better,
            gain=comparison.gain,
            measured=comparison.rows,
            chance=comparison.chance,
            because=comparison.because,
        )
        return SelfTrainingResult(model, texts, report) if report.used else SelfTrainingResult(plain, (), report)

    def _floor(self, model: Classifier, eval_rows: Sequence[LabelledText]) -> float:
        """The score above which most eval rows lie: a text below it is of another kind than those."""
        in_scope = [row for row in eval_rows if row.label in self.task.labels]
        return float(np.quantile(self._answers(model, in_scope)[0].max(axis=1), LIKE_HELD_OUT)) if in_scope else np.inf

    def _fit_to_texts(
        self, plain: Classifier, rows: Sequence[LabelledText], floor: float
    ) -> tuple[Classifier, tuple[str, ...]]:
        """A copy whose label vectors are fitted to rows and pseudo-labelled texts, and those texts."""
        texts = [LabelledText(text, "") for text in _sample(self.texts, self.seed)]
        self.progress.say(f"Reading {len(texts):,} unlabelled texts …")
        gold, row_points = self._gold(rows), self._answers(plain, rows)[1]
        logits, points = self._answers(plain, texts)
        chosen, labels = self._pseudo_labels(row_points, gold, points, logits.max(axis=1) >= floor)
        model = copy.deepcopy(plain)
        assert isinstance(model, CosineClassifier)
        all_points = torch.from_numpy(np.concatenate([row_points, points[chosen]]))
        all_labels = torch.from_numpy(np.concatenate([gold, labels]))
        model.set_vectors(fit_vectors(model.vectors.detach(), all_points, all_labels))
        return model, tuple(texts[at].text for at in chosen)

    def _pseudo_labels(
        self, row_points: Floats, gold: NDArray[np.intp], points: Floats, is_alike: NDArray[np.bool_]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Which texts to learn, and the index of each one's label. Rows out of scope draw their like away.
        `row_points`, `points`: embeddings of rows and of texts; `is_alike`: which texts score as rows do."""
        out_of_scope = len(self.task.labels)
        shares = propagate(row_points, np.where(gold == OUT_OF_SCOPE, out_of_scope, gold), points, out_of_scope + 1)
        confidence = shares.max(axis=1) * is_alike
        labels = np.where(confidence > 0, shares.argmax(axis=1), out_of_scope)
        most = int(np.ceil(CROWD * (labels < out_of_scope).sum() / out_of_scope))
        by_label = [np.flatnonzero(labels == label) for label in range(out_of_scope)]
        surest = [at[np.argsort(-confidence[at], kind="stable")[:most]] for at in by_label]
        places = np.concatenate(surest).astype(np.intp)
        return places, labels[places].astype(np.intp)

    def _answers(self, model: Classifier, rows: Sequence[LabelledText]) -> tuple[Floats, Floats]:
        texts = self.encoder.encode([row.text for row in rows])
        logits, embeddings = network_outputs(model, self.encoder, texts, self.bf16, self.batch_size)
        return logits, embeddings

    def _gold(self, rows: Sequence[LabelledText]) -> NDArray[np.intp]:
        return self.task.gold([row.label for row in rows])


@dataclass(frozen=True)
class _Comparison:
    """Whether the second of two models is better, by how much on how many rows, the chance of that, and why not."""

    better: bool
    gain: float
    rows: int
    chance: float
    because: str


def _compare(before: Floats, after: Floats, gold: NDArray[np.intp]) -> _Comparison:
    """`before`, `after`: the two models' logits (rows, labels); `gold`: label indices, below 0 for none."""
    known = gold >= 0
    was_right, is_right = (logits.argmax(axis=1)[known] == gold[known] for logits in (before, after))
    gained, lost = int((is_right & ~was_right).sum()), int((was_right & ~is_right).sum())
    gain = (gained - lost) / max(int(known.sum()), 1)
    chance = min(1.0, 2 * float(bdtr(min(gained, lost), gained + lost, 0.5)))  # two-sided exact sign test
    because = "" if gain > 0 else "no better on held-out rows"
    if (gold == OUT_OF_SCOPE).any() and _scope_auroc(after, gold) < _scope_auroc(before, gold) - AUROC_MAY_LOSE:
        because = "out-of-scope rows would be told apart less well"
    return _Comparison(not because, gain, int(known.sum()), chance, because)


def _scope_auroc(logits: Floats, gold: NDArray[np.intp]) -> float:
    scores = logits.max(axis=1)
    return auroc(scores[gold >= 0].tolist(), scores[gold == OUT_OF_SCOPE].tolist())


def _hold_back(rows: Sequence[LabelledText], seed: int) -> tuple[list[LabelledText], list[LabelledText]]:
    """Training rows to learn from, and some of them to judge by; none where every label has a single row."""
    parts = folds([row.text for row in rows], [row.label for row in rows], PARTS, seed)
    train_at, held_back_at = parts[0] if parts else (range(len(rows)), [])
    return [rows[at] for at in train_at], [rows[at] for at in held_back_at]


def _sample(texts: Sequence[str], seed: int) -> Sequence[str]:
    """All of them, or as many as can be compared with each other."""
    return texts if len(texts) <= MOST_TEXTS else random.Random(seed).sample(texts, MOST_TEXTS)
