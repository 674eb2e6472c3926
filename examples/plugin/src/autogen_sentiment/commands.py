"""`autogen lexicon`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autogen.skills.hosts import CommandHost
from autogen.terminal import JsonOption, ProjectOption, SkillOption, VersionOption, escape, open_terminal


def add(app: typer.Typer, host: CommandHost) -> None:
    """Register the command."""

    @app.command(epilog="Example: autogen lexicon -p moods")
    def lexicon(
        project: ProjectOption = Path(),
        count: Annotated[int, typer.Option("-n", min=1, max=1000, help="Words of each sentiment.")] = 10,
        version: VersionOption = None,
        skill: SkillOption = None,
        as_json: JsonOption = False,
    ) -> None:
        """Show the words that weigh most for each sentiment."""
        from autogen_sentiment.explaining import heaviest_words

        terminal = open_terminal(project, as_json)
        found = heaviest_words(host.load_agent(project, version), skill, count)
        for label, words in found["sentiments"].items():
            rows = [(escape(one["word"]), f"{one['weight']:+.2f}") for one in words]
            terminal.table(escape(label), ("word", "weight"), rows, right=(1,))
        terminal.result(found)
