"""Feedback in files: what was collected elsewhere comes in; all goes out, such that it comes in unchanged."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Generic, Literal, TypeVar, cast, get_args

from autogen.data.columns import select
from autogen.data.names import is_word_for_nothing
from autogen.data.problems import Problem, listed, raise_for, shown
from autogen.data.readers.files import read_rows
from autogen.data.rows import Row, is_missing, require_name, require_text
from autogen.errors import UsageError, did_you_mean
from autogen.feedback.entities import check_entities, entities_json, parse_entities
from autogen.feedback.events import (
    MAX_NAME_LENGTH,
    MAX_TEXT_LENGTH,
    Decision,
    Feedback,
    FeedbackStore,
    Source,
    Verdict,
    check_feedback,
    parse_rating,
)
from autogen.storage import clock
from autogen.storage.files import write_atomically

T = TypeVar("T")
D = TypeVar("D")
Format = Literal["csv", "tsv", "jsonl"]

COLUMNS = (
    *("id", "created_at", "source", "user", "trusted", "response_id", "skill", "version", "text", "action"),
    *(
        "intent",
        "confidence",
        "rating",
        "label",
        "answer",
        "comment",
        "entities",
        "decision",
        "decided_label",
        "decided_at",
        "answered_entities",
        "decided_entities",
        "vouched",
    ),
)
"""The columns of an export, in order; of an import all but `text` may be missing."""
_SAYS_SOMETHING = ("label", "rating", "answer", "comment", "entities")


@dataclass(frozen=True, slots=True)
class ImportResult:
    """How many rows were taken in, how many were known, and how many of the first are not the owner's own words."""

    imported: int
    already_known: int
    of_others: int = field(default=0, compare=False)


def import_feedback(
    store: FeedbackStore,
    path: Path,
    columns: Mapping[str, str] | None = None,
    skills: Sequence[str] = (),
    skill: str | None = None,
) -> ImportResult:
    """Keep every row of a file as feedback, or none of them: `text,label[,user]`, or what an export wrote.

    `columns` (field to column) names those called otherwise. Rows without `user` are the owner's and trusted,
    unless a column `trusted` says otherwise. A `user` in the owner's own file is vouched for, unless a column `vouched`
    says otherwise. A row whose `id` is known is left as it is; a row without one gets one
    of what it says, so that the same file twice counts once. `skills` are those that feedback may be on; rows that
    name none are on `skill`, or on all when there is only one. Raises `DataError` with all malformed rows,
    `StorageError`.
    """
    rows, problems = read_rows(path)
    rows, misfits = _select_columns(rows, columns or {})
    problems += misfits
    reader = _FeedbackReader(problems, skills, skill)
    events = [event for row in rows if (event := reader.read(row)) is not None]
    raise_for(reader.problems)
    known_ids = {feedback.id for feedback in store.all()}
    new_feedback = [feedback for feedback, _ in events if feedback.id not in known_ids]
    decisions = {f.id: decision for f, decision in events if decision is not None and f.id not in known_ids}
    store.add_many(new_feedback, decisions)
    of_others = sum(not feedback.trusted for feedback in new_feedback)
    return ImportResult(len(new_feedback), len(events) - len(new_feedback), of_others)


def export_feedback(store: FeedbackStore, path: Path, format: Format | None = None) -> int:
    """Write all feedback and decisions to a file, atomically, and return how many there are.

    The format follows the file's name unless given. Raises `UsageError`, `StorageError`.
    """
    events = store.all()
    write_atomically(path, _render(events, store.decisions(), format or _format_of(path)).encode())
    return len(events)


def feedback_as_text(store: FeedbackStore, format: Format = "jsonl") -> str:
    """All feedback and decisions as the text of such a file. Raises `StorageError`."""
    return _render(store.all(), store.decisions(), format)


# Out


def _format_of(path: Path) -> Format:
    suffix = path.suffix.lower().removeprefix(".")
    for format in get_args(Format):
        if suffix == format:
            return format  # type: ignore[no-any-return]
    raise UsageError(f'{path}: expected a name that ends in .csv, .tsv or .jsonl, found "{path.suffix}".')


def _render(events: Sequence[Feedback], decisions: Mapping[str, Decision], format: Format) -> str:
    records = [_record(feedback, decisions.get(feedback.id)) for feedback in events]
    if format == "jsonl":
        return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    # Cells that a spreadsheet would take for formulas stay as they are: an export must come back unchanged.
    target = io.StringIO(newline="")
    writer = csv.writer(target, delimiter="," if format == "csv" else "\t")
    writer.writerow(COLUMNS)
    writer.writerows([_cell(record[name]) for name in COLUMNS] for record in records)
    return target.getvalue()


def _record(feedback: Feedback, decision: Decision | None) -> dict[str, object]:
    values: dict[str, object] = {
        "text": feedback.message,
        "decision": decision.decision if decision else None,
        "decided_label": decision.label if decision else None,
        "decided_at": clock.format_time(decision.decided_at) if decision else None,
        "created_at": clock.format_time(feedback.created_at),
        "entities": entities_json(feedback.entities),
        "answered_entities": entities_json(feedback.answered_entities),
        "decided_entities": entities_json(decision.entities) if decision else None,
    }
    return {name: values[name] if name in values else getattr(feedback, name) for name in COLUMNS}


def _cell(value: object) -> object:
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    return str(value).lower() if isinstance(value, bool) else value


# In


def _select_columns(rows: Sequence[Row], columns: Mapping[str, str]) -> tuple[list[Row], list[Problem]]:
    """Rows by field, or the columns to rename. A column meant for a field must not be passed over."""
    present = {name for row in rows for name in row.values}
    renamed = {name: column for name, column in columns.items() if name not in present and column in present}
    if rows and not any(renamed.get(name, name) in present for name in _SAYS_SOMETHING):
        return select(rows, ("text", "label"), ("user",), renamed)
    absent = [name for name in COLUMNS if renamed.get(name, name) not in present]
    unknown = sorted(present - {*COLUMNS, *renamed.values()})
    selected, problems = select(rows, ("text",), tuple(name for name in COLUMNS if name != "text"), renamed)
    for name in unknown:
        if not problems and (suggestion := did_you_mean(name, absent)):
            message = f"expected the columns {listed(COLUMNS)}, found {shown(name)}"
            fix = f"rename it, or delete it.{suggestion}"
            problems.append(Problem("error", "near-column", rows[0].source, None, message, fix))
    return selected, problems


@dataclass
class _FeedbackReader:
    """Rows to feedback; what is wrong with each is gathered, so that a person can mend the file at once."""

    problems: list[Problem]
    skills: Sequence[str] = ()
    skill: str | None = None
    _lines: dict[str, int] = field(default_factory=dict)  # where each id stands
    _copies: Counter[str] = field(default_factory=Counter)  # how often each row without an id was read
    _now: datetime = field(default_factory=clock.now)

    def read(self, row: Row) -> tuple[Feedback, Decision | None] | None:
        problem_count = len(self.problems)
        feedback, decision = self._feedback(row), self._decision(row)
        if len(self.problems) > problem_count:
            return None
        try:
            check_feedback(feedback)
            if decision is not None:
                check_entities(decision.entities or (), len(feedback.message))
        except UsageError as error:
            self.problems.append(row.error("not-feedback", str(error), "correct or delete the row"))
        return feedback, decision

    def _feedback(self, row: Row) -> Feedback:
        user, source = self._user(row), self._parse(row, "source", _SOURCE, _IMPORT)
        return Feedback(
            id=self._id(row),
            response_id=self._name(row, "response_id"),
            message=self._message(row),
            skill=self._skill(row),
            version=self._name(row, "version"),
            intent=self._name(row, "intent"),
            confidence=self._parse(row, "confidence", _NUMBER, None),
            rating=self._parse(row, "rating", _RATING, None),
            label=self._name(row, "label"),
            answer=self._text(row, "answer"),
            comment=self._text(row, "comment"),
            user=user,
            trusted=self._parse(row, "trusted", _TRUTH, user is None),
            source=source,
            created_at=self._parse(row, "created_at", _MOMENT, self._now),
            action=self._name(row, "action"),
            entities=self._parse(row, "entities", _ENTITIES, None),
            answered_entities=self._parse(row, "answered_entities", _ENTITIES, None),
            vouched=self._parse(row, "vouched", _TRUTH, source == _IMPORT) and user is not None,
        )

    def _user(self, row: Row) -> str | None:
        """Nobody where a word for nothing stands, unless an export wrote it, which must come back as it was."""
        user = self._name(row, "user")
        return None if user is not None and is_missing(row, "id") and is_word_for_nothing(user) else user

    def _skill(self, row: Row) -> str | None:
        name = self._name(row, "skill") or self.skill
        if name is None and len(self.skills) > 1:
            message = f"expected a skill ({', '.join(self.skills)}), found none"
            self.problems.append(row.error("missing-value", message, 'add a column "skill", or import with --skill'))
        elif name is not None and self.skills and name not in self.skills:
            message = f"expected a skill of this project ({', '.join(self.skills)}), found {shown(name)}"
            fix = f"correct it, or import with --skill.{did_you_mean(name, self.skills)}"
            self.problems.append(row.error("unknown-skill", message, fix))
        return name

    def _decision(self, row: Row) -> Decision | None:
        decision = self._parse(row, "decision", _VERDICT, None)
        label = self._name(row, "decided_label")
        entities = self._parse(row, "decided_entities", _ENTITIES, None)
        decided_at = self._parse(row, "decided_at", _MOMENT, self._now)
        if decision == "relabel" and label is None and entities is None:
            message = 'expected the right label in "decided_label" with the decision "relabel", found none'
            self.problems.append(row.error("missing-value", message, "fill it in"))
        return None if decision is None else Decision(decision, label, decided_at, entities)

    def _id(self, row: Row) -> str:
        id_ = self._name(row, "id")
        if id_ is None:
            return self._id_of_words(row)
        first_row = self._lines.setdefault(id_, row.number)
        if first_row != row.number:
            message = f"expected each id once, found {shown(id_)} of row {first_row} again"
            self.problems.append(row.error("duplicate-id", message, "delete one of them"))
        return id_

    def _id_of_words(self, row: Row) -> str:
        """The same for the same row of the same file, whenever it comes; two alike in one file are two."""
        cells = [(name, str(row.values[name])) for name in COLUMNS if not is_missing(row, name)]
        content = json.dumps([self.skill, cells])
        self._copies[content] += 1
        return f"fb-{hashlib.blake2b(f'{self._copies[content]} {content}'.encode(), digest_size=16).hexdigest()}"

    def _message(self, row: Row) -> str:
        value = row.values.get("text")
        if isinstance(value, str) and not value.strip() and not is_missing(row, "response_id"):
            return value  # someone did say nothing, and was answered
        return self._value_or_report(require_text(row, "text", MAX_TEXT_LENGTH)) or ""

    def _name(self, row: Row, name: str) -> str | None:
        return None if is_missing(row, name) else self._value_or_report(require_name(row, name, MAX_NAME_LENGTH))

    def _text(self, row: Row, name: str) -> str | None:
        return None if is_missing(row, name) else self._value_or_report(require_text(row, name, MAX_TEXT_LENGTH))

    def _value_or_report(self, value: str | Problem) -> str | None:
        if isinstance(value, Problem):
            self.problems.append(value)
            return None
        return value

    def _parse(self, row: Row, name: str, kind: _Kind[T], default: D) -> T | D:
        if is_missing(row, name):
            return default
        value = row.values[name]
        try:
            return kind.parse(value)
        except (ValueError, OverflowError, RecursionError, UsageError):
            message = f'expected {kind.expected} in "{name}", found {shown(value)}'
            self.problems.append(row.error("bad-value", message, "correct it, or leave it empty"))
            return default


@dataclass(frozen=True)
class _Kind(Generic[T]):
    """What a cell that is no text may hold. `parse` raises `ValueError` or `UsageError` for anything else."""

    expected: str
    parse: Callable[[object], T]


def _number(value: object) -> float:
    number = float(str(value))
    if not math.isfinite(number):
        raise ValueError(value)
    return number


def _truth(value: object) -> bool:
    return {"true": True, "false": False}[_one_of(value, ("true", "false"))]


def _one_of(value: object, words: Sequence[str]) -> str:
    word = str(value).strip().lower()
    if word not in words:
        raise ValueError(value)
    return word


_ENTITIES = _Kind(
    'a list such as [{"start": 0, "end": 4, "label": "city"}]',
    lambda value: parse_entities(json.loads(value) if isinstance(value, str) else value),
)
_NUMBER = _Kind("a number", _number)
_RATING = _Kind('"up", "down" or a number from 0 to 1', parse_rating)
_TRUTH = _Kind("true or false", _truth)
_MOMENT = _Kind("a time such as 2026-01-31T09:30:00Z", lambda value: clock.parse_time(str(value)))
_SOURCE = _Kind(f"one of {listed(get_args(Source))}", lambda value: cast(Source, _one_of(value, get_args(Source))))
_VERDICT = _Kind(f"one of {listed(get_args(Verdict))}", lambda value: cast(Verdict, _one_of(value, get_args(Verdict))))
_IMPORT: Source = "import"
