"""Rows in: files by their extension, hub data sets by their id, and Python data by its shape."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

from autogen.data.problems import Problem, listed, quoted, shown
from autogen.data.readers.columnar import dataset_rows, frame_rows, read_parquet
from autogen.data.readers.delimited import NAMES, find_delimiter, read_delimited
from autogen.data.readers.exports import plain_rows
from autogen.data.readers.hub import looks_like_hub_id, read_hub
from autogen.data.readers.json_rows import read_json, read_json_lines
from autogen.data.readers.lines import decode_lines, encoding_of
from autogen.data.readers.spreadsheet import read_spreadsheet
from autogen.data.rows import Row
from autogen.errors import DataError, did_you_mean

__all__ = ["EXTENSIONS", "Row", "locate", "read_rows", "rows_of"]

_Read = tuple[list[Row], list[Problem]]

DELIMITERS = {".csv": ",", ".tsv": "\t"}

READERS: Mapping[str, Callable[[bytes, str], _Read]] = {
    ".csv": partial(read_delimited, delimiter=DELIMITERS[".csv"]),
    ".tsv": partial(read_delimited, delimiter=DELIMITERS[".tsv"]),
    ".json": read_json,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".parquet": read_parquet,
    ".xlsx": read_spreadsheet,
}
EXTENSIONS = tuple(READERS)
GZIP_MAGIC = b"\x1f\x8b"
_NEIGHBOURS = 1000  # files of a folder among which a mistyped name is looked for


def locate(source: str, folder: Path) -> Path | str:
    """A source as `agent.toml` names it: a path relative to `folder`, or a hub data set's id as it is."""
    path = folder / source
    return source if _is_hub_id(source, path) else path


def read_rows(source: Path | str) -> tuple[list[Row], list[Problem]]:
    """Read a file (plain or .gz) or a hub data set. What cannot be read is a problem; the rest is still read.

    Raises DataError for a hub data set that cannot be loaded, MissingDependency where a reader needs more.
    """
    path = Path(source)
    name = str(source)
    if isinstance(source, str) and _is_hub_id(source, path):
        return _unless_empty((read_hub(source), []), name)
    data = _contents(path, name)
    if isinstance(data, Problem):
        return [], [data]
    if not data.strip():
        message = "expected rows, found an empty file"
        return [], [Problem("error", "empty-file", name, None, message, "add rows to it")]
    rows, problems = READERS[extension_of(path)](data, name)
    rows, more = plain_rows(rows, name)
    return _unless_empty((rows, [*problems, *more]), name)


def rows_of(data: object, fields: tuple[str, ...], source: str = "train_data") -> tuple[list[Row], list[Problem]]:
    """Rows of a path, a list of dicts or tuples (in the order of `fields`), a frame or a data set.

    Raises DataError for anything else, and all that `read_rows` raises.
    """
    if isinstance(data, str | Path):
        return read_rows(data)
    if isinstance(data, list | tuple):
        rows, problems = _rows_of_list(data, fields, source)
        rows, more = plain_rows(rows, source)
        return _unless_empty((rows, [*problems, *more]), source)
    if hasattr(data, "columns") and (hasattr(data, "to_dicts") or hasattr(data, "notna")):
        return _unless_empty(frame_rows(data, source), source)
    if hasattr(data, "features") and hasattr(data, "with_format") and not isinstance(data, Mapping):
        return _unless_empty((dataset_rows(data, source), []), source)
    splits = f" Give one of its splits: {listed(map(str, data))}." if isinstance(data, Mapping) else ""
    raise DataError(
        f"{source}: expected a path, a list of dicts, a list of tuples ({', '.join(fields)}), a pandas or "
        f"polars frame, or a datasets.Dataset; found {type(data).__name__}.{splits}"
    )


def _is_hub_id(source: str, path: Path) -> bool:
    # A mistyped file in a folder that is there is a mistyped file, not a question to the network.
    return looks_like_hub_id(source) and extension_of(path) not in READERS and not path.parent.exists()


def extension_of(path: Path) -> str:
    """Of what is in a file: ".csv" of "log.csv.gz"."""
    return Path(path.name.lower().removesuffix(".gz")).suffix


def _contents(path: Path, name: str) -> bytes | Problem:
    """The bytes of a file, decompressed when their first two say so, or why there are none."""

    def fault(kind: str, message: str, fix: str) -> Problem:
        return Problem("error", kind, name, None, message, fix)

    try:
        if path.is_dir():
            readable = [file.name for file in _neighbours(path) if extension_of(file) in READERS]
            fix = f"name a file in it: {listed(readable) or 'it has none that can be read'}"
            return fault("folder", "expected a file, found a folder", fix)
        if not path.exists():
            place = "none of this name" if path.parent.exists() else f"no folder {quoted(str(path.parent))}"
            suggestion = did_you_mean(path.name, [file.name for file in _neighbours(path.parent)])
            return fault("missing-file", f"expected a file, found {place}", f"correct the path.{suggestion}")
        if extension_of(path) not in READERS:
            message = f"expected {', '.join(EXTENSIONS)} (.gz too), found {shown(extension_of(path))}"
            return fault("unknown-extension", message, "save the rows in one of these formats")
        data = path.read_bytes()
        return gzip.decompress(data) if data.startswith(GZIP_MAGIC) else data
    except READ_ERRORS as error:
        return read_problem(error, name)


READ_ERRORS = (EOFError, zlib.error, OSError)  # gzip.BadGzipFile is an OSError


def read_problem(error: Exception, source: str) -> Problem:
    """Why a file could not be read to its end."""
    if isinstance(error, EOFError | zlib.error | gzip.BadGzipFile):
        message = f"expected a whole gzip file, found: {error}"
        return Problem("error", "broken-gzip", source, None, message, "copy or compress it again")
    reason = error.strerror if isinstance(error, OSError) and error.strerror else error
    fix = "check its path and permissions"
    return Problem("error", "unreadable", source, None, f"expected a readable file, found: {reason}", fix)


def describe_format(path: Path) -> str:
    """How a file is written, in words: "CSV, cells parted by semicolons, UTF-16"."""
    extension = extension_of(path)
    data = _contents(path, str(path))
    if isinstance(data, Problem) or extension in (".parquet", ".xlsx"):
        return extension.removeprefix(".").upper()
    parts = [extension.removeprefix(".").upper()]
    if extension in DELIMITERS:
        mark = find_delimiter(decode_lines(data, str(path)).texts, DELIMITERS[extension])
        parts.append(f"cells parted by {NAMES.get(mark, mark)}")
    return ", ".join([*parts, encoding_of(data)])


def _neighbours(folder: Path) -> list[Path]:
    try:
        return sorted(islice(folder.iterdir(), _NEIGHBOURS))
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return []


def _unless_empty(result: _Read, source: str) -> _Read:
    rows, problems = result
    if rows or any(problem.severity == "error" for problem in problems):
        return result
    return [], [*problems, Problem("error", "no-rows", source, None, "expected rows, found none", "add rows to it")]


def _rows_of_list(data: Sequence[object], fields: tuple[str, ...], source: str) -> _Read:
    rows: list[Row] = []
    problems: list[Problem] = []
    for number, item in enumerate(data, start=1):
        values = _values(item, fields)
        if values is None:
            message = f"expected a dict or a tuple ({', '.join(fields)}), found {shown(item)}"
            fix = f"give each row as {{{fields[0]!r}: …}} or as a tuple of at most {len(fields)}"
            problems.append(Problem("error", "not-a-row", source, number, message, fix))
        else:
            rows.append(Row(values, source, number))
    return rows, problems


def _values(item: object, fields: tuple[str, ...]) -> dict[str, object] | None:
    if isinstance(item, Mapping):
        return {str(name): value for name, value in item.items()}
    if isinstance(item, list | tuple) and 0 < len(item) <= len(fields):
        return dict(zip(fields, item, strict=False))
    return None
