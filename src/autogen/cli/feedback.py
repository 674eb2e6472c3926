"""feedback import, export, list; review."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autogen.cli.app import app
from autogen.cli.versions import opened
from autogen.errors import UsageError
from autogen.terminal import JsonOption, ProjectOption, counted, escape, output

if TYPE_CHECKING:
    from autogen.feedback.events import FeedbackStore

MOST_NAMED = 10  # labels in one line

group = typer.Typer(help="What people said of answers: import, export, list.", no_args_is_help=True)
app.add_typer(group, name="feedback")


def kept(project: Path) -> FeedbackStore:
    """A project's feedback, to be read. Only the commands that use the database import it: the others start sooner."""
    from autogen.feedback.memory import Memory

    opened(project)
    return Memory.open_to_read(project).feedback


@group.command("import", epilog="Example: autogen feedback import -p bank --input corrections.csv")
def import_(
    source: Annotated[Path, typer.Option("--input", help="CSV or JSONL with text,label[,user].")],
    project: ProjectOption = Path(),
    skill: Annotated[str | None, typer.Option("--skill", help="Whose feedback, when there are several skills.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Take in corrections from a file: all of its rows, or none and every error named."""
    from autogen.project import Project

    opened_project = Project.open(project)
    found = opened_project.import_feedback(source, skill)
    to = output(project, as_json)
    known = f", {found.already_known} known already" if found.already_known else ""
    to.say(f"{counted(found.imported, 'row')} imported{known}. Next: [bold]autogen improve[/]")
    if unknown := opened_project.unknown_labels():
        names = ", ".join(unknown[:MOST_NAMED]) + (", …" if len(unknown) > MOST_NAMED else "")
        to.note(f"Labels that are no intents yet: {names}. Enough rows make one a new intent.")
    to.result({"imported": found.imported, "already_known": found.already_known})


@group.command("export", epilog="Example: autogen feedback export -p bank --output feedback.csv")
def export(
    project: ProjectOption = Path(),
    target: Annotated[Path | None, typer.Option("--output", help="CSV, TSV or JSONL; else JSONL on stdout.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Give everything back: comments and where each came from included."""
    from autogen.feedback.exchange import export_feedback, feedback_as_text

    store, to = kept(project), output(project, as_json)
    if target is not None:
        rows = export_feedback(store, target)
        to.say(f"Wrote {counted(rows, 'row')} to {escape(str(target))}.")
        to.result({"rows": rows, "output": str(target)})
    elif as_json:
        to.result({"feedback": _listed(store)})
    else:
        sys.stdout.write(feedback_as_text(store))


@group.command("list", epilog="Example: autogen feedback list -p bank")
def list_(project: ProjectOption = Path(), as_json: JsonOption = False) -> None:
    """Show all feedback."""
    from autogen.feedback.events import SHORT_ID

    store, to = kept(project), output(project, as_json)
    rows = [
        (
            f.id[:SHORT_ID],
            f.message,
            f.intent or "",
            f.label or "",
            "" if f.rating is None else f"{f.rating:g}",
            f.answer or f.comment or "",
            f.user or "",
            f.source,
        )
        for f in store.all()
    ]
    columns = ("id", "message", "answered as", "label", "rating", "better answer, comment", "user", "from")
    to.table(f"{len(rows)} feedback", columns, rows)
    to.result({"feedback": _listed(store)})


def _listed(store: FeedbackStore) -> list[dict[str, Any]]:
    from dataclasses import asdict

    return [asdict(one) for one in store.all()]


@app.command(epilog="Example: autogen review -p bank --relabel fb-1f…=card_arrival")
def review(
    project: ProjectOption = Path(),
    accept: Annotated[list[str] | None, typer.Option("--accept", help="Take an item as it is.")] = None,
    relabel: Annotated[
        list[str] | None, typer.Option("--relabel", metavar="ID=LABEL", help="Take it with another label.")
    ] = None,
    drop: Annotated[list[str] | None, typer.Option("--drop", help="Leave it out.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the feedback that waits for a person, and settle it."""
    from dataclasses import asdict

    from autogen.feedback.events import SHORT_ID
    from autogen.feedback.review import describe_eval_corrections
    from autogen.project import Project

    found = Project.open(project)
    decided = 0
    for feedback_id in accept or ():
        found.decide(feedback_id, "accept")
        decided += 1
    for pair in relabel or ():
        feedback_id, equals, label = pair.partition("=")
        if not equals or not label.strip():
            raise UsageError(f"Expected --relabel ID=LABEL; found {pair!r}.")
        found.decide(feedback_id, "relabel", label.strip())
        decided += 1
    for feedback_id in drop or ():
        found.decide(feedback_id, "drop")
        decided += 1
    items, held_out = found.to_review()
    to = output(project, as_json)
    columns = ("id", "text", "why it waits", "champion says", "proposed", "user")
    rows = [
        (i.feedback_id[:SHORT_ID], i.text, i.explanation, i.champion_says or "", i.proposed_label or "", i.user or "")
        for i in items
    ]
    to.table(f"{len(items)} waiting" + (f", {decided} settled now" if decided else ""), columns, rows)
    if items:
        to.say("Settle them: [bold]autogen review --accept ID --relabel ID=LABEL --drop ID[/]")
    if held_out:
        to.say(describe_eval_corrections(len(held_out)))
    to.result(
        {
            "settled": decided,
            "waiting": [asdict(item) for item in items],
            "corrections_of_held_out": [asdict(one) for one in held_out],
        }
    )
