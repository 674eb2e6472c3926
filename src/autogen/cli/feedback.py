"""feedback import, export, list, drop, forget; review."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autogen.cli.app import app
from autogen.cli.versions import open_versions
from autogen.errors import UsageError
from autogen.feedback.entities import EXAMPLE
from autogen.terminal import JsonOption, ProjectOption, counted, escape, open_terminal

if TYPE_CHECKING:
    from autogen.feedback.entities import EntitySpan
    from autogen.feedback.events import Feedback, FeedbackStore
    from autogen.feedback.forgetting import Selection
    from autogen.feedback.groups import Choice, ReviewGroup
    from autogen.feedback.review import ReviewItem
    from autogen.terminal import Terminal

MOST_NAMED = 10  # labels in one line
MOST_ITEMS = 20  # of those that wait, where a person sees the groups first
ENTITIES_FORM = f"ID={EXAMPLE}"

feedback_commands = typer.Typer(
    help="What people said of answers: import, export, list, drop, forget.", no_args_is_help=True
)
app.add_typer(feedback_commands, name="feedback")


def open_feedback(project: Path) -> FeedbackStore:
    """A project's feedback, to be read. Only the commands that use the database import it: the others start sooner."""
    from autogen.feedback.memory import Memory

    open_versions(project)
    return Memory.open_to_read(project).feedback


@feedback_commands.command("import", epilog="Example: autogen feedback import -p bank --input corrections.csv")
def import_(
    source: Annotated[Path, typer.Option("--input", help="CSV or JSONL with text,label[,user].")],
    project: ProjectOption = Path(),
    skill: Annotated[str | None, typer.Option("--skill", help="Whose feedback, when there are several skills.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Take in corrections from a file: all of its rows, or none and every error named."""
    from autogen.project import Project

    opened_project = Project.open(project)
    result = opened_project.import_feedback(source, skill)
    terminal = open_terminal(project, as_json)
    known = f", {result.already_known} known already" if result.already_known else ""
    terminal.say(f"{counted(result.imported, 'row')} imported{known}. Next: [bold]autogen improve[/]")
    if result.of_others:
        terminal.note(f"{counted(result.of_others, 'row')} of other people: `autogen review` shows what waits for you.")
    if unknown := opened_project.unknown_labels():
        names = ", ".join(unknown[:MOST_NAMED]) + (", …" if len(unknown) > MOST_NAMED else "")
        terminal.note(f"Labels that are no intents yet: {names}. Enough rows make one a new intent.")
    terminal.result({"imported": result.imported, "already_known": result.already_known})


@feedback_commands.command("export", epilog="Example: autogen feedback export -p bank --output feedback.csv")
def export(
    project: ProjectOption = Path(),
    target: Annotated[Path | None, typer.Option("--output", help="CSV, TSV or JSONL; else JSONL on stdout.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Give everything back: comments and where each came from included."""
    from autogen.feedback.exchange import export_feedback, feedback_as_text

    store, terminal = open_feedback(project), open_terminal(project, as_json)
    if target is not None:
        rows = export_feedback(store, target)
        terminal.say(f"Wrote {counted(rows, 'row')} to {escape(str(target))}.")
        terminal.result({"rows": rows, "output": str(target)})
    elif as_json:
        terminal.result({"feedback": _feedback_json(store)})
    else:
        sys.stdout.write(feedback_as_text(store))


@feedback_commands.command("list", epilog="Example: autogen feedback list -p bank")
def list_(project: ProjectOption = Path(), as_json: JsonOption = False) -> None:
    """Show all feedback."""
    from autogen.feedback.events import SHORT_ID

    store, terminal = open_feedback(project), open_terminal(project, as_json)
    rows = [
        (
            entry.id[:SHORT_ID],
            entry.message,
            entry.intent or "",
            _correction(entry),
            "" if entry.rating is None else f"{entry.rating:g}",
            entry.answer or entry.comment or "",
            entry.user or "",
            entry.source,
        )
        for entry in store.all()
    ]
    columns = ("id", "message", "answered as", "label", "rating", "better answer, comment", "user", "from")
    terminal.table(f"{len(rows)} feedback", columns, rows)
    terminal.result({"feedback": _feedback_json(store)})


@feedback_commands.command("drop", epilog="Example: autogen feedback drop -p bank --source http --since 2026-11-28")
def drop_(
    project: ProjectOption = Path(),
    user: Annotated[str | None, typer.Option("--user", help='Who gave it; "" for those without a name.')] = None,
    source: Annotated[str | None, typer.Option("--source", help="How it came: http, python, cli, import.")] = None,
    since: Annotated[str | None, typer.Option("--since", help="From this time on, such as 2026-11-28T09:30.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Leave out all feedback of a user, a source, a time, or what has all that is given. It stays listed."""
    from autogen.project import Project

    selection = _selection(user, source, since)
    result = Project.open(project).drop_feedback(selection)
    terminal = open_terminal(project, as_json)
    terminal.say(
        f"Dropped {counted(result.dropped, 'feedback')}: nothing learns from it any more. "
        "[bold]autogen review --accept ID[/] takes one back."
    )
    _say_who_learnt(terminal, result.versions)
    terminal.result({"dropped": result.dropped, "versions": result.versions})


def _selection(user: str | None, source: str | None, since: str | None) -> Selection:
    """Raises UsageError."""
    from autogen.feedback.events import parse_source
    from autogen.feedback.forgetting import Selection
    from autogen.storage.clock import parse_time

    if user is None and source is None and since is None:
        raise UsageError("Expected --user, --source or --since, found none of them: say which feedback to drop.")
    try:
        moment = None if since is None else parse_time(since)
    except (ValueError, OverflowError):
        raise UsageError(f"Expected --since with a time such as 2026-11-28T09:30, found {since!r}.") from None
    return Selection(user, None if source is None else parse_source(source), moment)


@feedback_commands.command("forget", epilog="Example: autogen feedback forget -p bank --user ann --output ann.jsonl")
def forget(
    user: Annotated[str, typer.Option("--user", help="The person, by the name that messages and feedback have.")],
    project: ProjectOption = Path(),
    target: Annotated[Path | None, typer.Option("--output", help="First write it to this JSONL file.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what there is, and export it.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Erase one person's messages, answers to them, and feedback from the database, for good."""
    from autogen.project import Project

    open_versions(project)
    result = Project.open(project).forget(user, target, erase=not dry_run)
    terminal = open_terminal(project, as_json)
    rows = f"{counted(result.responses, 'response')} and {counted(result.feedback, 'feedback')}"
    terminal.say(f"There are {rows} of {escape(user)}." if dry_run else f"Erased {rows} of {escape(user)}.")
    if target is not None:
        terminal.say(f"Written to {escape(str(target))} first.")
    _say_who_learnt(terminal, result.versions)
    for path in result.reports:
        terminal.say(f"This page quotes what was written: delete it. {escape(path)}")
    if not result.log_emptied:
        terminal.note("Another process reads the database, so that its log keeps a copy until that ends.")
    terminal.say("Out of reach: files that were exported, backups, your data files, and running servers' memory.")
    terminal.result({**asdict(result), "user": user, "output": None if target is None else str(target)})


def _say_who_learnt(terminal: Terminal, versions: Sequence[str]) -> None:
    if versions:
        terminal.say(
            f"Learnt from it, or were judged by it: {', '.join(versions)}. [bold]autogen train[/] makes one without."
        )


def _correction(entry: Feedback) -> str:
    """The right label or entities that were given."""
    from autogen.feedback.entities import entities_in_words

    return entry.label or ("" if entry.entities is None else entities_in_words(entry.message, entry.entities))


def _feedback_json(store: FeedbackStore) -> list[dict[str, Any]]:
    return [entry.to_json() for entry in store.all()]


@app.command(epilog="Example: autogen review -p bank --accept group-1f2e3d4c5b --relabel fb-1f…=card_arrival")
def review(
    project: ProjectOption = Path(),
    group: Annotated[str | None, typer.Option("--group", help="Show the rows of this group alone.")] = None,
    accept: Annotated[list[str] | None, typer.Option("--accept", help="Take an item, or a group, as it is.")] = None,
    relabel: Annotated[
        list[str] | None, typer.Option("--relabel", metavar="ID=LABEL", help="Take it with another label.")
    ] = None,
    entities: Annotated[
        list[str] | None, typer.Option("--entities", metavar="ID=JSON", help="Take it with these entities.")
    ] = None,
    drop: Annotated[list[str] | None, typer.Option("--drop", help="Leave it out.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the feedback that waits for a person, in groups and one by one, and settle it."""
    from autogen.feedback.review import describe_eval_corrections
    from autogen.project import Project

    opened_project = Project.open(project)
    choices = _choices(accept or (), relabel or (), entities or (), drop or ())
    settled = opened_project.decide_all(choices) if choices else 0
    queue = opened_project.to_review()
    groups = queue.groups if group is None else (queue.group(group),)
    items = queue.items if group is None else groups[0].items
    terminal = open_terminal(project, as_json)
    title = f"{len(items)} waiting" + (f", {settled} settled now" if settled else "")
    _show_groups(terminal, title, groups)
    _show_items(terminal, items, everything=group is not None)
    if any(item.of_entities for item in items):
        terminal.say(f"With other entities: [bold]autogen review --entities '{escape(ENTITIES_FORM)}'[/]")
    if queue.corrections_of_eval_rows:
        terminal.say(describe_eval_corrections(len(queue.corrections_of_eval_rows)))
    terminal.result(
        {
            "settled": settled,
            "waiting": [item.to_json() for item in items],
            "groups": [shown_group.to_json() for shown_group in groups],
            "corrections_of_held_out": [correction.to_json() for correction in queue.corrections_of_eval_rows],
        }
    )


def _show_groups(terminal: Terminal, title: str, groups: Sequence[ReviewGroup]) -> None:
    rows = [
        (group.id, len(group.items), group.title, "\n".join(group.evidence), "\n".join(group.examples))
        for group in groups
    ]
    terminal.table(title, ("group", "rows", "what they share", "what to look at", "such as"), rows, right=(1,))
    if groups:
        terminal.say("Settle a group, or an item: [bold]autogen review --accept ID --relabel ID=LABEL --drop ID[/]")


def _show_items(terminal: Terminal, items: Sequence[ReviewItem], everything: bool) -> None:
    """Few of them, unless all are asked for: a person decides by groups first."""
    from autogen.feedback.events import SHORT_ID

    columns = ("id", "text", "why it waits", "champion says", "proposed", "user")
    rows = [
        (
            item.feedback_id[:SHORT_ID],
            item.text,
            item.explanation,
            item.champion_says or "",
            item.proposal,
            item.user or "",
        )
        for item in (items if everything else items[:MOST_ITEMS])
    ]
    if rows:
        terminal.table("One by one" if len(rows) == len(items) else f"The first {len(rows)}", columns, rows)
    if len(rows) < len(items):
        terminal.say("All rows of a group: [bold]autogen review --group ID[/]; all there are: [bold]--json[/].")


def _choices(
    accept: Sequence[str], relabel: Sequence[str], entities: Sequence[str], drop: Sequence[str]
) -> list[Choice]:
    """What the options decide. Raises UsageError."""
    from autogen.feedback.groups import Choice

    return [
        *(Choice(name, "accept") for name in accept),
        *(Choice(name, "relabel", label) for name, label in map(_parse_id_and_label, relabel)),
        *(Choice(name, "relabel", entities=spans) for name, spans in map(_parse_id_and_entities, entities)),
        *(Choice(name, "drop") for name in drop),
    ]


def _parse_id_and_label(pair: str) -> tuple[str, str]:
    """The id and the label of ID=LABEL. Raises UsageError."""
    feedback_id, equals, label = pair.partition("=")
    if not equals or not label.strip():
        raise UsageError(f"Expected --relabel ID=LABEL; found {pair!r}.")
    return feedback_id, label.strip()


def _parse_id_and_entities(pair: str) -> tuple[str, tuple[EntitySpan, ...]]:
    """The id and the entities of ID=JSON. Raises UsageError."""
    from autogen.feedback.entities import parse_entities

    feedback_id, _, value = pair.partition("=")
    try:
        return feedback_id, parse_entities(json.loads(value))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"Expected --entities {ENTITIES_FORM}; found {pair!r}: {error}.") from error
