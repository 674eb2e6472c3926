"""versions, promote, rollback."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from autogen.cli.app import app
from autogen.cli.reports import show_verdict
from autogen.errors import ProjectNotFound, VersionDamaged
from autogen.terminal import JsonOption, ProjectOption, output, percent
from autogen.versions.manifest import Manifest
from autogen.versions.registry import STATE_FOLDER, Versions


def opened(project: Path) -> Versions:
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
    to, found = output(project, as_json), opened(project)
    alias = found.alias()
    damaged = found.damaged()
    manifests = [found.manifest(name) for name in found.names() if name not in damaged]
    if show is not None:
        show = found.find(show)
        show_verdict(to, found.manifest(show))
    else:
        columns = ("version", "made", "learnt from", "metrics", "verdict")
        to.table("Versions", columns, [_row(one, alias.champion) for one in manifests])
    for name in damaged:
        to.note(f"warning: version {name} is damaged: its manifest cannot be read.")
    to.result(
        {
            "champion": alias.champion,
            "damaged": damaged,
            "history": list(alias.history),
            "versions": [
                one.model_dump(exclude={"files", "config"}) for one in manifests if show in (None, one.version)
            ],
        }
    )


def _row(one: Manifest, champion: str | None) -> tuple[object, ...]:
    models = [model for record in one.skills.values() for model in record.models.values()]
    shown = ("accuracy", "in_scope_accuracy", "oos_recall")
    metrics = {name: model.metrics[name] for model in models for name in shown if name in model.metrics}
    mark = ("\nchampion", "green") if one.version == champion else ""
    return (
        Text.assemble(one.version, mark),
        f"{one.made_by}{f' from {one.parent}' if one.parent else ''}\n{one.created_at.replace('T', ' ')[:16]}",
        f"{sum(model.train_rows for model in models)} rows\n{len(one.feedback)} feedback",
        "\n".join(f"{name} {percent(value)}" for name, value in metrics.items()),
        "the first" if one.verdict is None else one.verdict.get("summary", ""),
    )


@app.command(epilog="Example: autogen promote -p bank")
def promote(
    project: ProjectOption = Path(),
    version: Annotated[str | None, typer.Option("--version", help="Else the newest that passed the gate.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Even if the gate said no.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a version champion. Running servers take it up without dropping a request."""
    found = opened(project)
    before = _champion_before(found)
    name = found.promote(version, force)
    to = output(project, as_json)
    to.say(f"Version [bold]{name}[/] is champion. Take it back with [bold]autogen rollback[/].")
    to.result({"champion": name, "before": before})


def _champion_before(found: Versions) -> str | None:
    """None too where the alias cannot be read: `promote` is what mends it."""
    try:
        return found.alias().champion
    except VersionDamaged:
        return None


@app.command(epilog="Example: autogen rollback -p bank")
def rollback(project: ProjectOption = Path(), as_json: JsonOption = False) -> None:
    """Make the champion before this one champion again."""
    left, name = opened(project).rollback()
    to = output(project, as_json)
    to.say(f"Version [bold]{name}[/] is champion again, in place of {left}.")
    to.result({"champion": name, "before": left})
