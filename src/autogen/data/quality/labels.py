"""Checks of labelled texts before anything is learnt from them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from autogen.config.settings import RESERVED_LABEL
from autogen.data.names import Spellings, check_similar
from autogen.data.problems import Problem, listed, shown
from autogen.data.quality.meanings import check_meanings
from autogen.data.rows import Row
from autogen.data.text import normalise
from autogen.errors import did_you_mean

IDENTIFIER_LABELS = 100  # more labels than this, and than half the rows: the column names rows, not classes
SUGGESTIONS = 20  # unknown labels for which a known one is looked up: comparing is quadratic
SUGGESTED_FROM = 2000


def label_counts(labels: Sequence[str]) -> dict[str, int]:
    """Rows of each label, the most frequent first, equals by name."""
    return dict(sorted(Counter(labels).items(), key=lambda item: (-item[1], item[0])))


def check_labelled(
    texts: Sequence[str], labels: Sequence[str], rows: Sequence[Row], in_project: bool = True
) -> list[Problem]:
    """What is wrong with labelled texts; the three sequences run in parallel, over one or several files. `in_project`:
    whether there are settings that a fix may name."""
    if not rows:
        return []
    return [
        *_label_problems(labels, rows),
        *check_similar(Spellings(labels), "label", rows[0].source, in_project),
        *check_meanings(texts, labels, rows, in_project),
        *_repeated_texts(texts, labels, rows),
    ]


def check_eval(
    train_labels: Sequence[str],
    eval_labels: Sequence[str],
    eval_rows: Sequence[Row],
    train_texts: Sequence[str],
    eval_texts: Sequence[str],
) -> list[Problem]:
    """What keeps held-out rows from measuring what was learnt."""
    known_labels = set(train_labels)
    if eval_rows and not (known_labels - {RESERVED_LABEL}) & {*eval_labels}:
        labels = listed(sorted({*eval_labels}))
        message = f"expected labels of the training rows ({listed(sorted(known_labels))}), found none of them: {labels}"
        return [Problem("error", "no-known-label", eval_rows[0].source, None, message, "give the rows such labels")]
    problems = _unknown_labels(known_labels, eval_labels, eval_rows)
    problems += _leakage(train_texts, eval_texts, eval_rows)
    absent = sorted(known_labels - set(eval_labels))
    if absent and eval_rows:
        message = f"expected every label of the training rows, found none of {listed(absent)}"
        fix = "add rows of them, or know that they are not measured"
        problems.append(Problem("warning", "label-not-in-eval", eval_rows[0].source, None, message, fix))
    return problems


def _label_problems(labels: Sequence[str], rows: Sequence[Row]) -> list[Problem]:
    counts = Counter(labels)
    source = rows[0].source
    if len(counts) > IDENTIFIER_LABELS and 2 * len(counts) > len(labels):
        message = f"expected labels that repeat, found {len(counts)} different ones in {len(labels)} rows"
        examples = listed(list(counts)[:3])
        fix = f"name the column that holds the label; this one looks like an identifier ({examples})"
        return [Problem("error", "identifier-label", source, None, message, fix)]
    problems = []
    in_scope = [label for label in counts if label != RESERVED_LABEL]
    if len(in_scope) < 2:
        message = f"expected at least two labels besides {RESERVED_LABEL}, found {listed(in_scope) or 'none'}"
        problems.append(Problem("error", "one-label", source, None, message, "add rows of another label"))
    for label, row in zip(labels, rows, strict=True):
        if counts[label] == 1:
            message = f"expected several rows of each label, found one of {shown(label)}"
            fix = "add examples: one can be learnt from or measured, not both"
            problems.append(Problem("warning", "single-example", row.source, row.number, message, fix))
    return problems


def _repeated_texts(texts: Sequence[str], labels: Sequence[str], rows: Sequence[Row]) -> list[Problem]:
    """A warning for each row that repeats another, and one for each text under several labels."""
    problems: list[Problem] = []
    rows_by_text: defaultdict[str, dict[str, Row]] = defaultdict(dict)
    for text, label, row in zip(texts, labels, rows, strict=True):
        first = rows_by_text[normalise(text)].setdefault(label, row)
        if first is not row:
            message = f"expected each text once, found that of {_place(first, row)} again, {shown(label)} too"
            fix = "delete one of them"
            problems.append(Problem("warning", "duplicate", row.source, row.number, message, fix))
    problems += [_conflict(by_label) for by_label in rows_by_text.values() if len(by_label) > 1]
    return problems


def _conflict(by_label: Mapping[str, Row]) -> Problem:
    (first_label, first), (label, row), *more_rows = by_label.items()
    places = f"{shown(label)} here and {shown(first_label)} in {_place(first, row)}"
    if more_rows:
        places += ", and " + ", ".join(
            f"{shown(name)} in {_place(other_row, row)}" for name, other_row in more_rows[:5]
        )
    message = f"expected one label for one text, found {places}"
    return Problem("warning", "conflicting-labels", row.source, row.number, message, "keep the right one")


def _place(row: Row, seen_from: Row) -> str:
    return f"row {row.number}" if row.source == seen_from.source else f"{row.source}, row {row.number}"


def _unknown_labels(known_labels: set[str], labels: Sequence[str], rows: Sequence[Row]) -> list[Problem]:
    """A warning for each label, at its first row: its rows count as wrong. Out-of-scope rows may be new: a threshold
    tells them."""
    places: defaultdict[str, list[Row]] = defaultdict(list)
    for label, row in zip(labels, rows, strict=True):
        if label not in known_labels and label != RESERVED_LABEL:
            places[label].append(row)
    candidates = sorted(known_labels) if len(known_labels) <= SUGGESTED_FROM else []
    problems = []
    for order, (label, label_rows) in enumerate(places.items()):
        suggestion = did_you_mean(label, candidates) if order < SUGGESTIONS else ""
        also = ", ".join(_place(row, label_rows[0]) for row in label_rows[1:5]) + (", …" if len(label_rows) > 5 else "")
        message = f"expected a label of the training rows, found {shown(label)}"
        message += f" (again in {also})" if also else ""
        fix = f"add training rows of it, or correct it: its rows count as wrong.{suggestion}"
        problems.append(Problem("warning", "unknown-label", label_rows[0].source, label_rows[0].number, message, fix))
    return problems


def _leakage(train_texts: Sequence[str], eval_texts: Sequence[str], eval_rows: Sequence[Row]) -> list[Problem]:
    train_keys = {normalise(text) for text in train_texts}
    message = "expected a text unseen in training, found one that is also a training row"
    fix = "delete it here or there: it measures memory"
    return [
        Problem("warning", "leakage", row.source, row.number, message, fix)
        for text, row in zip(eval_texts, eval_rows, strict=True)
        if normalise(text) in train_keys
    ]
