"""versions, promote, rollback."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from autogen.cli.app import app
from autogen.cli.reports import show_batch, show_verdict
from autogen.errors import ProjectNotFound, VersionDamaged
from autogen.feedback.review import describe_learnt_from
from autogen.plugins import tasks
from autogen.terminal import JsonOption, ProjectOption, Terminal, open_terminal, percent
from autogen.versions.manifest import Manifest, ModelRecord
from autogen.versions.registry import STATE_FOLDER, Versions


def open_versions(project: Path) -> Versions:
    """The versions of a project, which must be one."""
    if not (project / STATE_FOLDER).is_dir() and not (project / "agent.toml").is_file():
        raise ProjectNotFound(
            f"Expected a project: a folder with agent.toml. Found none in {project.resolve()}. "
            "Go to your project's folder, name it with -p DIR, or make one with `autogen init DIR`."
        )
    return Versions(project)


@app.command(epilog="Example: autogen versions -p bank --show 0002")
def versions(
    project: ProjectOption = Path(),
    show: Annotated[str | None, typer.Option("--show", help="A version whose verdict to show whole.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List all versions: lineage, data, metrics, verdict."""
    terminal, registry = open_terminal(project, as_json), open_versions(project)
    alias = registry.alias()
    damaged = registry.damaged()
    manifests = [registry.manifest(name) for name in registry.names() if name not in damaged]
    if show is not None:
        show = registry.find(show)
        show_verdict(terminal, registry.manifest(show))
        if words := describe_learnt_from(registry.manifest(show).learnt_from):
            terminal.say(words)
        _show_batch(terminal, project, registry, registry.manifest(show))
    else:
        columns = ("version", "made", "learnt from", "metrics", "verdict")
        terminal.table("Versions", columns, [_row(manifest, alias.champion) for manifest in manifests])
    for name in damaged:
        terminal.note(f"warning: version {name} is damaged: its manifest cannot be read.")
    terminal.result(
        {
            "champion": alias.champion,
            "damaged": damaged,
            "history": list(alias.history),
            "versions": [
                manifest.model_dump(exclude={"files", "config"})
                for manifest in manifests
                if show in (None, manifest.version)
            ],
        }
    )


def _show_batch(terminal: Terminal, project: Path, registry: Versions, manifest: Manifest) -> None:
    """Where feedback came in: only then is the database opened."""
    from autogen.feedback.batch_report import BatchReport
    from autogen.feedback.memory import DATABASE_FILE, Memory

    if (manifest.feedback or manifest.left_out) and (registry.state / DATABASE_FILE).is_file():
        show_batch(terminal, BatchReport.of(manifest, registry, Memory.open_to_read(project)))


def _row(manifest: Manifest, champion: str | None) -> tuple[object, ...]:
    models = [model for record in manifest.skills.values() for model in record.models.values()]
    metrics = {name: model.metrics[name] for model in models for name in _main_metric(model)}
    mark = ("\nchampion", "green") if manifest.version == champion else ""
    parent = f" from {manifest.parent}" if manifest.parent else ""
    return (
        Text.assemble(manifest.version, mark),
        f"{manifest.made_by}{parent}\n{manifest.created_at.replace('T', ' ')[:16]}",
        f"{sum(model.train_rows for model in models)} rows\n{len(manifest.feedback)} feedback",
        "\n".join(f"{name} {percent(value)}" for name, value in metrics.items()),
        "the first" if manifest.verdict is None else manifest.verdict.get("summary", ""),
    )


def _main_metric(model: ModelRecord) -> list[str]:
    """The first of its task's metrics that it has. None of a task whose package is not here: its versions can still be
    listed, and taken back."""
    names = tasks()[model.task].metrics if model.task in tasks() else ()
    return [name for name in names if name in model.metrics][:1]


@app.command(epilog="Example: autogen promote -p bank")
def promote(
    project: ProjectOption = Path(),
    version: Annotated[str | None, typer.Option("--version", help="Else the newest that passed the gate.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Even if the gate said no; without --version the newest candidate.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a version champion. Running servers take it up without dropping a request."""
    registry = open_versions(project)
    before = _champion_before(registry)
    name = registry.promote(version, force)
    terminal = open_terminal(project, as_json)
    terminal.say(f"Version [bold]{name}[/] is champion. Take it back with [bold]autogen rollback[/].")
    terminal.result({"champion": name, "before": before})


def _champion_before(registry: Versions) -> str | None:
    """None too where the alias cannot be read: `promote` is what mends it."""
    try:
        return registry.alias().champion
    except VersionDamaged:
        return None


@app.command(epilog="Example: autogen rollback -p bank")
def rollback(project: ProjectOption = Path(), as_json: JsonOption = False) -> None:
    """Make the champion before this one champion again."""
    left, name = open_versions(project).rollback()
    terminal = open_terminal(project, as_json)
    terminal.say(f"Version [bold]{name}[/] is champion again, in place of {left}.")
    terminal.result({"champion": name, "before": left})
