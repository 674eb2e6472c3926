"""Every command and option that README and docs show exists."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

import cli_reference
from tests.docs.pages import ROOT, Page, pages

CUT = re.compile(r"\s(?:\||>|&&|;|#)|…")  # what follows is no part of the command
PLACEHOLDER = re.compile(r"[A-Z]+")


@cache
def command_line() -> Any:
    return cli_reference.command_line()


def shown_commands(page: Page) -> Iterator[str]:
    """All that begins with `autogen` on a line of a shell block, after `-m` of a launcher, or in a code span."""
    blocks = [block.text for block in page.blocks if block.language in ("bash", "sh")]
    lines = [line.strip() for text in blocks for line in text.replace("\\\n", " ").splitlines()]
    for line in [*lines, *page.spans]:
        found = re.search(r"(?:^|-m )(autogen(?: .*)?)$", line)
        if found:
            yield CUT.split(found[1])[0]


def wrong_words(line: str) -> list[str]:
    """Words of the line that the command line does not have: the command, or options."""
    words, command = shlex.split(line)[1:], command_line()
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        if words[0] not in command.commands:
            return [] if PLACEHOLDER.fullmatch(words[0]) else [words[0]]
        command = command.commands[words.pop(0)]
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    used = [word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)]
    return [word for word in used if word not in options | {"--help", "-h"}]


TEMPLATES = [Page(path) for path in sorted((ROOT / "src/autogen/templates").glob("*/README.md"))]


@pytest.mark.parametrize("page", [*pages(), *TEMPLATES], ids=lambda page: page.name)
def test_every_command_and_option_exists(page: Page) -> None:
    wrong = {line: words for line in shown_commands(page) if (words := wrong_words(line))}
    assert not wrong, f"{page.name}: expected commands and options that `autogen --help` knows, found {wrong}"


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("autogen train --resume", []),
        ("autogen feedback import --input data/customers.csv", []),
        ("autogen trian", ["trian"]),
        ("autogen feedback imprt", ["imprt"]),
        ("autogen train --resum", ["--resum"]),
        ("autogen recommend -k 3 -q", ["-q"]),
        ("autogen COMMAND", []),
    ],
)
def test_what_does_not_exist_is_noticed(line: str, wrong: list[str]) -> None:
    assert wrong_words(line) == wrong
