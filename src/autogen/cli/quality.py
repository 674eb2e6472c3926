"""The tables of `check` and `check --deep`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autogen.data.problems import Problem
from autogen.terminal import Output, escape, percent

if TYPE_CHECKING:
    from autogen.project.check import SkillCheck

SHOWN_PROBLEMS = 40
SHOWN = 10  # rows of each table; --json lists all
TEXT = 90  # characters of a text


def show_check(to: Output, check: SkillCheck) -> None:
    """One skill's data, what is wrong with it, and what `train` would do."""
    for need in check.needs:
        name = check.skill if len(check.needs) == 1 else f"{check.skill}/{need.need}"
        for one in need.summary.tables:
            to.table(f"{name}: {one.title}", one.columns, one.rows, one.right)
        for line in need.summary.lines:
            to.say(escape(line if need.summary.tables else f"{name}: {line}"))
    _show_problems(to, check.problems)
    for need in check.needs:
        if need.plan:
            to.say(escape(f"Training: {need.plan}."))


def _show_problems(to: Output, problems: Sequence[Problem]) -> None:
    ordered = sorted(problems, key=lambda problem: problem.severity)
    rows = [(p.severity, p.source, "" if p.row is None else p.row, p.message, p.fix) for p in ordered[:SHOWN_PROBLEMS]]
    if rows:
        to.table("Problems", ("", "file", "row", "expected, found", "what to do"), rows, right=(2,))
    if len(ordered) > SHOWN_PROBLEMS:
        to.say(f"… and {len(ordered) - SHOWN_PROBLEMS} more; --json lists all.")


def show_deep(to: Output, skill: str, report: Any) -> None:
    """`report` is a project.deep_check.DeepReport."""
    _label_errors(to, skill, report.label_errors)
    _alike(to, f"{skill}: near-duplicates", report.near_duplicates)
    _alike(to, f"{skill}: leakage (held-out rows that training rows say in other words)", report.leakage)
    _confusable(to, skill, report.confusable)
    _imbalance(to, skill, report.imbalance)
    _learning_curve(to, skill, report.learning_curve)
    for note in report.notes:
        to.say(escape(note))
    to.say(f"Looked at {report.rows:,} rows in {report.seconds:.1f} s.")


def deep_json(skill: str, reports: Mapping[str, Any]) -> dict[str, Any]:
    """The key `deep`, or nothing where it was not asked for. Of a skill with several needs, the reports by need."""
    from dataclasses import asdict

    own = {name: asdict(report) for name, report in reports.items() if name.partition("/")[0] == skill}
    if skill in own:
        return {"deep": own[skill]}
    return {"deep": {name.partition("/")[2]: report for name, report in own.items()}} if own else {}


def _label_errors(to: Output, skill: str, found: Sequence[Any]) -> None:
    rows = [
        (_place(one.at), one.at.label, one.suggested, percent(one.confidence), f"{one.times:.0f}×", _text(one.at))
        for one in found[:SHOWN]
    ]
    columns = ("row", "given", "suggested", "confidence", "times as likely", "text")
    _table(to, f"{skill}: likely label errors, the surest first", columns, rows, len(found), right=(3, 4))


def _alike(to: Output, title: str, found: Sequence[Any]) -> None:
    rows = [
        (
            _place(one.first),
            _place(one.second),
            f"{one.cosine:.3f}",
            _labels(one),
            f"{_text(one.first)}\n{_text(one.second)}",
        )
        for one in sorted(found, key=lambda one: one.same_label)[:SHOWN]
    ]
    _table(to, title, ("row", "row", "cosine", "labels", "texts"), rows, len(found), right=(2,))


def _labels(pair: Any) -> str:
    return str(pair.first.label) if pair.same_label else f"{pair.first.label}\n≠ {pair.second.label}"


def _confusable(to: Output, skill: str, found: Sequence[Any]) -> None:
    rows = [
        (
            *one.labels,
            percent(one.rate),
            f"{one.rows} of {one.of}",
            f"{_place(one.examples[0])}: {_text(one.examples[0])}",
        )
        for one in found[:SHOWN]
    ]
    columns = ("label", "label", "rate", "rows", "for example")
    _table(to, f"{skill}: labels taken for one another", columns, rows, len(found), right=(2, 3))


def _imbalance(to: Output, skill: str, found: Any) -> None:
    if found is None:
        return
    if found.remedies:
        rows = [(one.remedy, percent(one.accuracy), percent(one.macro_f1)) for one in found.remedies]
        to.table(f"{skill}: imbalance", ("remedy", "accuracy", "macro_f1"), rows, right=(1, 2))
    to.say(escape(found.verdict))


def _learning_curve(to: Output, skill: str, found: Any) -> None:
    if found is None:
        return
    rows = [(f"{count:,}", percent(right)) for count, right in found.points]
    count, right = found.projected
    to.table(
        f"{skill}: would more data help?",
        ("rows learnt from", "accuracy"),
        [*rows, (f"{count:,} (estimated)", percent(right))],
        right=(0, 1),
    )
    to.say(f"[bold]{escape(found.verdict)}[/]")
    labels = [(one.label, one.rows, percent(one.recall_half), percent(one.recall), one.advice) for one in found.labels]
    columns = ("label", "rows", "recall from half", "from all", "what would help")
    _table(to, f"{skill}: labels below the average", columns, labels[:SHOWN], len(labels), right=(1, 2, 3))


def _table(
    to: Output, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], of: int, right: Sequence[int]
) -> None:
    if rows:
        to.table(title, columns, rows, right)
    if of > len(rows):
        to.say(f"… and {of - len(rows)} more; --json lists all.")


def _place(at: Any) -> str:
    return f"{at.source}:{at.row}"


def _text(at: Any) -> str:
    return str(at.text) if len(at.text) <= TEXT else at.text[:TEXT] + "…"
