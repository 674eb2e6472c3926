"""Measuring a version through the code that answers people, and predicting whole files with it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from autogen.config import RESERVED_LABEL
from autogen.data.columns import select
from autogen.data.problems import Problem, raise_for, shown
from autogen.data.readers import locate, read_rows
from autogen.errors import UsageError
from autogen.markup import joined, metrics_table
from autogen.reports.answers import Answers, wilson
from autogen.runtime.tuned_model import TunedModel
from autogen.storage.files import explained, write_atomically
from autogen.tasks.text_classification import per_label
from autogen.training.learning_data import LabelledRows

OUTPUT_FORMATS = (".csv", ".tsv", ".jsonl", ".json")


@dataclass(frozen=True)
class SkillEvaluation:
    """`metrics` are flat, each in 0–1; `intervals` are 95 % Wilson intervals of those that are shares of rows."""

    metrics: dict[str, float]
    rows: int
    source: str
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    per_label: dict[str, dict[str, float]] = field(default_factory=dict)
    baselines: dict[str, dict[str, float]] = field(default_factory=dict)  # plain methods' metrics on the same rows
    warnings: tuple[str, ...] = ()
    off_policy: dict[str, Any] | None = None  # clicks per answer, told from answers that chance had a hand in
    answers: Answers | None = field(default=None, repr=False, compare=False)  # for pictures; None: there were no rows

    def to_json(self) -> dict[str, Any]:
        values = asdict(replace(self, answers=None))
        del values["answers"]
        if self.off_policy is None:
            del values["off_policy"]
        return values


@dataclass(frozen=True)
class Evaluation:
    """`data`: the file that was measured on; None: the held-out rows. In Jupyter it shows its tables."""

    version: str
    skills: dict[str, SkillEvaluation]
    data: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {"version": self.version, "skills": {name: one.to_json() for name, one in self.skills.items()}}

    def _repr_html_(self) -> str:
        captions = {name: f"{name}, version {self.version}: {one.source}" for name, one in self.skills.items()}
        return joined(metrics_table(o.metrics, o.intervals, captions[name]) for name, o in self.skills.items())


def evaluate_model(model: TunedModel, data: LabelledRows, source: str) -> SkillEvaluation:
    """Labels that the model does not know count as wrong, with a warning."""
    pairs = [example.text_pair or "" for example in data.examples]
    predictions = model.predict(data.texts, pairs if any(pairs) else None)
    metrics = model.task.metrics(predictions, data.labels)
    unknown = sorted({*data.labels} - {*model.task.labels, RESERVED_LABEL})
    rows = sum(label in unknown for label in data.labels)
    inside = sum(label != RESERVED_LABEL for label in data.labels)
    counts = {"accuracy": inside, "in_scope_accuracy": inside, "oos_recall": len(data.labels) - inside}
    return SkillEvaluation(
        metrics=metrics,
        rows=len(data.rows),
        source=source,
        intervals={name: wilson(metrics[name], n) for name, n in counts.items() if name in metrics},
        per_label=per_label([p.decided for p in predictions], data.labels),
        warnings=(_unknown_labels(unknown, rows, len(data.rows)),) if unknown else (),
        answers=Answers(data.texts, data.labels, predictions, model.task.threshold),
    )


def _unknown_labels(labels: Sequence[str], rows: int, of: int) -> str:
    names = ", ".join(shown(label) for label in labels[:10]) + (", …" if len(labels) > 10 else "")
    return f"{rows} of {of} rows have a label that the model does not know ({names}); they count as wrong."


def predict_file(model: TunedModel, source: str, target: Path, columns: dict[str, str]) -> int:
    """Write the rows of `source` with `prediction` (after rejection) and `confidence`. Returns how many.

    Raises DataError for rows that cannot be read, UsageError for a target of unknown format. The target appears whole.
    """
    check_output(target)
    rows, problems = read_rows(locate(source, Path()))
    selected, found = select(rows, ("text",), ("text_pair",), columns)
    raise_for([*problems, *found, *_empty(selected)])
    pairs = [str(row.values.get("text_pair") or "") for row in selected]
    predictions = model.predict([str(row.values["text"]) for row in selected], pairs if any(pairs) else None)
    answered = [
        {**row.values, "prediction": found.decided, "confidence": round(found.confidence, 6)}
        for row, found in zip(rows, predictions, strict=True)
    ]
    write_rows(answered, target)
    return len(answered)


def check_not_over(source: str, target: Path) -> None:
    """Raises UsageError where what is read would be written over."""
    if target.exists() and Path(source).exists() and target.samefile(source):
        raise UsageError(f"Expected an output file that is not the input, found {target} for both: name another.")


def check_output(target: Path) -> None:
    """Raises UsageError for a file of unknown format."""
    if target.suffix.lower() not in OUTPUT_FORMATS:
        raise UsageError(f"Expected an output file ending in {', '.join(OUTPUT_FORMATS)}; found {target.name!r}.")


def write_rows(rows: Sequence[dict[str, object]], target: Path) -> None:
    """The file appears whole. Raises UsageError, StorageError."""
    check_output(target)
    with explained(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, "".join(_written(rows, target.suffix.lower())).encode())


def _empty(rows: Sequence[Any]) -> list[Problem]:
    from autogen.data.rows import require_text
    from autogen.tasks.text_classification import MAX_TEXT

    return [found for row in rows if isinstance(found := require_text(row, "text", MAX_TEXT), Problem)]


def _written(rows: Sequence[dict[str, object]], kind: str) -> Iterator[str]:
    if kind == ".json":
        yield json.dumps(rows, ensure_ascii=False, indent=1, default=str)
    elif kind == ".jsonl":
        yield from (json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)
    else:
        buffer = io.StringIO()
        names = list(dict.fromkeys(name for row in rows for name in row))
        writer = csv.DictWriter(buffer, names, delimiter="\t" if kind == ".tsv" else ",", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        yield buffer.getvalue()
