"""Rows to files that appear whole."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from autogen.errors import UsageError
from autogen.storage.files import explain_os_errors, write_atomically

OUTPUT_FORMATS = (".csv", ".tsv", ".jsonl", ".json")


def check_not_over(source: str, target: Path) -> None:
    """Raises UsageError where what is read would be written over."""
    if target.exists() and Path(source).exists() and target.samefile(source):
        raise UsageError(f"Expected an output file that is not the input, found {target} for both: name another.")


def check_output(target: Path) -> None:
    """Raises UsageError for a file of unknown format."""
    if target.suffix.lower() not in OUTPUT_FORMATS:
        raise UsageError(f"Expected an output file ending in {', '.join(OUTPUT_FORMATS)}; found {target.name!r}.")


def write_rows(rows: Sequence[dict[str, object]], target: Path) -> None:
    """The file appears whole. Raises UsageError, StorageError."""
    check_output(target)
    with explain_os_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, "".join(_rows_as_text(rows, target.suffix.lower())).encode())


def _rows_as_text(rows: Sequence[dict[str, object]], kind: str) -> Iterator[str]:
    if kind == ".json":
        yield json.dumps(rows, ensure_ascii=False, indent=1, default=str)
    elif kind == ".jsonl":
        yield from (json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)
    else:
        buffer = io.StringIO()
        names = list(dict.fromkeys(name for row in rows for name in row))
        writer = csv.DictWriter(buffer, names, delimiter="\t" if kind == ".tsv" else ",", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        yield buffer.getvalue()
