"""discover: new intents among texts that fit none."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from autogen.skills.hosts import CommandHost
from autogen.terminal import JsonOption, Output, ProjectOption, SkillOption, escape, output
from autogen.versions.registry import STATE_FOLDER

KIND = "customer-service"
UNSURE = ("decline", "clarify")  # actions of an agent that was unsure of a message


def add(app: typer.Typer, host: CommandHost) -> None:
    """`discover`."""

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
        look = import_module("autogen.tasks.text_classification.learning.discover")  # torch: only when it is asked for
        opened, to = host.open_project(project).skill(KIND, skill), output(project, as_json)
        if target is not None:
            look.check_target(target)
        found = look.IntentSearch(
            skill=opened.name,
            need=opened.need,
            data=opened.data,
            project=opened.project,
            cache=opened.project / STATE_FOLDER / "embeddings" / "discover",
            source=source,
            unsure=opened.memory.responses.messages(opened.name, UNSURE) if opened.memory else (),
            version=opened.version,
            model=opened.model,
            smallest=smallest,
        ).run()
        _show(to, found)
        written = None
        if target is not None:
            written = look.write_proposals(found, target, opened.need.columns)
            to.say(f"Wrote {written} rows to {escape(str(target))}: correct them, then add them to your training rows.")
        to.result({**found.to_json(), "output": None if target is None else str(target), "rows": written})


def _show(to: Output, found: Any) -> None:
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
