"""A skill's need as examples to learn from and examples to measure on. No torch."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from autogen.config.settings import RESERVED_LABEL
from autogen.data.columns import select
from autogen.data.fingerprints import row_fingerprint
from autogen.data.names import Spellings, note_alike
from autogen.data.problems import Problem
from autogen.data.quality.labels import check_eval, check_labelled, label_counts
from autogen.data.readers.files import locate, read_rows
from autogen.data.rows import Row, is_missing, require_label, require_text, require_visible_text
from autogen.data.splits import has_rows_to_spare, hold_out
from autogen.markup import DataTable
from autogen.tasks.task import Identity, Summary
from autogen.tasks.text_classification.naming import AS_WRITTEN, LabelNaming
from autogen.tasks.text_classification.unlabelled import Unlabelled, read_unlabelled

MOST_HELD_OUT = 2_000  # rows; more would only slow every evaluation down
SHARE_OF_MANY, SHARE_OF_SOME = 0.1, 0.2
MANY = 50  # rows per label from which a tenth is enough to measure on
REQUIRED, OPTIONAL = ("text", "label"), ("text_pair",)  # the fields of a row
MAX_TEXT = 100_000  # characters in one row of a data file; longer ones are a sign of a wrong file
MAX_LABEL = 200


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A text, perhaps with a second one, and its label (`oos` for out of scope)."""

    text: str
    label: str
    text_pair: str | None = None


@dataclass(frozen=True)
class LabelledRows:
    """Examples with the rows they came from, side by side."""

    examples: tuple[LabelledText, ...] = ()
    rows: tuple[Row, ...] = ()

    @property
    def texts(self) -> list[str]:
        return [example.text for example in self.examples]

    @property
    def labels(self) -> list[str]:
        return [example.label for example in self.examples]


@dataclass(frozen=True)
class LearningData:
    """What is learnt from and what is measured on, with every problem found on the way.

    `eval_feedback`: rows of feedback that choose nothing (no epoch, no threshold): they are for the gate and for what
    is reported.
    """

    train: LabelledRows
    eval: LabelledRows  # empty: too few rows to spare, cross-validation measures
    split: str  # how the eval rows came about, in words
    problems: tuple[Problem, ...] = field(default=())
    unlabelled: Unlabelled | None = None  # None: no such files
    eval_feedback: LabelledRows = field(default=LabelledRows())
    feedback: tuple[str, ...] = ()
    corrections_of_eval: int = 0
    source: str = ""  # the file that is measured on, where it is not the need's own eval rows
    naming: LabelNaming = AS_WRITTEN
    notes: tuple[str, ...] = ()  # what was done to rows without a problem
    packaged_outliers: bool = True  # declining is fitted to them too

    @property
    def declining(self) -> str:
        """What declining will rest on, in words."""
        own = sum(label == RESERVED_LABEL for label in [*self.train.labels, *self.eval.labels])
        rows = f"{own:,} `oos` rows" if own else "no `oos` rows"
        if self.packaged_outliers and not any(example.text_pair for example in self.train.examples):
            return f"{rows}, and packaged outliers, of kinds that are not learnt where they are measured"
        return f"{rows}, no packaged outliers" + ("" if own else ": nothing tells what is out of scope")

    @property
    def all_eval(self) -> LabelledRows:
        """What a version is measured on: eval rows, and what people really asked."""
        return join_rows(self.eval, self.eval_feedback)

    @property
    def texts(self) -> list[str]:
        return self.train.texts

    def cut_rows(self) -> list[tuple[str, str | None, str, Row]]:
        rows = zip(self.train.examples, self.train.rows, strict=True)
        return [(example.text, example.text_pair, example.label, row) for example, row in rows]

    def identity(self) -> Identity:
        unlabelled = [LabelledText(text, "") for text in self.unlabelled.texts] if self.unlabelled else []
        return Identity(
            train=fingerprint(self.train.examples),
            eval=fingerprint(self.all_eval.examples),
            train_rows=len(self.train.rows),
            eval_rows=len(self.all_eval.rows),
            learnt=frozenset(map(row_fingerprint, self.train.texts)),
            measured=frozenset(map(row_fingerprint, self.all_eval.texts)),
            order=tuple(digest_in_order(part) for part in (self.train.examples, self.eval.examples, unlabelled)),
            outputs=tuple(sorted({*self.train.labels} - {RESERVED_LABEL})),
        )

    def summary(self) -> Summary:
        """Rows per label."""
        train_counts, eval_counts = label_counts(self.train.labels), label_counts(self.eval.labels)
        counts = {
            label: (train_counts.get(label, 0), eval_counts.get(label, 0))
            for label in sorted({*train_counts, *eval_counts})
        }
        total = ("all", sum(train_counts.values()), sum(eval_counts.values()))
        rows = [*((label, *pair) for label, pair in counts.items()), total]
        unlabelled = str(self.unlabelled) if self.unlabelled is not None else ""
        return Summary(
            tables=(DataTable("rows per label", ("label", "train", "held out"), rows, right=(1, 2)),),
            lines=(
                f"Held out: {self.split}.",
                f"Declining: {self.declining}.",
                *self.notes,
                *([f"Unlabelled: {unlabelled}."] if unlabelled else []),
            ),
            json={
                "labels": {label: {"train": pair[0], "held_out": pair[1]} for label, pair in counts.items()},
                "held_out": self.split,
                "declining": self.declining,
                "unlabelled": unlabelled,
                "learns_from": "",
                **({"notes": list(self.notes)} if self.notes else {}),
            },
        )


def read_learning_data(
    project: Path,
    train_sources: Sequence[str],
    eval_sources: Sequence[str],
    columns: Mapping[str, str],
    seed: int,
    unlabelled: Sequence[str] = (),
    naming: LabelNaming = AS_WRITTEN,
) -> LearningData:
    """Read and check everything, and split when there is no file of eval rows. Raises nothing for bad rows: each is
    a problem, and the report is for the caller to act on."""
    train_rows = read_labelled(project, train_sources, columns)
    eval_rows = read_labelled(project, eval_sources, columns) if eval_sources else None
    data = split_rows(train_rows, eval_rows, seed, naming)
    if not unlabelled:
        return data
    texts, text_problems = read_unlabelled(project, unlabelled, columns, MAX_TEXT)
    texts = texts.without(data.train.texts, data.eval.texts)
    return replace(data, problems=(*data.problems, *text_problems), unlabelled=texts)


ReadRows = tuple[LabelledRows, list[Problem]]


def split_rows(
    train_read: ReadRows,
    eval_read: ReadRows | None,
    seed: int,
    naming: LabelNaming = AS_WRITTEN,
    in_project: bool = True,
) -> LearningData:
    """Rows as read, their labels named and checked; and split, where no eval rows are given."""
    train_rows, problems = name_labels(train_read[0], naming), train_read[1]
    notes = note_alike(Spellings(map(_written_label, train_rows.rows)), "label")
    problems = [*problems, *check_labelled(train_rows.texts, train_rows.labels, train_rows.rows, in_project)]
    if eval_read is None:
        train_rows, eval_rows, words = split(train_rows, seed)
        return LearningData(train_rows, eval_rows, words, tuple(problems), naming=naming, notes=notes)
    eval_rows, eval_problems = name_labels(eval_read[0], naming, train_rows.labels), eval_read[1]
    problems += [*eval_problems, *check_labelled_eval(train_rows, eval_rows)]
    train_rows, eval_rows = _outliers_to_calibrate(train_rows, eval_rows, seed)
    words = f"{len(eval_rows.rows)} rows of the eval data"
    return LearningData(train_rows, eval_rows, words, tuple(problems), naming=naming, notes=notes)


def name_labels(rows: LabelledRows, naming: LabelNaming, known: Iterable[str] = ()) -> LabelledRows:
    """The rows with each label by the name that it goes by; `known`: spellings that are settled."""
    labels = naming.known_as(rows.labels, known)
    examples = zip(rows.examples, labels, strict=True)
    return replace(rows, examples=tuple(replace(e, label=name) if e.label != name else e for e, name in examples))


def _written_label(row: Row) -> str:
    return str(row.values["label"])


def read_labelled(
    project: Path, sources: Sequence[str], columns: Mapping[str, str]
) -> tuple[LabelledRows, list[Problem]]:
    """The examples of several files together."""
    rows: list[Row] = []
    problems: list[Problem] = []
    for source in sources:
        file_rows, bad_rows = read_rows(locate(source, project))
        rows += file_rows
        problems += bad_rows
    labelled, bad_rows = labelled_rows(rows, columns)
    return labelled, [*problems, *bad_rows]


def labelled_rows(
    rows: Sequence[Row], columns: Mapping[str, str], in_project: bool = True
) -> tuple[LabelledRows, list[Problem]]:
    """Rows as read to typed examples, and a problem for each field that is not as it should be."""
    selected, problems = select(rows, REQUIRED, OPTIONAL, columns, in_project)
    examples, rows_of_examples = [], []
    for row in selected:
        example = _example(row)
        if isinstance(example, LabelledText):
            examples.append(example)
            rows_of_examples.append(row)
        else:
            problems += example
    return LabelledRows(tuple(examples), tuple(rows_of_examples)), problems


def _example(row: Row) -> LabelledText | list[Problem]:
    text = require_visible_text(row, "text", MAX_TEXT)
    label = require_label(row, "label", MAX_LABEL)
    pair = None if is_missing(row, "text_pair") else require_text(row, "text_pair", MAX_TEXT)
    if isinstance(text, Problem) or isinstance(label, Problem) or isinstance(pair, Problem):
        return [value for value in (text, label, pair) if isinstance(value, Problem)]
    return LabelledText(text, label, pair)


def check_labelled_eval(train_rows: LabelledRows, eval_rows: LabelledRows) -> list[Problem]:
    """Nothing where no training row could be read: that every label is unknown then is no news."""
    if not train_rows.rows:
        return []
    return check_eval(train_rows.labels, eval_rows.labels, eval_rows.rows, train_rows.texts, eval_rows.texts)


def split(data: LabelledRows, seed: int) -> tuple[LabelledRows, LabelledRows, str]:
    """Hold some rows out when labels have rows to spare; else none, and cross-validation measures."""
    if not has_rows_to_spare(data.labels):
        return data, LabelledRows(), "cross-validation (fewer than 20 rows for the usual label)"
    share = SHARE_OF_MANY if has_rows_to_spare(data.labels, MANY) else SHARE_OF_SOME
    train_at, eval_at = hold_out(data.texts, data.labels, share, seed, MOST_HELD_OUT)
    return (
        pick(data, train_at),
        pick(data, eval_at),
        f"{len(eval_at)} rows held out of the training data ({share:.0%})",
    )


def _outliers_to_calibrate(
    train_rows: LabelledRows, eval_rows: LabelledRows, seed: int
) -> tuple[LabelledRows, LabelledRows]:
    """When only the training data has out-of-scope rows, half of them help to set the threshold instead."""
    if RESERVED_LABEL in eval_rows.labels or RESERVED_LABEL not in train_rows.labels:
        return train_rows, eval_rows
    oos_at = [at for at, label in enumerate(train_rows.labels) if label == RESERVED_LABEL]
    oos_rows = pick(train_rows, oos_at)
    _, moved_at = hold_out(oos_rows.texts, oos_rows.labels, 0.5, seed, MOST_HELD_OUT)
    moved_rows = {oos_at[at] for at in moved_at}
    kept_at = [at for at in range(len(train_rows.rows)) if at not in moved_rows]
    return pick(train_rows, kept_at), join_rows(eval_rows, pick(train_rows, sorted(moved_rows)))


def pick(data: LabelledRows, places: Iterable[int]) -> LabelledRows:
    at = list(places)
    return LabelledRows(tuple(data.examples[i] for i in at), tuple(data.rows[i] for i in at))


def join_rows(first: LabelledRows, second: LabelledRows) -> LabelledRows:
    return LabelledRows((*first.examples, *second.examples), (*first.rows, *second.rows))


def digest_in_order(examples: Sequence[LabelledText]) -> str:
    """Like `fingerprint`, for what also depends on the order of the rows."""
    digest = hashlib.sha256()
    for example in examples:
        digest.update(_line(example))
    return digest.hexdigest()[:16]


def _line(example: LabelledText) -> bytes:
    return f"{example.text}\t{example.text_pair or ''}\t{example.label}\n".encode("utf-8", "surrogatepass")


def fingerprint(examples: Sequence[LabelledText]) -> str:
    """One for a whole data set, whatever its order."""
    digest = hashlib.sha256()
    for line in sorted(map(_line, examples)):
        digest.update(line)
    return digest.hexdigest()[:16]
