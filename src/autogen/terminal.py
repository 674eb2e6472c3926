"""What commands print: one JSON object on stdout with --json, tables for people without; everything else on stderr."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from autogen.markup import printable

__all__ = ["Terminal", "counted", "escape", "percent"]


@dataclass
class Terminal:
    """Where a command's words go."""

    answered: ClassVar[bool] = False  # whether a result has been printed in this process
    as_json: bool = False
    project: Path = Path()
    # no emoji: `:card:` in a person's words is no picture
    out: Console = field(default_factory=lambda: Console(emoji=False))
    err: Console = field(default_factory=lambda: Console(stderr=True, emoji=False))

    def result(self, values: Mapping[str, Any]) -> None:
        """The command's result for machines: printed only with --json, and then alone on stdout."""
        if self.as_json:
            Terminal.answered = True
            self.out.file.write(json.dumps(values, ensure_ascii=False, default=str) + "\n")
            self.out.file.flush()

    def say(self, text: str) -> None:
        """A line for people, with rich's markup: `escape` what others wrote. Not printed with --json."""
        if not self.as_json:
            self.out.print(printable(text), highlight=False)

    def plain(self, text: str) -> None:
        """A line of somebody's words, printed as they are: no markup is read in them."""
        if not self.as_json:
            self.out.print(printable(text), highlight=False, markup=False)

    def note(self, text: str) -> None:
        """A line about what goes on, on stderr; only a terminal breaks it."""
        self.err.print(printable(text), highlight=False, markup=False, soft_wrap=True)

    def table(
        self, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], right: Sequence[int] = ()
    ) -> None:
        """A table for people; `right` are the columns of figures. Cells are shown as they are: no markup is read."""
        if self.as_json:
            return
        table = Table(title=Text(title), title_justify="left", title_style="bold", header_style="cyan")
        for at, column in enumerate(columns):
            table.add_column(column, justify="right" if at in right else "left", overflow="fold")
        for row in rows:
            table.add_row(*(cell if isinstance(cell, Text) else Text(printable(str(cell))) for cell in row))
        self.out.print(table)


def counted(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


ProjectOption = Annotated[Path, typer.Option("--project", "-p", help="The project's folder.", show_default="here")]


JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]


VersionOption = Annotated[str | None, typer.Option("--version", help="A version, such as 0007; else the champion.")]


SkillOption = Annotated[str | None, typer.Option("--skill", help="A skill's name; else the only or first one.")]


def open_terminal(project: Path = Path(), as_json: bool = False) -> Terminal:
    return Terminal(as_json=as_json, project=project)
