"""discover: new intents among texts that fit none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autogen.cli.app import app
from autogen.terminal import JsonOption, Output, ProjectOption, SkillOption, escape, output

if TYPE_CHECKING:
    from autogen.tasks.text_classification.learning.discover import Discovery


@app.command(epilog="Example: autogen discover -p bank --output proposed.csv")
def discover(
    project: ProjectOption = Path(),
    source: Annotated[str | None, typer.Option("--input", help="More texts: rows with a text column.")] = None,
    target: Annotated[Path | None, typer.Option("--output", help="A CSV file for the rows proposed.")] = None,
    smallest: Annotated[int, typer.Option("--min-size", help="Texts that an intent has at least.")] = 10,
    skill: SkillOption = None,
    as_json: JsonOption = False,
) -> None:
    """Propose new intents from unlabelled texts, and from questions that the agent was unsure of."""
    from autogen.project import Project
    from autogen.project.check import skill_named
    from autogen.tasks.text_classification.learning.discover import check_target, write_proposals
    from autogen.tasks.text_classification.learning.discover import discover as look

    opened = Project.open(project)
    to = output(project, as_json)
    if target is not None:
        check_target(target)
    found = look(opened, skill, source, smallest)
    _show(to, found)
    written = None
    if target is not None:
        written = write_proposals(found, target, skill_named(opened.config, skill)[0][1].columns)
        to.say(f"Wrote {written} rows to {escape(str(target))}: correct them, then add them to your training rows.")
    to.result({**found.to_json(), "output": None if target is None else str(target), "rows": written})


def _show(to: Output, found: Discovery) -> None:
    judge = f"version {found.version} and the base model" if found.version else "the base model"
    to.say(escape(f"{found.read}; by {judge}, {found.unfit:,} of them fit no label."))
    if found.looked_at < found.texts:
        to.note(f"warning: only {found.looked_at:,} of {found.texts:,} texts were looked at, drawn at random.")
    if found.grouped < found.unfit:
        to.note(f"warning: only {found.grouped:,} of {found.unfit:,} such texts were grouped, drawn at random.")
    if not found.proposals:
        to.say("No group of them is large enough to be an intent.")
        return
    rows = [
        (one.name, one.size, f"{one.cohesion:.2f}", f"{one.nearest_label} ({one.nearest_cosine:.2f})", example)
        for one in found.proposals
        for example in ["\n".join(one.examples[:3])]
    ]
    columns = ("proposed intent", "texts", "cohesion", "nearest label", "examples")
    to.table(f"{found.skill}: {len(rows)} proposed intents", columns, rows, right=(1, 2))
