"""One model's evaluation, as its report shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autogen.reports.report import ReportSection
from autogen.tasks.evaluation import Evaluation
from autogen.tasks.task import Task


def part_of(task: Task[Any, Any], name: str, evaluation: Evaluation, record: Mapping[str, Any]) -> ReportSection:
    """`record`: of the fit (`Fitted.record`), and what else is to be said of it."""
    return ReportSection(
        name=name,
        source=evaluation.source,
        metrics=evaluation.metrics,
        intervals=evaluation.intervals,
        warnings=evaluation.warnings,
        tables=tuple(task.tables(evaluation)),
        training=record,
        drawings=lambda: task.pictures(evaluation, record),
        measured=evaluation.details is not None or bool(evaluation.baselines),
    )
