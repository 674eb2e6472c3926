"""The command line: parse, call, print. Errors become one message and an exit code, never a traceback."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer

from autogen import __version__
from autogen.cli.output import Output
from autogen.errors import AutoGenError, Interrupted, StorageError, UsageError

app = typer.Typer(
    name="autogen",
    help="From a small labelled data set to a working agent that gets better from every conversation.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

# The UsageError of the click that Typer brings: its own copy in newer versions, the package of that name in older ones.
Misuse: Any = typer.BadParameter.__base__

ProjectOption = Annotated[Path, typer.Option("--project", "-p", help="The project's folder.", show_default="here")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
VersionOption = Annotated[str | None, typer.Option("--version", help="A version, such as 0007; else the champion.")]
SkillOption = Annotated[str | None, typer.Option("--skill", help="A skill's name; else the only or first one.")]


def output(project: Path = Path(), as_json: bool = False) -> Output:
    return Output(as_json=as_json, project=project)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"autogen {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Work on the project in the current folder, or in the one named with -p."""


def main() -> None:
    """The entry point: run a command and end with its exit code."""
    # Threads that wait for others should sleep soon: beside another busy process, spinning made training three times
    # slower (benchmarks/contention.py). libgomp reads this once, when torch loads it.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    sys.exit(_run())


def _run() -> int:
    Output.answered = False
    try:
        from autogen.cli import commands  # noqa: F401 the commands register themselves with `app`

        if app(standalone_mode=False) == Interrupted.exit_code:  # Typer's own answer to Ctrl-C
            raise KeyboardInterrupt
        return 0
    except AutoGenError as error:
        return _failed(str(error), error.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        return _failed("Interrupted.", Interrupted.exit_code)
    except Misuse as error:
        error.show()
        _say_so(error.format_message())
        return UsageError.exit_code
    except SystemExit as error:
        if isinstance(error.__context__, BrokenPipeError):  # the reader of our output has gone, as `head` does
            return 0
        raise
    except MemoryError:
        return _failed("Out of memory. Try a smaller train_batch_size or max_length in agent.toml.", 3)
    except OSError as error:
        return _failed(f"{error.filename or 'A file'}: {error.strerror or error}.", StorageError.exit_code)
    except Exception as error:  # noqa: BLE001 the last resort: a person gets one line, and the details on request
        return _unexpected(error)


def _failed(message: str, code: int) -> int:
    if os.environ.get("AUTOGEN_DEBUG"):
        traceback.print_exc()
    to = output()
    to.err.print("[bold red]error:[/]", end=" ")
    to.note(message)
    _say_so(message)
    return code


def _say_so(message: str) -> None:
    """With --json there is one object on stdout, also where there is no result."""
    if "--json" in sys.argv and not Output.answered:
        Output(as_json=True).result({"error": message})


def _unexpected(error: Exception) -> int:
    words = " ".join(str(error).split())[:500] or type(error).__name__
    return _failed(f"{type(error).__name__}: {words} (set AUTOGEN_DEBUG=1 to see where)", 3)
