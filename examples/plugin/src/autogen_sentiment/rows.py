"""Rows of the task: read, checked, and split into train rows and eval rows."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autogen.data.columns import select
from autogen.data.fingerprints import row_fingerprint
from autogen.data.problems import Problem
from autogen.data.quality.labels import check_eval, check_labelled, label_counts
from autogen.data.readers.files import locate, read_rows
from autogen.data.rows import Row, require_label, require_text
from autogen.data.splits import hold_out
from autogen.markup import DataTable
from autogen.tasks.task import Fields, Identity, Summary

FIELDS = Fields(required=("text", "label"))
MAX_TEXT, MAX_LABEL = 10_000, 200  # characters
EVAL_SHARE, MOST_EVAL = 0.2, 2_000  # of the train rows, where there is no eval file


@dataclass(frozen=True)
class Example:
    """A text and its sentiment."""

    text: str
    label: str


Examples = tuple[Example, ...]


@dataclass(frozen=True)
class SentimentData:
    """`held_out`: the eval rows of the files; `set_aside`: those that came with feedback."""

    train: Examples = ()
    held_out: Examples = ()
    set_aside: Examples = ()
    problems: tuple[Problem, ...] = ()
    feedback: tuple[str, ...] = ()
    corrections_of_eval: int = 0
    source: str = "held-out rows"

    @property
    def eval(self) -> Examples:
        return (*self.held_out, *self.set_aside)

    @property
    def texts(self) -> Sequence[str]:
        return ()  # no base model reads them

    def identity(self) -> Identity:
        return Identity(
            train=_digest(self.train),
            eval=_digest(self.eval),
            train_rows=len(self.train),
            eval_rows=len(self.eval),
            learnt=frozenset(row_fingerprint(one.text) for one in self.train),
            measured=frozenset(row_fingerprint(one.text) for one in self.eval),
            outputs=tuple(sorted({one.label for one in self.train})),
        )

    def summary(self) -> Summary:
        held_out = Counter(one.label for one in self.held_out)
        counts = label_counts([one.label for one in self.train])
        rows = [(label, count, held_out[label]) for label, count in counts.items()]
        return Summary(
            lines=(f"Measured on {len(self.held_out)} {self.source}.",),
            tables=(DataTable("rows per sentiment", ("sentiment", "train", "eval"), rows, right=(1, 2)),),
            json={"labels": {label: {"train": train, "eval": measured} for label, train, measured in rows}},
        )

    def without(self, learnt: frozenset[str]) -> SentimentData:
        """Without the eval rows that have these fingerprints."""
        held_out, set_aside = (_unlearnt(part, learnt) for part in (self.held_out, self.set_aside))
        return replace(self, held_out=held_out, set_aside=set_aside)


@dataclass(frozen=True)
class Reading:
    """Examples with the rows that they are of, and what is wrong."""

    examples: Examples
    rows: tuple[Row, ...]
    problems: tuple[Problem, ...]

    @property
    def texts(self) -> list[str]:
        return [one.text for one in self.examples]

    @property
    def labels(self) -> list[str]:
        return [one.label for one in self.examples]


def read_files(folder: Path, sources: Iterable[str], columns: Mapping[str, str]) -> Reading:
    """The examples of several files together."""
    rows: list[Row] = []
    problems: list[Problem] = []
    for source in sources:
        some, wrong = read_rows(locate(source, folder))
        rows += some
        problems += wrong
    reading = read_examples(rows, columns)
    return replace(reading, problems=(*problems, *reading.problems))


def read_examples(rows: Sequence[Row], columns: Mapping[str, str]) -> Reading:
    """Rows as they were read to examples: a row that is none is left out, and a problem."""
    selected, problems = select(rows, FIELDS.required, FIELDS.optional, columns)
    examples, good = [], []
    for row in selected:
        text, label = require_text(row, "text", MAX_TEXT), require_label(row, "label", MAX_LABEL)
        if isinstance(text, Problem) or isinstance(label, Problem):
            problems += [value for value in (text, label) if isinstance(value, Problem)]
        else:
            examples.append(Example(text, label))
            good.append(row)
    return Reading(tuple(examples), tuple(good), tuple(problems))


def split(train: Reading, held_out: Reading | None, seed: int) -> SentimentData:
    """Without eval rows of their own, a fifth of the train rows: of each sentiment, chosen by hashes of the texts."""
    problems = [*train.problems, *check_labelled(train.texts, train.labels, train.rows)]
    if held_out is not None:
        problems += held_out.problems
        problems += check_eval(train.labels, held_out.labels, held_out.rows, train.texts, held_out.texts)
        return SentimentData(
            train.examples, held_out.examples, problems=tuple(problems), source="rows of the eval data"
        )
    inside, outside = hold_out(train.texts, train.labels, EVAL_SHARE, seed, MOST_EVAL)
    learnt, measured = (tuple(train.examples[at] for at in places) for places in (inside, outside))
    return SentimentData(learnt, measured, problems=tuple(problems), source="rows held out of the training data")


def _unlearnt(examples: Examples, learnt: frozenset[str]) -> Examples:
    return tuple(one for one in examples if row_fingerprint(one.text) not in learnt)


def _digest(examples: Examples) -> str:
    lines = sorted(f"{one.text}\t{one.label}\n" for one in examples)
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]
