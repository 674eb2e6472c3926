"""recommend: it never imports torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from autogen.cli.app import app
from autogen.cli.versions import opened
from autogen.errors import UsageError
from autogen.terminal import JsonOption, ProjectOption, SkillOption, VersionOption, escape, output, percent


@app.command(epilog='Example: autogen recommend -p films --user 42 --query "a comedy from the nineties"')
def recommend(
    project: ProjectOption = Path(),
    user: Annotated[str | None, typer.Option("--user", help="For whom; without one, for a stranger.")] = None,
    history: Annotated[list[str] | None, typer.Option("--history", help="Ids of items seen, the oldest first.")] = None,
    query: Annotated[str, typer.Option("--query", help="A wish in words; empty: none.")] = "",
    filters: Annotated[str, typer.Option("--filters", help='As JSON: {"year": {"min": 1990}}.')] = "",
    k: Annotated[int | None, typer.Option("-k", min=1, max=100, help="How many; else as agent.toml says.")] = None,
    exclude: Annotated[list[str] | None, typer.Option("--exclude", help="Ids not to show.")] = None,
    version: VersionOption = None,
    skill: SkillOption = None,
    as_json: JsonOption = False,
) -> None:
    """Recommend items to a user, a stranger, or for a wish."""
    from autogen.agents.agent import Agent
    from autogen.skills.recommendation.reading import wanted

    opened(project)
    to, agent = output(project, as_json), Agent.load(project, version)
    asked = wanted(agent.recommender(skill), user, history or (), query, _json(filters), k, exclude or ())
    found = agent.recommend(asked.wanted, skill)
    for note in asked.notes:
        to.note(f"note: {note}")
    rows = [
        (at, escape(one.item.id), escape(one.item.title), percent(one.score), escape(one.reason))
        for at, one in enumerate(found.items, start=1)
    ]
    to.table(f"For {user or 'a stranger'}", ("", "item", "title", "how likely", "why"), rows, right=(0, 3))
    if not rows:
        to.say("Nothing passes: ask for less.")
    to.result(
        {
            "id": found.id,
            "version": found.version,
            "skill": found.skill,
            "items": [
                {"item": one.item.id, "title": one.item.title, "score": one.score, "reason": one.reason}
                for one in found.items
            ],
            "notes": list(asked.notes),
        }
    )


def _json(text: str) -> Any:
    if not text:
        return {}
    try:
        return json.loads(text)
    except ValueError as error:
        raise UsageError(
            f'Expected --filters as JSON, such as {{"year": {{"min": 1990}}}}; found {text!r}: {error}.'
        ) from None
