"""The tables of `check` and `check --deep`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autogen.data.problems import Problem
from autogen.terminal import Terminal, escape, percent

if TYPE_CHECKING:
    from autogen.project.check import SkillCheck

SHOWN_PROBLEMS = 40
SHOWN = 10  # rows of each table; --json lists all
TEXT = 90  # characters of a text


def show_check(terminal: Terminal, check: SkillCheck) -> None:
    """One skill's data, what is wrong with it, and what `train` would do."""
    for need in check.needs:
        name = check.skill if len(check.needs) == 1 else f"{check.skill}/{need.need}"
        for table in need.summary.tables:
            terminal.table(f"{name}: {table.title}", table.columns, table.rows, table.right)
        for line in need.summary.lines:
            terminal.say(escape(line if need.summary.tables else f"{name}: {line}"))
    _show_problems(terminal, check.problems)
    for need in check.needs:
        if need.plan:
            terminal.say(escape(f"Training: {need.plan}."))


def _show_problems(terminal: Terminal, problems: Sequence[Problem]) -> None:
    ordered = sorted(problems, key=lambda problem: problem.severity)
    rows = [(p.severity, p.source, "" if p.row is None else p.row, p.message, p.fix) for p in ordered[:SHOWN_PROBLEMS]]
    if rows:
        terminal.table("Problems", ("", "file", "row", "expected, found", "what to do"), rows, right=(2,))
    if len(ordered) > SHOWN_PROBLEMS:
        terminal.say(f"… and {len(ordered) - SHOWN_PROBLEMS} more; --json lists all.")


def show_deep(terminal: Terminal, skill: str, report: Any) -> None:
    """`report` is a project.deep_check.DeepReport."""
    _label_errors(terminal, skill, report.label_errors)
    _similar_pairs(terminal, f"{skill}: near-duplicates", report.near_duplicates)
    _similar_pairs(terminal, f"{skill}: leakage (held-out rows that training rows say in other words)", report.leakage)
    _confusable(terminal, skill, report.confusable)
    _imbalance(terminal, skill, report.imbalance)
    _learning_curve(terminal, skill, report.learning_curve)
    for note in report.notes:
        terminal.say(escape(note))
    terminal.say(f"Looked at {report.rows:,} rows in {report.seconds:.1f} s.")


def deep_json(skill: str, reports: Mapping[str, Any]) -> dict[str, Any]:
    """The key `deep`, or nothing where it was not asked for. Of a skill with several needs, the reports by need."""
    from dataclasses import asdict

    own = {name: asdict(report) for name, report in reports.items() if name.partition("/")[0] == skill}
    if skill in own:
        return {"deep": own[skill]}
    return {"deep": {name.partition("/")[2]: report for name, report in own.items()}} if own else {}


def _label_errors(terminal: Terminal, skill: str, label_errors: Sequence[Any]) -> None:
    rows = [
        (
            _place(error.at),
            error.at.label,
            error.suggested,
            percent(error.confidence),
            f"{error.times:.0f}×",
            _text(error.at),
        )
        for error in label_errors[:SHOWN]
    ]
    columns = ("row", "given", "suggested", "confidence", "times as likely", "text")
    _table(terminal, f"{skill}: likely label errors, the surest first", columns, rows, len(label_errors), right=(3, 4))


def _similar_pairs(terminal: Terminal, title: str, pairs: Sequence[Any]) -> None:
    rows = [
        (
            _place(pair.first),
            _place(pair.second),
            f"{pair.cosine:.3f}",
            _labels(pair),
            f"{_text(pair.first)}\n{_text(pair.second)}",
        )
        for pair in sorted(pairs, key=lambda pair: pair.same_label)[:SHOWN]
    ]
    _table(terminal, title, ("row", "row", "cosine", "labels", "texts"), rows, len(pairs), right=(2,))


def _labels(pair: Any) -> str:
    return str(pair.first.label) if pair.same_label else f"{pair.first.label}\n≠ {pair.second.label}"


def _confusable(terminal: Terminal, skill: str, confusions: Sequence[Any]) -> None:
    rows = [
        (
            *confusion.labels,
            percent(confusion.rate),
            f"{confusion.rows} of {confusion.of}",
            f"{_place(confusion.examples[0])}: {_text(confusion.examples[0])}",
        )
        for confusion in confusions[:SHOWN]
    ]
    columns = ("label", "label", "rate", "rows", "for example")
    _table(terminal, f"{skill}: labels taken for one another", columns, rows, len(confusions), right=(2, 3))


def _imbalance(terminal: Terminal, skill: str, imbalance: Any) -> None:
    if imbalance is None:
        return
    if imbalance.remedies:
        rows = [(remedy.remedy, percent(remedy.accuracy), percent(remedy.macro_f1)) for remedy in imbalance.remedies]
        terminal.table(f"{skill}: imbalance", ("remedy", "accuracy", "macro_f1"), rows, right=(1, 2))
    terminal.say(escape(imbalance.verdict))


def _learning_curve(terminal: Terminal, skill: str, curve: Any) -> None:
    if curve is None:
        return
    rows = [(f"{count:,}", percent(right)) for count, right in curve.points]
    count, right = curve.projected
    terminal.table(
        f"{skill}: would more data help?",
        ("rows learnt from", "accuracy"),
        [*rows, (f"{count:,} (estimated)", percent(right))],
        right=(0, 1),
    )
    terminal.say(f"[bold]{escape(curve.verdict)}[/]")
    labels = [
        (label.label, label.rows, percent(label.recall_half), percent(label.recall), label.advice)
        for label in curve.labels
    ]
    columns = ("label", "rows", "recall from half", "from all", "what would help")
    _table(terminal, f"{skill}: labels below the average", columns, labels[:SHOWN], len(labels), right=(1, 2, 3))


def _table(
    terminal: Terminal,
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    total: int,
    right: Sequence[int],
) -> None:
    if rows:
        terminal.table(title, columns, rows, right)
    if total > len(rows):
        terminal.say(f"… and {total - len(rows)} more; --json lists all.")


def _place(at: Any) -> str:
    return f"{at.source}:{at.row}"


def _text(at: Any) -> str:
    return str(at.text) if len(at.text) <= TEXT else at.text[:TEXT] + "…"
