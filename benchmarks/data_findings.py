"""How often the checks of what was read but hardly meant so speak up on published data, where little is wrong.

    python benchmarks/data_findings.py --data DIR

Each folder of DIR with `train.*` and the columns `text` and `label` (other names are found) is read and checked.
Findings are counted by kind, and shown for those who want to look at them.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from autogen.data.columns import find_columns
from autogen.data.problems import Problem
from autogen.data.readers.files import EXTENSIONS, extension_of, read_rows
from autogen.tasks.text_classification.rows import read_learning_data

KINDS = (
    *("swallowed-lines", "quotes-in-cell", "repeated-header", "empty-row", "trailing-line", "encoding", "misread-text"),
    *("similar-names", "word-for-nothing", "out-of-scope-name", "rejected-row", "unread-mark"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    for folder in sorted(path for path in parser.parse_args().data.iterdir() if path.is_dir()):
        files = [file for file in sorted(folder.glob("train*")) if extension_of(file) in EXTENSIONS]
        if files and (columns := columns_of(files[0])):
            data = read_learning_data(folder, [files[0].name], [], columns, 0)
            show(f"{folder.name}/{files[0].name}", len(data.train.rows) + len(data.eval.rows), data.problems)


def columns_of(file: Path) -> dict[str, str] | None:
    """The columns of text and label; None where the file has none."""
    rows, _ = read_rows(file)
    present = list(dict.fromkeys(name for row in rows[:100] for name in row.values))
    return find_columns(present, ("text", "label"))


def show(name: str, rows: int, problems: tuple[Problem, ...]) -> None:
    counts = Counter(problem.kind for problem in problems if problem.kind in KINDS)
    print(f"{name}: {rows:,} rows; " + (", ".join(f"{kind} {count}" for kind, count in counts.items()) or "nothing"))
    for problem in problems:
        if problem.kind in KINDS:
            print(f"    {str(problem)[:300]}")


if __name__ == "__main__":
    main()
