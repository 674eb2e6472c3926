"""init, check, train, evaluate, predict, improve."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autogen.cli.app import app
from autogen.cli.quality import deep_json, show_check, show_deep
from autogen.cli.reports import report_on_version, show_candidate, show_evaluation, show_report, write_report
from autogen.config.settings import CONFIG_NAME
from autogen.errors import Refused, UsageError
from autogen.terminal import JsonOption, ProjectOption, SkillOption, VersionOption, counted, escape, open_terminal


@app.command(epilog="Example: autogen init bank --template customer-service")
def init(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    template: Annotated[str, typer.Option("--template", help="What kind of agent.")] = "customer-service",
    data: Annotated[
        Path | None, typer.Option("--data", metavar="FILE", help="Your own rows: columns and format are found.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a project from a template with real data, ready to train, or from a file of your own."""
    from autogen.templates import copy_template

    if data is not None:
        source = context.get_parameter_source("template")
        if source is not None and source.name == "COMMANDLINE":
            raise UsageError("Expected --template or --data, found both: a project is made of one of them.")
        _init_from_file(folder, data, as_json)
        return
    copy_template(template, folder)
    terminal = open_terminal(folder, as_json)
    name = escape(str(folder))
    terminal.say(f"Made a {template} project in [bold]{name}[/].")
    terminal.say(f"Next: [bold]cd {name}[/], then [bold]autogen check[/] and [bold]autogen train[/].")
    terminal.result({"project": str(folder), "template": template})


def _init_from_file(folder: Path, data: Path, as_json: bool) -> None:
    from autogen.project.starting import start_project

    started = start_project(folder, data)
    terminal = open_terminal(folder, as_json)
    name = escape(str(folder))
    terminal.say(f"Made a {started.kind} project in [bold]{name}[/].")
    for line in started.assumed:
        terminal.say(escape(line))
    terminal.say(f"Wrong? Mend [bold]{escape(str(folder / CONFIG_NAME))}[/].")
    terminal.say(f"Next: [bold]cd {name}[/], then [bold]autogen check[/] and [bold]autogen train[/].")
    terminal.result(
        {
            "project": str(folder),
            "skill": started.kind,
            "data": started.data,
            "columns": dict(started.columns),
            "assumed": list(started.assumed),
        }
    )


@app.command(epilog="Example: autogen check -p bank")
def check(
    project: ProjectOption = Path(),
    deep: Annotated[bool, typer.Option("--deep", help="Look for label errors, near-duplicates and more.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Read all data and report every problem, with counts per label. Exit code 1 on errors."""
    from autogen.feedback.review import describe_whose_feedback
    from autogen.project import Project

    terminal = open_terminal(project, as_json)
    opened_project = Project.open(project)
    checks = opened_project.check()
    for skill_check in checks:
        show_check(terminal, skill_check)
    errors = sum(len(skill_check.errors) for skill_check in checks)
    reports = opened_project.deep_check() if deep and not errors else {}
    for name, report in reports.items():
        show_deep(terminal, name, report)
    warnings = sum(len(skill_check.problems) for skill_check in checks) - errors
    warnings += sum(report.warnings for report in reports.values())
    learn_from = opened_project.config.feedback.learn_from
    terminal.say(escape(describe_whose_feedback(learn_from)))
    terminal.say(f"[bold]{counted(errors, 'error')}, {counted(warnings, 'warning')}.[/]")
    terminal.result(
        {
            "errors": errors,
            "warnings": warnings,
            "learn_from": learn_from,
            "skills": {
                skill_check.skill: skill_check.to_json() | deep_json(skill_check.skill, reports)
                for skill_check in checks
            },
        }
    )
    if errors:
        raise Refused(f"The data has {counted(errors, 'error')}: nothing can be learnt until the data is mended.")


@app.command(epilog="Example: autogen train -p bank")
def train(
    project: ProjectOption = Path(),
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a training that was interrupted.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="With --resume: although data, settings or champion have changed.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Fine-tune, export, measure. The first version becomes champion; later ones are candidates with a verdict."""
    from autogen.progress import TrainingProgress
    from autogen.project import Project
    from autogen.training.loop.distributed import is_follower, leading, run_follower

    if force and not resume:
        raise UsageError("Expected --force together with --resume, found it alone: it has nothing to overrule.")
    if is_follower():
        run_follower()
        return
    opened_project, terminal = Project.open(project), open_terminal(project, as_json)
    with leading():
        manifest = opened_project.train(resume, TrainingProgress(), force)
    report = report_on_version(terminal, opened_project, manifest.version)
    show_candidate(terminal, opened_project, manifest, report)


@app.command(epilog="Example: autogen improve -p bank")
def improve(project: ProjectOption = Path(), as_json: JsonOption = False) -> None:
    """Learn from the feedback, starting from the champion. Exit code 1 when the gate says no."""
    from autogen.progress import TrainingProgress
    from autogen.project import Project
    from autogen.training.loop.distributed import is_follower, leading, run_follower

    if is_follower():
        run_follower()
        return
    opened_project, terminal = Project.open(project), open_terminal(project, as_json)
    with leading():
        manifest = opened_project.improve(TrainingProgress())
    report = report_on_version(terminal, opened_project, manifest.version)
    show_candidate(terminal, opened_project, manifest, report)
    if not manifest.passed:
        raise Refused(f"Version {manifest.version} was not accepted; the champion goes on answering.")


@app.command(epilog="Example: autogen evaluate -p bank --data new.csv")
def evaluate(
    project: ProjectOption = Path(),
    data: Annotated[str | None, typer.Option("--data", help="A file of labelled rows; else the held-out rows.")] = None,
    version: VersionOption = None,
    skill: SkillOption = None,
    report: Annotated[bool, typer.Option("--report/--no-report", help="Draw it, as a page with pictures.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Measure a version through the code that answers people."""
    from autogen.project import Project

    terminal, opened_project = open_terminal(project, as_json), Project.open(project)
    evaluation = opened_project.evaluate(data, version, skill)
    for name, skill_evaluation in evaluation.skills.items():
        for warning in skill_evaluation.warnings:
            terminal.note(f"warning: {warning}")
        show_evaluation(terminal, name, evaluation.version, skill_evaluation)
    path = write_report(terminal, opened_project, evaluation) if report else None
    show_report(terminal, path)
    terminal.result({**evaluation.to_json(), "report": path})


@app.command(epilog="Example: autogen predict -p bank --input questions.csv --output answered.csv")
def predict(
    source: Annotated[str, typer.Option("--input", help="Rows with a text column.")],
    target: Annotated[Path, typer.Option("--output", help="Where to write the rows (.csv, .tsv, .jsonl, .json).")],
    project: ProjectOption = Path(),
    version: VersionOption = None,
    skill: SkillOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the rows of a file with their prediction and confidence."""
    from autogen.project import Project

    terminal = open_terminal(project, as_json)
    rows = Project.open(project).predict(source, target, version, skill)
    terminal.say(f"Wrote {counted(rows, 'row')} to {escape(str(target))}.")
    terminal.result({"rows": rows, "output": str(target)})
