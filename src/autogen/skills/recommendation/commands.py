"""recommend: it never imports torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autogen.errors import UsageError
from autogen.skills.hosts import CommandHost
from autogen.terminal import (
    JsonOption,
    ProjectOption,
    SkillOption,
    Terminal,
    VersionOption,
    escape,
    open_terminal,
    percent,
)

if TYPE_CHECKING:
    from autogen.skills.recommendation.recommend import Recommendation


def add(app: typer.Typer, host: CommandHost) -> None:
    """Register the command."""

    @app.command(epilog='Example: autogen recommend -p films --user 42 --query "a comedy from the nineties"')
    def recommend(
        project: ProjectOption = Path(),
        user: Annotated[str | None, typer.Option("--user", help="For whom; without one, for a stranger.")] = None,
        history: Annotated[
            list[str] | None, typer.Option("--history", help="Ids of items seen, the oldest first.")
        ] = None,
        query: Annotated[str, typer.Option("--query", help="A wish in words; empty: none.")] = "",
        filters: Annotated[str, typer.Option("--filters", help='As JSON: {"year": {"min": 1990}}.')] = "",
        k: Annotated[int | None, typer.Option("-k", min=1, max=100, help="How many; else as agent.toml says.")] = None,
        exclude: Annotated[list[str] | None, typer.Option("--exclude", help="Ids not to show.")] = None,
        version: VersionOption = None,
        skill: SkillOption = None,
        as_json: JsonOption = False,
    ) -> None:
        """Recommend items to a user, a stranger, or for a wish."""
        from autogen.skills.recommendation.recommend import recommend as recommend_items
        from autogen.skills.recommendation.recommend import recommender_of
        from autogen.skills.recommendation.request_parsing import parse_request

        terminal, agent = open_terminal(project, as_json), host.load_agent(project, version)
        recommender = recommender_of(agent, skill)[1]
        parsed = parse_request(recommender, user, history or (), query, _json(filters), k, exclude or ())
        _show(terminal, recommend_items(agent, parsed.request, skill), user or "a stranger", parsed.notes)


def _show(terminal: Terminal, recommendation: Recommendation, user: str, notes: Sequence[str]) -> None:
    for note in notes:
        terminal.note(f"note: {note}")
    rows = [
        (at, escape(scored.item.id), escape(scored.item.title), percent(scored.score), escape(scored.reason))
        for at, scored in enumerate(recommendation.items, start=1)
    ]
    terminal.table(f"For {user}", ("", "item", "title", "how likely", "why"), rows, right=(0, 3))
    if not rows:
        terminal.say("Nothing passes: ask for less.")
    items = [scored.to_json() for scored in recommendation.items]
    terminal.result(
        {
            "id": recommendation.id,
            "version": recommendation.version,
            "skill": recommendation.skill,
            "items": items,
            "notes": list(notes),
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
