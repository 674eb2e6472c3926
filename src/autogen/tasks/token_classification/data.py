"""A need's texts with their entities: to learn from and to measure on. No torch."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from autogen.data.columns import has_columns, select
from autogen.data.fingerprints import row_fingerprint
from autogen.data.names import Spellings, check_similar, name_key, plain_name
from autogen.data.problems import Problem, listed
from autogen.data.readers.files import locate, read_rows
from autogen.data.rows import Row
from autogen.data.splits import hold_out
from autogen.data.text import normalise
from autogen.errors import did_you_mean
from autogen.markup import DataTable
from autogen.tasks.task import Identity, Summary
from autogen.tasks.token_classification.rows import TEXT_FIELDS, TOKEN_FIELDS, AnnotatedText, read_examples

SHARE_OF_MANY, SHARE_OF_SOME = 0.1, 0.2
MANY = 1_000  # rows from which a tenth is enough to measure on
MOST_HELD_OUT = 2_000  # rows; more would only slow every evaluation down


@dataclass(frozen=True)
class AnnotatedRows:
    """Examples with the rows they came from, side by side."""

    examples: tuple[AnnotatedText, ...] = ()
    rows: tuple[Row, ...] = ()

    def __len__(self) -> int:
        return len(self.examples)

    @property
    def texts(self) -> list[str]:
        return [example.text for example in self.examples]

    @property
    def labels(self) -> list[str]:
        """The labels that occur, in alphabetical order."""
        return sorted(self.counts)

    @property
    def counts(self) -> Counter[str]:
        """Entities of each label."""
        return Counter(span.label for example in self.examples for span in example.spans)

    def pick(self, places: Iterable[int]) -> AnnotatedRows:
        at = list(places)
        return AnnotatedRows(tuple(self.examples[i] for i in at), tuple(self.rows[i] for i in at))

    def joined(self, other: AnnotatedRows) -> AnnotatedRows:
        return AnnotatedRows((*self.examples, *other.examples), (*self.rows, *other.rows))


ReadRows = tuple[AnnotatedRows, list[Problem]]


@dataclass(frozen=True)
class TokenData:
    """What is learnt from and what is measured on, with every problem found on the way. `eval_feedback`: rows of
    feedback that choose nothing (no epoch, no temperature): they are for the gate and for what is reported."""

    train: AnnotatedRows
    eval: AnnotatedRows
    split: str  # how the eval rows came about, in words
    problems: tuple[Problem, ...] = ()
    eval_feedback: AnnotatedRows = field(default=AnnotatedRows())
    feedback: tuple[str, ...] = ()
    corrections_of_eval: int = 0
    waiting: int = 0  # feedback that is for a person to look at
    source: str = ""  # the file that is measured on, where it is not the need's own eval rows
    join_names: bool = False  # labels that differ in case or width alone are one

    @property
    def all_eval(self) -> AnnotatedRows:
        """With those of feedback."""
        return self.eval.joined(self.eval_feedback)

    @property
    def texts(self) -> list[str]:
        return self.train.texts

    def identity(self) -> Identity:
        return Identity(
            train=_digest(sorted(map(_line, self.train.examples))),
            eval=_digest(sorted(map(_line, self.all_eval.examples))),
            train_rows=len(self.train),
            eval_rows=len(self.all_eval),
            learnt=frozenset(map(row_fingerprint, self.train.texts)),
            measured=frozenset(map(row_fingerprint, self.all_eval.texts)),
            order=tuple(_digest(map(_line, part.examples)) for part in (self.train, self.eval)),
            outputs=tuple(self.train.labels),
        )

    def summary(self) -> Summary:
        """Entities of each label."""
        train, measured = self.train.counts, self.eval.counts
        counts = {label: (train[label], measured[label]) for label in sorted({*train, *measured})}
        without = sum(not example.spans for example in self.train.examples)
        lines = [f"Held out: {self.split}.", f"{without} of {len(self.train)} train rows have no entities."]
        if self.waiting:
            lines.append(f"Feedback on entities that waits for `autogen review`: {self.waiting}.")
        total = ("all", train.total(), measured.total())
        rows = [*((label, *of) for label, of in counts.items()), total]
        return Summary(
            lines=tuple(lines),
            tables=(DataTable("entities per label", ("label", "train", "held out"), rows, right=(1, 2)),),
            json={
                "labels": {label: {"train": of[0], "held_out": of[1]} for label, of in counts.items()},
                "held_out": self.split,
                "rows_without_entities": without,
                "waiting_corrections": self.waiting,
            },
        )


def read_annotated(project: Path, sources: Sequence[str], columns: Mapping[str, str]) -> ReadRows:
    """The examples of several files together."""
    rows: list[Row] = []
    problems: list[Problem] = []
    for source in sources:
        read, faults = read_rows(locate(source, project))
        rows += read
        problems += faults
    annotated, faults = annotated_rows(rows, columns)
    return annotated, [*problems, *faults]


def annotated_rows(rows: Sequence[Row], columns: Mapping[str, str], in_project: bool = True) -> ReadRows:
    """Rows as read to typed examples: of a file with tags, tokens and tags; else text and entities."""
    by_source: dict[str, list[Row]] = {}
    for row in rows:
        by_source.setdefault(row.source, []).append(row)
    selected: list[Row] = []
    problems: list[Problem] = []
    for some in by_source.values():
        tagged = has_columns(some, TOKEN_FIELDS[1:], columns) and not has_columns(some, TEXT_FIELDS[1:], columns)
        fields = TOKEN_FIELDS if tagged else TEXT_FIELDS
        own = {name: column for name, column in columns.items() if name in fields}
        picked, faults = select(some, fields, (), own, in_project)
        selected += picked
        problems += faults
    examples, sources, faults = read_examples(selected)
    return AnnotatedRows(tuple(examples), tuple(sources)), [*problems, *faults]


def split_rows(
    train: ReadRows, eval_rows: ReadRows | None, seed: int, join_names: bool = False, in_project: bool = True
) -> TokenData:
    """Rows as read, their labels named and checked; and split, where no eval rows are given."""
    train_rows = name_labels(train[0], join_names)
    problems = [*train[1], *_check_train(train_rows)]
    if train_rows.rows:
        spellings = Spellings(train_rows.counts.elements())
        problems += check_similar(spellings, "label", train_rows.rows[0].source, in_project)
    if eval_rows is not None:
        annotated, faults = name_labels(eval_rows[0], join_names, train_rows.labels), eval_rows[1]
        problems += [*faults, *_check_eval(train_rows, annotated)]
        words = f"{len(annotated)} rows of the eval data"
        return TokenData(train_rows, annotated, words, tuple(problems), join_names=join_names)
    share = SHARE_OF_MANY if len(train_rows) >= MANY else SHARE_OF_SOME
    train_places, eval_places = _split_places(train_rows, share, seed)
    words = f"{len(eval_places)} rows held out of the training data ({share:.0%})"
    train_part, eval_part = train_rows.pick(train_places), train_rows.pick(eval_places)
    return TokenData(train_part, eval_part, words, tuple(problems), join_names=join_names)


def name_labels(rows: AnnotatedRows, join_names: bool, known: Iterable[str] = ()) -> AnnotatedRows:
    """The rows with labels that are the same whatever cannot be seen of them, and with `join_names` whatever their case
    and width: as `known` writes them, else as most entities do."""
    counts = rows.counts
    usual = {**Spellings(counts.elements()).usual(), **{name_key(name): name for name in known}} if join_names else {}
    names = {label: usual.get(name_key(label), plain_name(label)) for label in counts}
    if all(name == label for label, name in names.items()):
        return rows
    examples = (
        replace(example, spans=tuple(replace(span, label=names[span.label]) for span in example.spans))
        for example in rows.examples
    )
    return replace(rows, examples=tuple(examples))


def _split_places(rows: AnnotatedRows, share: float, seed: int) -> tuple[list[int], list[int]]:
    """Places of train rows and of eval rows: of these a share of the rows of each label, a row counting as its rarest
    one; of very few rows, one."""
    counts = rows.counts
    rarest = [
        min((span.label for span in example.spans), key=lambda x: (counts[x], x), default="")
        for example in rows.examples
    ]
    train_places, eval_places = hold_out(rows.texts, rarest, share, seed, MOST_HELD_OUT)
    if eval_places or len(rows) < 2:
        return train_places, eval_places
    return hold_out(rows.texts, [""] * len(rows), max(share, 1 / len(rows)), seed, MOST_HELD_OUT)


def _check_train(rows: AnnotatedRows) -> list[Problem]:
    if not rows.rows:
        return []
    if not rows.counts:
        message = "expected entities in some rows, found none in any"
        fix = "mark them: without any, there is nothing to learn"
        return [Problem("error", "no-entities", rows.rows[0].source, None, message, fix)]
    return _repeated(rows)


def _repeated(rows: AnnotatedRows) -> list[Problem]:
    """A warning for each text that stands there twice: the same again, or with other entities."""
    seen: dict[str, int] = {}
    problems = []
    for at, (example, row) in enumerate(zip(rows.examples, rows.rows, strict=True)):
        first = seen.setdefault(normalise(example.text), at)
        if first == at:
            continue
        place = f"{rows.rows[first].source}, row {rows.rows[first].number}"
        if rows.examples[first].spans == example.spans:
            message = f"expected each text once, found that of {place} again"
            problems.append(Problem("warning", "duplicate", row.source, row.number, message, "delete one of them"))
        else:
            message = f"expected one annotation of a text, found others here and in {place}"
            problems.append(
                Problem("warning", "conflicting-entities", row.source, row.number, message, "keep the right one")
            )
    return problems


def _check_eval(train_rows: AnnotatedRows, eval_rows: AnnotatedRows) -> list[Problem]:
    """What keeps eval rows from measuring what was learnt. Nothing where no train row could be read."""
    if not train_rows.rows or not eval_rows.rows:
        return []
    source, known = eval_rows.rows[0].source, train_rows.labels
    unknown = [label for label in eval_rows.labels if label not in known]
    problems = []
    for label in unknown[:20]:
        message = f"expected a label of the training rows, found {listed([label])}"
        fix = f"add training rows of it, or correct it: its entities count as missed.{did_you_mean(label, known)}"
        problems.append(Problem("warning", "unknown-label", source, None, message, fix))
    absent = [label for label in known if label not in eval_rows.labels]
    if absent:
        message = f"expected every label of the training rows, found none of {listed(absent)}"
        fix = "add rows of them, or know that they are not measured"
        problems.append(Problem("warning", "label-not-in-eval", source, None, message, fix))
    return problems + _leaked(train_rows, eval_rows)


def _leaked(train_rows: AnnotatedRows, eval_rows: AnnotatedRows) -> list[Problem]:
    texts = set(map(normalise, train_rows.texts))
    message = "expected a text unseen in training, found one that is also a training row"
    fix = "delete it here or there: it measures memory"
    return [
        Problem("warning", "leakage", row.source, row.number, message, fix)
        for example, row in zip(eval_rows.examples, eval_rows.rows, strict=True)
        if normalise(example.text) in texts
    ]


def _line(example: AnnotatedText) -> bytes:
    spans = [[span.start, span.end, span.label] for span in example.spans]
    return json.dumps([example.text, spans]).encode()


def _digest(lines: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line + b"\n")
    return digest.hexdigest()[:16]
