"""Make docs/decisions/index.md from the titles of the decisions. `--check` only says whether it is up to date."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from making.page import write_or_check

FOLDER = Path(__file__).parents[1] / "decisions"
PAGE = FOLDER / "index.md"
HEAD = """# Decisions

<!-- Made by docs/generate/decisions_index.py from the decisions' titles: run `make docs` after adding one. -->

What was chosen, what else was tried, and what was measured. A decision is written when it is made, and is not rewritten
later: module names in it are those of its day.

| | decision |
|---|---|
"""
TITLE = re.compile(r"# 0*(\d+)[.:] (.+)")


def make_page() -> str:
    return HEAD + "".join(_row(path) for path in sorted(FOLDER.glob("[0-9]*.md")))


def _row(path: Path) -> str:
    first = path.read_text("utf-8").splitlines()[0]
    title = TITLE.fullmatch(first)
    if title is None:
        raise SystemExit(f"{path}: expected a first line such as `# 21. What was decided`, found {first!r}.")
    return f"| {title[1]} | [{title[2]}]({path.name}) |\n"


def main() -> int:
    return write_or_check(PAGE, make_page(), "titles of the decisions")


if __name__ == "__main__":
    sys.exit(main())
