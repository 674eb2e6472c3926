"""Learning from texts without labels: pseudo-labels by label propagation, one more training, and a guard.

Labels spread from the labelled rows along nearest neighbours in the tuned model's own embeddings; each label's surest
texts, where model and neighbours agree and which look as much in scope as held-out rows do, are learnt as if a person
had labelled them. Pseudo-labels are known to harm now and then, so the model so taught must answer more held-out rows
rightly than the one without; else the one without stays. Without held-out rows a part of the training rows is held back
for that comparison, and both are trained once more on what remains.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from autogen.config import RESERVED_LABEL
from autogen.data.neighbours import Floats
from autogen.data.splits import folds
from autogen.models.classifier import Classifier
from autogen.tasks.encoding import TextEncoder
from autogen.tasks.text_classification import Example, TextClassification, auroc, softmax
from autogen.training.progress import TrainingProgress
from autogen.training.propagation import propagate
from autogen.training.trainer import answers

MOST_TEXTS = 20_000  # comparing them all with each other grows with their square
PER_LABEL = 20  # pseudo-labelled texts a label, at most: the surest, so that frequent labels do not drown the others
PER_ROW = 4  # and at most as many for each labelled row
FEWEST = 10  # texts a training needs to differ by more than chance
PARTS = 3  # of the training rows one is held back where there are no held-out rows
LIKE_HELD_OUT = 0.1  # a text must score as high as all but this share of the held-out rows
AUROC_MAY_LOSE = 0.01
OUTSIDE = -1  # the index of rows that are out of scope

Train = Callable[[Sequence[Example], Sequence[Example], str], Classifier]  # rows, rows that choose the epoch, stage


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
        if any(row.text_pair for row in rows):
            return Taught(plain, (), not_used(self.texts, "the training rows are pairs of texts"))
        if held_out:
            pseudo = self._pseudo_labelled(plain, rows, self._floor(plain, held_out))
            return self._tried(plain, rows, pseudo, held_out)
        inside, outside = _held_back(rows, self.seed)
        if not outside:
            return Taught(plain, (), not_used(self.texts, "no rows to judge by"))
        without = self.train(inside, [], "held-back")
        floor = self._floor(without, outside)
        tried = self._tried(without, inside, self._pseudo_labelled(without, inside, floor), outside)
        if not tried.report.used:
            return Taught(plain, (), tried.report)
        pseudo = self._pseudo_labelled(plain, rows, floor)
        model = self.train([*rows, *pseudo], [], "unlabelled")
        return Taught(model, tuple(row.text for row in pseudo), replace(tried.report, taught=len(pseudo)))

    def _tried(
        self, plain: Classifier, rows: Sequence[Example], pseudo: Sequence[Example], held_out: Sequence[Example]
    ) -> Taught:
        """The model taught the pseudo-labelled texts too, if it answers held-out rows better; else `plain`."""
        if len(pseudo) < FEWEST:
            return Taught(plain, (), not_used(self.texts, f"only {len(pseudo)} of them are surely of a label"))
        self.progress.say(f"Learning from {len(pseudo):,} of {len(self.texts):,} unlabelled texts too …")
        model = self.train([*rows, *pseudo], held_out, "unlabelled-tried")
        before, after = (self._answers(one, held_out)[0] for one in (plain, model))
        used, gain, measured, chance, because = _compared(before, after, self._gold(held_out))
        report = FromUnlabelled(len(self.texts), len(pseudo), used, gain, measured, chance, because)
        return Taught(model, tuple(row.text for row in pseudo), report) if used else Taught(plain, (), report)

    def _floor(self, model: Classifier, held_out: Sequence[Example]) -> float:
        """The score above which most held-out rows lie: a text below it is of another kind than those."""
        inside = [row for row in held_out if row.label in self.task.labels]
        return float(np.quantile(self._answers(model, inside)[0].max(axis=1), LIKE_HELD_OUT)) if inside else np.inf

    def _pseudo_labelled(self, model: Classifier, rows: Sequence[Example], floor: float) -> list[Example]:
        """The surest texts of each label. Out-of-scope rows draw their like away, and nothing is taught of those."""
        gold, outside = self._gold(rows), len(self.task.labels)
        gold[gold == OUTSIDE] = outside
        _, known = self._answers(model, rows)
        texts = [Example(text, "") for text in _sample(self.texts, self.seed)]
        logits, points = self._answers(model, texts)
        shares = propagate(known, gold, points, outside + 1)
        found, own = shares.argmax(axis=1), logits.argmax(axis=1)
        sure = np.where(
            (found == own) & (logits.max(axis=1) >= floor), shares.max(axis=1) * softmax(logits).max(axis=1), 0
        )
        counts = np.bincount(gold, minlength=outside + 1)
        return [
            Example(texts[at].text, label)
            for number, label in enumerate(self.task.labels)
            for at in _surest(sure * (found == number), min(PER_LABEL, PER_ROW * int(counts[number])))
        ]

    def _answers(self, model: Classifier, rows: Sequence[Example]) -> tuple[Floats, Floats]:
        """Logits and embeddings."""
        return answers(model, self.encoder, self.encoder.encode([r.text for r in rows]), self.bf16, self.batch_size)

    def _gold(self, rows: Sequence[Example]) -> NDArray[np.intp]:
        return self.task.gold([row.label for row in rows])


def _surest(sure: Floats, most: int) -> list[int]:
    return [int(at) for at in np.argsort(-sure, kind="stable")[:most] if sure[at] > 0]


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
    return [rows[at] for at in inside], [rows[at] for at in outside if rows[at].label != RESERVED_LABEL]


def _sample(texts: Sequence[str], seed: int) -> Sequence[str]:
    """All of them, or as many as can be compared with each other."""
    return texts if len(texts) <= MOST_TEXTS else random.Random(seed).sample(texts, MOST_TEXTS)
