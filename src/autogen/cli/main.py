"""The command line: parse, call, print. Errors become one message and an exit code, never a traceback."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any

import typer

from autogen.cli.app import app
from autogen.errors import AutoGenError, Interrupted, StorageError, UsageError
from autogen.terminal import Terminal, open_terminal

# The UsageError of the click that Typer brings: its own copy in newer versions, the package of that name in older ones.
Misuse: Any = typer.BadParameter.__base__


def main() -> None:
    """The entry point: run a command and end with its exit code."""
    # Threads that wait for others should sleep soon: beside another busy process, spinning made training three times
    # slower (benchmarks/contention.py). libgomp reads this once, when torch loads it.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    sys.exit(_run())


def _run() -> int:
    Terminal.answered = False
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
        _print_json_error(error.format_message())
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
    terminal = open_terminal()
    terminal.err.print("[bold red]error:[/]", end=" ")
    terminal.note(message)
    _print_json_error(message)
    return code


def _print_json_error(message: str) -> None:
    """With --json there is one object on stdout, also where there is no result."""
    if "--json" in sys.argv and not Terminal.answered:
        Terminal(as_json=True).result({"error": message})


def _unexpected(error: Exception) -> int:
    words = " ".join(str(error).split())[:500] or type(error).__name__
    return _failed(f"{type(error).__name__}: {words} (set AUTOGEN_DEBUG=1 to see where)", 3)
