"""Make docs/reference/cli.md from the commands themselves. `--check` only says whether it is up to date."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from making.page import write_or_check

PAGE = Path(__file__).parents[1] / "reference/cli.md"
HEAD = """# Command line

<!-- Made by docs/generate/cli_reference.py from the commands: change those, then run `make docs`. -->

`autogen COMMAND` works on the project in the current folder, or in the one named with `-p`. With `--json` a command
prints one JSON object on stdout, failures too (`{"error": …}`); progress and notes go to stderr.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | the check or the gate said no |
| 2 | bad usage or input |
| 3 | it failed: disk full, no parity, … |
| 130 | interrupted; `autogen train --resume` goes on |
"""


def command_line() -> Any:
    """The whole command line as click sees it, every command registered."""
    from autogen.cli import commands, main  # noqa: F401 importing the commands registers them

    return typer.main.get_command(main.app)


def commands_of(group: Any, name: str = "autogen") -> Iterator[tuple[str, Any]]:
    """Every command that can be run, by its whole name, in the order of `--help`."""
    for part, command in group.commands.items():
        whole = f"{name} {part}"
        if hasattr(command, "commands"):
            yield from commands_of(command, whole)
        elif not command.hidden:
            yield whole, command


def make_page(group: Any) -> str:
    return "\n".join([HEAD, *(_section(name, command) for name, command in commands_of(group))])


def _section(name: str, command: Any) -> str:
    arguments = [shown for shown in command.params if shown.param_type_name == "argument"]
    usage = " ".join([name, *(argument.metavar or argument.name.upper() for argument in arguments), "[OPTIONS]"])
    rows = [_row(parameter) for parameter in command.params if parameter.name != "help"]
    example = (command.epilog or "").removeprefix("Example: ")
    parts = [f"## {name}\n", f"{_one_line(command.help)}\n", f"```text\n{usage}\n```\n"]
    if rows:
        parts += ["| | what it is | default |\n|---|---|---|\n" + "\n".join(rows) + "\n"]
    if example:
        parts += [f"Example: `{example}`\n"]
    return "\n".join(parts)


def _row(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        names = parameter.metavar or parameter.name.upper()
    else:
        names = ", ".join([*parameter.opts, *parameter.secondary_opts])
        names += "" if parameter.is_flag else f" {_value(parameter)}"
    text = _one_line(getattr(parameter, "help", "") or "")
    repeated = " May be given several times." if parameter.multiple else ""
    return f"| `{names}` | {text}{repeated} | {_default(parameter)} |"


def _value(parameter: Any) -> str:
    return str(parameter.metavar or parameter.opts[0].lstrip("-").upper())


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    shown = getattr(parameter, "show_default", None)
    if isinstance(shown, str):  # words in the place of a value, such as "here"
        return shown
    value = parameter.default
    empty = value is None or value is False or value == "" or value == () or "UNSET" in repr(value).upper()
    return "" if empty else f"`{value}`" if value is not True else f"`{parameter.opts[0]}`"


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main() -> int:
    return write_or_check(PAGE, make_page(command_line()), "commands")


if __name__ == "__main__":
    sys.exit(main())
