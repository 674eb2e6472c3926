"""The Typer app that every command registers with."""

from __future__ import annotations

from typing import Annotated

import typer

from autogen import __version__

app = typer.Typer(
    name="autogen",
    help="From a small labelled data set to a working agent that gets better from every conversation.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"autogen {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Work on the project in the current folder, or in the one named with -p."""
