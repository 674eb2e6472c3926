"""Tables of metrics and verdicts, shared by several commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from autogen.errors import StorageError, UsageError
from autogen.feedback.review import describe_eval_corrections, describe_learnt_from
from autogen.installation import install_extra
from autogen.plugins import tasks
from autogen.reports.drawing import can_draw
from autogen.tasks.evaluation import Evaluation
from autogen.terminal import Terminal, escape, percent
from autogen.versions.manifest import Manifest
from autogen.versions.verdict import mark_of

if TYPE_CHECKING:
    from autogen.feedback.batch_report import BatchReport
    from autogen.project import Project
    from autogen.project.evaluation import SkillEvaluation

WORST_LABELS = 5


def show_evaluation(terminal: Terminal, skill: str, version: str, evaluation: SkillEvaluation) -> None:
    """The metrics of each need with their intervals, and the hardest labels."""
    for name, need_evaluation in evaluation.needs.items():
        title = skill if len(evaluation.needs) == 1 else f"{skill}/{name}"
        _show_need(terminal, f"{title}, version {version}", need_evaluation)
    if evaluation.off_policy is not None:
        terminal.say(escape(_off_policy_sentence(evaluation.off_policy)))


def _off_policy_sentence(off_policy: Mapping[str, Any]) -> str:
    count, logged = off_policy["answers"], off_policy["logged_clicks_per_answer"]
    as_shown = f"; as they were shown, they got {logged:.3f}" if count else ""
    return f"Off-policy, clicks per answer on {count} logged answers: {off_policy['said']}{as_shown}."


def _show_need(terminal: Terminal, title: str, evaluation: Evaluation) -> None:
    baselines = list(evaluation.baselines.values())
    rows = [
        (
            name,
            percent(evaluation.metrics[name]),
            _interval(evaluation.intervals.get(name)),
            *(percent(metrics[name]) if name in metrics else "" for metrics in baselines),
        )
        for name in main_metrics(evaluation.metrics)
    ]
    right = tuple(range(1, 3 + len(baselines)))
    terminal.table(
        f"{title}: {evaluation.source}", ("metric", "value", "95 % interval", *evaluation.baselines), rows, right=right
    )
    worst = sorted(evaluation.per_label.items(), key=lambda item: item[1]["f1"])[:WORST_LABELS]
    if worst and len(evaluation.per_label) > WORST_LABELS:
        lines = [(n, percent(v["f1"]), percent(v["precision"]), percent(v["recall"]), int(v["rows"])) for n, v in worst]
        terminal.table("Hardest labels", ("label", "f1", "precision", "recall", "rows"), lines, right=(1, 2, 3, 4))


def main_metrics(metrics: Mapping[str, float]) -> list[str]:
    """Those that head tables, in their tasks' order."""
    names = dict.fromkeys(name for task in tasks().values() for name in task.metrics)
    return [name for name in names if name in metrics]


def _interval(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f"{interval[0]:.1%} – {interval[1]:.1%}"


def report_on_version(terminal: Terminal, project: Any, version: str) -> str | None:
    """Measure a version just made and draw it: the page's path. The version stands, whatever becomes of its report."""
    try:
        return write_report(terminal, project, project.evaluate(version=version))
    except UsageError as error:  # no rows to measure on
        terminal.note(f"No report: {error}")
        return None


def write_report(terminal: Terminal, project: Any, evaluation: Any) -> str | None:
    """`project` is a project.Project, `evaluation` one of its evaluations. Where it cannot be written, that is said."""
    if not can_draw():
        terminal.note(f"The report has no pictures: matplotlib is not installed ({install_extra('learn')}).")
    try:
        path = project.write_report(evaluation)
    except StorageError as error:
        terminal.note(f"No report: {error}")
        return None
    return str(path)


def show_report(terminal: Terminal, path: str | None) -> None:
    if path is not None:
        terminal.say(f"Report with pictures: [bold]{escape(path)}[/]")


def show_candidate(terminal: Terminal, project: Project, manifest: Manifest, report: str | None) -> None:
    """A version just made: its metrics, how it was trained, the gate's report, and whose feedback it learnt."""
    champion, batch = project.versions.champion(), project.batch_report(manifest)
    for skill, record in manifest.skills.items():
        for need, model in record.models.items():
            how = "cross-validated" if model.cross_validated else f"{model.held_out_rows} held-out rows"
            rows = [(name, percent(model.metrics[name])) for name in main_metrics(model.metrics)]
            title = skill if len(record.models) == 1 else f"{skill}/{need}"
            terminal.table(f"{title}, version {manifest.version}: {how}", ("metric", "value"), rows, right=(1,))
            terminal.say(escape(tasks()[model.task].how_trained(model.training, model.train_rows)))
            if model.training.get("unlabelled"):
                terminal.say(escape(f"{model.training['unlabelled']['said']}."))
    if manifest.verdict:
        show_verdict(terminal, manifest)
    if words := describe_learnt_from(manifest.learnt_from):
        terminal.say(words)
    show_batch(terminal, batch)
    if manifest.corrections_of_held_out:
        terminal.say(describe_eval_corrections(manifest.corrections_of_held_out))
    if manifest.version == champion:
        terminal.say(f"Version [bold]{manifest.version}[/] is champion. Talk to it: [bold]autogen chat[/]")
    elif manifest.passed:
        terminal.say(f"Version [bold]{manifest.version}[/] may replace {champion}: [bold]autogen promote[/]")
    show_report(terminal, report)
    terminal.result(
        {
            "version": manifest.version,
            "champion": champion,
            "passed": manifest.passed,
            "metrics": {name: record.metrics for name, record in manifest.skills.items()},
            "verdict": manifest.verdict,
            "learnt_from": manifest.learnt_from,
            **batch.to_json(),
            "corrections_of_held_out": manifest.corrections_of_held_out,
            "unlabelled": {
                name: next(
                    (m.training["unlabelled"] for m in record.models.values() if m.training.get("unlabelled")), None
                )
                for name, record in manifest.skills.items()
            },
            "report": report,
        }
    )


def show_batch(terminal: Terminal, batch: BatchReport) -> None:
    """Whose feedback a version learnt anew, what was left out of it, why, and where to decide on that."""
    from autogen.feedback.batch_report import describe_batch, name_users

    if batch.users:
        terminal.say(escape(describe_batch(batch)))
    if not batch.left_out:
        return
    rows = [(part.part, part.rows, name_users(part.users), part.evidence) for part in batch.left_out]
    terminal.table("Harms, and is left out", ("part of the batch", "rows", "whose", "evidence"), rows, right=(1,))
    if batch.instead_of:
        terminal.say(f"Version {batch.instead_of} was turned down, which had learnt it too.")
    terminal.say("Decide on it: [bold]autogen review[/]. Accepted, it is learnt next time; dropped, never.")


def show_verdict(terminal: Terminal, manifest: Manifest) -> None:
    verdict = manifest.verdict or {}
    rows = [(mark_of(c), c["name"], c["finding"]) for c in verdict.get("checks", ())]
    terminal.table(f"Gate: version {manifest.version} against {manifest.parent}", ("", "check", "finding"), rows)
    colour = "green" if verdict.get("passed") else "red"
    terminal.say(f"[bold {colour}]{escape(verdict.get('summary', ''))}[/]")
