"""`autogen check --deep`: what the embeddings of the frozen base model say of labelled rows.

The base model, not the champion: that one has learnt these very labels, the wrong ones too, and would defend them.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autogen.config.settings import RESERVED_LABEL
from autogen.data.quality.heads import Fold, Gold, Vectors, guesses
from autogen.data.quality.label_errors import FOLDS, LabelConfusion, LabelError, confusions, label_errors, opinions
from autogen.data.quality.learning_curve import Imbalance, LearningCurve, imbalance, learning_curve
from autogen.data.quality.near_duplicates import NearDuplicate, across, centred, near_duplicates, nearest
from autogen.data.splits import folds, hold_out
from autogen.models.base_models import find_base_model
from autogen.progress import TrainingProgress
from autogen.tasks.task import Need
from autogen.tasks.text_classification.rows import LabelledRows, LearningData, join_rows, pick
from autogen.training.embedding import frozen_embeddings
from autogen.versions.registry import Versions

MOST_ROWS = 100_000  # of which all nearest rows are found in minutes; of more, as many are sampled
MOST_MEASURED = 20_000  # rows that the learning curve and the remedies are measured on
LEAST_ROWS = 8
STAGES = 8  # of work after the embedding


@dataclass(frozen=True)
class RowRef:
    """A row as a person finds it."""

    source: str
    row: int
    text: str
    label: str
    held_out: bool


@dataclass(frozen=True)
class SuspectLabel:
    """A label that is likely wrong. `confidence`: probability of the suggested one, `times` that of the given one.

    `scope`: "looks in scope" for an out-of-scope row, "looks out of scope" for the reverse, else "".
    """

    at: RowRef
    suggested: str
    confidence: float
    times: float
    scope: str


@dataclass(frozen=True)
class AlikeRows:
    """Two rows that say the same in other words."""

    first: RowRef
    second: RowRef
    cosine: float
    same_label: bool


@dataclass(frozen=True)
class ConfusedLabels:
    """`rate` = `rows` ÷ `of`: the share of the two labels' rows that are taken for the other label."""

    labels: tuple[str, str]
    rate: float
    rows: int
    of: int
    examples: tuple[RowRef, ...]


@dataclass(frozen=True)
class DeepReport:
    """All findings on one skill; every list has its surest or worst first. What could not be asked is None."""

    rows: int
    label_errors: tuple[SuspectLabel, ...] = ()
    near_duplicates: tuple[AlikeRows, ...] = ()
    leakage: tuple[AlikeRows, ...] = ()
    confusable: tuple[ConfusedLabels, ...] = ()
    imbalance: Imbalance | None = None
    learning_curve: LearningCurve | None = None
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def warnings(self) -> int:
        return len(self.label_errors) + len(self.near_duplicates) + len(self.leakage) + len(self.confusable)


class DeepCheck:
    """One skill's rows, with what is asked of them."""

    def __init__(self, folder: Path, need: Need, data: LearningData, progress: TrainingProgress) -> None:
        self.started = time.perf_counter()
        self.folder, self.base, self.progress = folder, need.base_model, progress
        self.training = need.training
        self.notes: list[str] = []
        self.train_count = len(data.train.rows)
        self.rows = self._sampled(join_rows(data.train, data.eval))
        self.names = sorted({*self.rows.labels})
        index = {name: at for at, name in enumerate(self.names)}
        self.gold: Gold = np.array([index[label] for label in self.rows.labels], dtype=np.intp)
        self.oos_index = index.get(RESERVED_LABEL)

    def run(self) -> DeepReport:
        """Nothing is written but the embeddings, for the next time. Raises BaseModelError."""
        if len(self.rows.rows) < LEAST_ROWS or len({*self.rows.labels} - {RESERVED_LABEL}) < 2:
            return self._report(notes=(f"Expected {LEAST_ROWS} rows and two labels at least: nothing was asked.",))
        vectors = centred(self._embeddings())
        self.progress.start("compare", STAGES)
        neighbours = nearest(vectors)
        self._step("nearest rows")
        pairs = near_duplicates(self._whole_texts(), neighbours)
        leaks = set(across(pairs, np.flatnonzero(self.is_eval).tolist()))
        parts = folds(self.rows.texts, self.rows.labels, FOLDS, self.training.seed)
        opinions_of_rows = opinions(vectors, self.gold, len(self.names), parts, neighbours)
        self._step("label errors")
        curve, label_imbalance = self._measure_curve(vectors)
        return self._report(
            label_errors=tuple(map(self._suspect, label_errors(opinions_of_rows, self.gold))),
            near_duplicates=tuple(self._alike_rows(pair) for pair in pairs if pair not in leaks),
            leakage=tuple(self._alike_rows(pair) for pair in pairs if pair in leaks),
            confusable=tuple(map(self._confused, confusions(opinions_of_rows, self.gold, self.oos_index))),
            imbalance=label_imbalance,
            learning_curve=curve,
        )

    def _report(self, notes: tuple[str, ...] = (), **findings: Any) -> DeepReport:
        seconds = time.perf_counter() - self.started
        return DeepReport(len(self.rows.rows), notes=(*self.notes, *notes), seconds=seconds, **findings)

    def _sampled(self, data: LabelledRows) -> LabelledRows:
        is_eval = [at >= self.train_count for at in range(len(data.rows))]
        places: Sequence[int] = range(len(data.rows))
        if len(data.rows) > MOST_ROWS:
            share = MOST_ROWS / len(data.rows)
            places = hold_out(data.texts, data.labels, share, self.training.seed, MOST_ROWS)[1]
            self.notes.append(f"A sample of {len(places):,} of {len(data.rows):,} rows was looked at.")
        self.is_eval = [is_eval[at] for at in places]
        return pick(data, places)

    def _embeddings(self) -> Vectors:
        base = find_base_model(self.base, self.folder)
        cache = Versions(self.folder).state / "embeddings"
        return frozen_embeddings(
            base, self.rows.examples, self.training.max_length, self.training.precision, cache, self.progress
        )

    def _measure_curve(self, vectors: Vectors) -> tuple[LearningCurve | None, Imbalance | None]:
        """Learning curve and remedies, over in-scope rows."""
        in_scope_at = [at for at, label in enumerate(self.rows.labels) if label != RESERVED_LABEL]
        if len(in_scope_at) > MOST_MEASURED:
            in_scope_rows = pick(self.rows, in_scope_at)
            share = MOST_MEASURED / len(in_scope_at)
            sample_at = hold_out(in_scope_rows.texts, in_scope_rows.labels, share, self.training.seed, MOST_MEASURED)[1]
            in_scope_at = [in_scope_at[at] for at in sample_at]
            self.notes.append(f"Learning curve and remedies: a sample of {len(in_scope_at):,} rows.")
        rows = pick(self.rows, in_scope_at)
        parts: list[Fold] = list(folds(rows.texts, rows.labels, FOLDS, self.training.seed))
        if not parts:
            self.notes.append("Expected labels with two rows or more to measure with; found none.")
            return None, None
        in_scope_vectors, gold = vectors[in_scope_at], self.gold[in_scope_at]
        labels, seed = len(self.names), self.training.seed
        guesses_with_all = guesses(in_scope_vectors, gold, parts, labels)
        self._step("cross-validation")
        curve = learning_curve(in_scope_vectors, gold, self.names, parts, guesses_with_all, seed, self._step)
        return curve, imbalance(in_scope_vectors, gold, labels, parts, guesses_with_all, seed, self._step)

    def _step(self, stage: str) -> None:
        self.progress.advance(1, stage)

    def _whole_texts(self) -> list[str]:
        return [self._whole_text(at) for at in range(len(self.rows.rows))]

    def _ref(self, at: int) -> RowRef:
        row, example = self.rows.rows[at], self.rows.examples[at]
        return RowRef(row.source, row.number, self._whole_text(at), example.label, self.is_eval[at])

    def _whole_text(self, at: int) -> str:
        """Text and pair as one: two rows are the same only when both are."""
        example = self.rows.examples[at]
        return f"{example.text} ⇥ {example.text_pair}" if example.text_pair else example.text

    def _suspect(self, error: LabelError) -> SuspectLabel:
        suggested = self.names[error.suggested_label]
        scope = "looks in scope" if error.given_label == self.oos_index else ""
        scope = "looks out of scope" if error.suggested_label == self.oos_index else scope
        return SuspectLabel(self._ref(error.row), suggested, error.confidence, error.times, scope)

    def _alike_rows(self, pair: NearDuplicate) -> AlikeRows:
        first, second = self._ref(pair.first), self._ref(pair.second)
        return AlikeRows(first, second, pair.cosine, first.label == second.label)

    def _confused(self, pair: LabelConfusion) -> ConfusedLabels:
        names = self.names[pair.labels[0]], self.names[pair.labels[1]]
        return ConfusedLabels(names, pair.rate, pair.rows, pair.total_rows, tuple(map(self._ref, pair.examples)))
