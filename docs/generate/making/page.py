"""Write a page that is made from code, or say whether it is up to date."""

from __future__ import annotations

import sys
from pathlib import Path


def write_or_check(page: Path, text: str, source: str) -> int:
    """Write the page; with `--check` on the command line only compare it. The exit code. `source`: what it is made
    from, in a word or two."""
    if "--check" not in sys.argv[1:]:
        page.write_text(text, "utf-8")
        return 0
    if page.is_file() and page.read_text("utf-8") == text:
        return 0
    print(f"{page}: expected what the {source} say now, found another text. Run `make docs`.", file=sys.stderr)
    return 1


def cell(text: str) -> str:
    """The text as a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A table in Markdown, with an empty line after it."""
    lines = [f"| {' | '.join(map(cell, row))} |\n" for row in (head, *rows)]
    return "".join([lines[0], f"|{'---|' * len(head)}\n", *lines[1:], "\n"])
