"""discover: new intents among texts that fit none."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from autogen.skills.hosts import CommandHost
from autogen.terminal import JsonOption, ProjectOption, SkillOption, Terminal, escape, open_terminal
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
        discovery = import_module(
            "autogen.tasks.text_classification.learning.discover"
        )  # torch: only when it is asked for
        skill_in_project, terminal = host.open_project(project).skill(KIND, skill), open_terminal(project, as_json)
        if target is not None:
            discovery.check_target(target)
        proposals = discovery.IntentSearch(
            skill=skill_in_project.name,
            need=skill_in_project.need,
            data=skill_in_project.data,
            project=skill_in_project.project,
            cache=skill_in_project.project / STATE_FOLDER / "embeddings" / "discover",
            source=source,
            unsure=skill_in_project.memory.responses.messages(skill_in_project.name, UNSURE)
            if skill_in_project.memory
            else (),
            version=skill_in_project.version,
            model=skill_in_project.model,
            smallest=smallest,
        ).run()
        _show(terminal, proposals)
        written = None
        if target is not None:
            written = discovery.write_proposals(proposals, target, skill_in_project.need.columns)
            terminal.say(
                f"Wrote {written} rows to {escape(str(target))}: correct them, then add them to your training rows."
            )
        terminal.result({**proposals.to_json(), "output": None if target is None else str(target), "rows": written})


def _show(terminal: Terminal, discovered: Any) -> None:
    judge = f"version {discovered.version} and the base model" if discovered.version else "the base model"
    terminal.say(escape(f"{discovered.read}; by {judge}, {discovered.unfit:,} of them fit no label."))
    if discovered.looked_at < discovered.texts:
        terminal.note(
            f"warning: only {discovered.looked_at:,} of {discovered.texts:,} texts were looked at, drawn at random."
        )
    if discovered.grouped < discovered.unfit:
        terminal.note(
            f"warning: only {discovered.grouped:,} of {discovered.unfit:,} such texts were grouped, drawn at random."
        )
    if not discovered.proposals:
        terminal.say("No group of them is large enough to be an intent.")
        return
    rows = [
        (
            proposal.name,
            proposal.size,
            f"{proposal.cohesion:.2f}",
            f"{proposal.nearest_label} ({proposal.nearest_cosine:.2f})",
            example,
        )
        for proposal in discovered.proposals
        for example in ["\n".join(proposal.examples[:3])]
    ]
    columns = ("proposed intent", "texts", "cohesion", "nearest label", "examples")
    terminal.table(f"{discovered.skill}: {len(rows)} proposed intents", columns, rows, right=(1, 2))
