"""Rows as annotation tools export them (Label Studio, doccano, Prodigy, Argilla), made plain: text, label, entities.

Formats by the tools' documentation (labelstud.io/guide/export, doccano.github.io/doccano, prodi.gy/docs).
What somebody rejected or skipped is no example: it is left out, with a warning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autogen.data.problems import Problem, listed, shown
from autogen.data.rows import Row

# By column, the words that only such a column has, those by which a row is no example, and the others that it may have:
# one with any word besides is another column of that name.
_VERDICTS = {
    "answer": (frozenset({"accept", "reject", "ignore"}), frozenset({"reject", "ignore"}), frozenset({"accept"})),
    "status": (
        frozenset({"discarded"}),
        frozenset({"discarded", "draft", "pending"}),
        frozenset({"submitted", "completed", "validated"}),
    ),
}
# Columns by which people mark rows, whose meaning is theirs: that they are not read is said.
_MARKS = frozenset(
    "valid is_valid correct is_correct approved is_approved accepted is_accepted rejected is_rejected deleted "
    "is_deleted skip skipped ignore ignored exclude excluded".split()
)
_NO, _YES = frozenset({"0", "0.0", "false", "no", "n"}), frozenset({"1", "1.0", "true", "yes", "y"})

_Read = tuple[list[Row], list[Problem]]


def plain_rows(rows: Sequence[Row], source: str) -> _Read:
    """The rows of one file, with what stands inside lists and objects of an export as text, label and entities, and
    without those that were rejected."""
    if not rows:
        return [], []
    accepted, problems = _without_rejected(rows, source)
    if any(_is_task(row) for row in accepted):
        accepted, more = _tasks(accepted, source)
        problems += more
    plain = [_plain(row) for row in accepted]
    return plain, [*problems, *_unread_marks(plain, source)]


def _without_rejected(rows: Sequence[Row], source: str) -> _Read:
    problems: list[Problem] = []
    accepted = list(rows)
    for column, (decisive, negative, positive) in _VERDICTS.items():
        words = [_word(row.values.get(column)) for row in accepted]
        if not {*words} & decisive or not {*words} & negative or not {*words} - {""} <= negative | positive:
            continue
        rejected = [row for row, word in zip(accepted, words, strict=True) if word in negative]
        names = listed(sorted({*words} & negative))
        message = f"expected rows that are right, found {shown(column)} {names} ({len(rejected)} such rows)"
        fix = "they are left out: what a row is not teaches nothing"
        problems.append(Problem("warning", "rejected-row", source, rejected[0].number, message, fix))
        accepted = [row for row, word in zip(accepted, words, strict=True) if word not in negative]
    return accepted, problems


def _unread_marks(rows: Sequence[Row], source: str) -> list[Problem]:
    problems = []
    for column in dict.fromkeys(name for row in rows[:1] for name in row.values):
        if column.strip().casefold().replace(" ", "_") not in _MARKS:
            continue
        words = [_word(row.values.get(column)) for row in rows]
        if {*words} - {""} <= _NO | _YES and {*words} & _NO and {*words} & _YES:
            no = sum(word in _NO for word in words)
            message = f"expected text and label, found {shown(column)} beside them, {no} of {len(rows)} rows with a no"
            fix = "it is not read: all rows are learnt alike; delete those that are not meant to be"
            problems.append(Problem("warning", "unread-mark", source, None, message, fix))
    return problems


def _word(value: object) -> str:
    return str(value).strip().casefold() if isinstance(value, str | bool | int | float) else ""


def _is_task(row: Row) -> bool:
    """Whether it is a task of Label Studio with its annotations."""
    return isinstance(row.values.get("data"), Mapping) and isinstance(row.values.get("annotations"), list)


def _tasks(rows: Sequence[Row], source: str) -> _Read:
    plain, unannotated, disagreeing = [], [], []
    for row in rows:
        annotations = [_results(a) for a in _list(row.values.get("annotations")) if not _is_cancelled(a)]
        annotations = [results for results in annotations if results]
        data = row.values.get("data")
        if not annotations or not isinstance(data, Mapping):
            unannotated.append(row)
            continue
        if any(results != annotations[0] for results in annotations[1:]):
            disagreeing.append(row)
        plain.append(Row({**{str(name): value for name, value in data.items()}, **annotations[0]}, source, row.number))
    problems = []
    if unannotated:
        message = f"expected an annotation of every task, found none that was submitted ({len(unannotated)} such rows)"
        problems.append(Problem("warning", "rejected-row", source, unannotated[0].number, message, "they are left out"))
    if disagreeing:
        message = f"expected one annotation of a task, found several that differ ({len(disagreeing)} such rows)"
        fix = "the first counts; delete the others, or decide between them"
        problems.append(Problem("warning", "several-annotations", source, disagreeing[0].number, message, fix))
    return plain, problems


def _is_cancelled(annotation: object) -> bool:
    return not isinstance(annotation, Mapping) or bool(annotation.get("was_cancelled"))


def _results(annotation: Mapping[str, Any]) -> dict[str, object]:
    """What one person answered: the choices as `label`, the marked parts as `entities`."""
    choices: list[object] = []
    entities: list[object] = []
    for result in _list(annotation.get("result")):
        value = result.get("value") if isinstance(result, Mapping) else None
        if isinstance(value, Mapping):
            choices += _list(value.get("choices"))
            entities += [_entity(value, label) for label in _list(value.get("labels"))]
    found: dict[str, object] = {"label": choices} if choices else {}
    return found | ({"entities": entities} if entities else {})


def _plain(row: Row) -> Row:
    """A list of one label as the label, marked parts as entities. Several labels stay a list: which is right, no reader
    knows."""
    values = dict(row.values)
    if isinstance(values.get("accept"), list) and isinstance(values.get("options"), list):  # Prodigy's choice
        values["label"] = values["accept"]
    if isinstance(values.get("spans"), list) and "entities" not in values and "text" in values:  # Prodigy's ner
        values["entities"] = [_entity(span, span.get("label")) for span in _list(values["spans"]) if _is_mapping(span)]
    for name in ("label", "labels"):
        answers = values.get(name)
        if not isinstance(answers, list) or (name == "labels" and "label" in values):
            continue
        if answers and all(_is_mark(answer) for answer in answers):
            del values[name]
            values["entities"] = [_marked(answer) for answer in answers]
        elif len(answers) == 1:
            values["label"] = answers[0]
        elif not answers:
            values["label"] = None
            values |= {"entities": values.get("entities", [])} if "text" in values else {}
    return Row(values, row.source, row.number)


def _is_mapping(value: object) -> bool:
    return isinstance(value, Mapping)


def _is_mark(value: object) -> bool:
    """Whether it marks a part of the text: doccano's [start, end, label], Label Studio's object."""
    if isinstance(value, Mapping):
        return {"start", "end", "labels"} <= {*value}
    return isinstance(value, list) and len(value) == 3 and isinstance(value[0], int) and isinstance(value[1], int)


def _marked(value: Any) -> dict[str, object]:
    if isinstance(value, Mapping):
        return _entity(value, next(iter(_list(value["labels"])), None))
    return {"start": value[0], "end": value[1], "label": value[2]}


def _entity(value: Mapping[str, Any], label: object) -> dict[str, object]:
    return {"start": value.get("start"), "end": value.get("end"), "label": label}


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, list) else []
