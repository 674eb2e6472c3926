"""Long files read chunk by chunk, so that memory does not grow with their length: for logs of millions of events."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from autogen.data.problems import Problem
from autogen.data.readers.delimited import find_delimiter, names_delimiter
from autogen.data.readers.files import GZIP_MAGIC, READ_ERRORS, READERS, extension_of, read_problem, read_rows
from autogen.data.rows import Row

CHUNK_BYTES = 4 * 2**20  # bytes; a chunk ends with a line
MOST = 16  # chunks that a quote may stay open for: longer, and it was never meant to be one
_DELIMITERS = {".csv": ",", ".tsv": "\t", ".jsonl": "", ".ndjson": ""}
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"\x00")  # UTF-16 and UTF-32 begin so: their lines do not end with one byte


@dataclass(frozen=True)
class RowChunk:
    """Rows of one file, and what is wrong with it. `offset`: to be added to the rows' numbers."""

    rows: list[Row]
    problems: list[Problem]
    offset: int = 0


def read_chunks(source: Path | str, size: int = CHUNK_BYTES) -> Iterator[RowChunk]:
    """What `read_rows` reads, in chunks where the file is long and made of lines (CSV, TSV, JSON lines; packed too),
    else in one.

    Raises what `read_rows` raises. A file that breaks off is a problem of its last chunk.
    """
    path = Path(source)
    if not _is_long(path, size):
        yield RowChunk(*read_rows(source))
        return
    empty = True
    try:
        with _open(path) as file:
            for chunk in _chunks(file, path, str(source), size):
                empty &= not chunk.rows and not chunk.problems
                yield chunk
    except READ_ERRORS as error:
        yield RowChunk([], [read_problem(error, str(source))])
        return
    if empty:
        yield RowChunk(*read_rows(source))  # it says what is missing


def _is_long(path: Path, size: int) -> bool:
    try:
        packed = path.name.lower().endswith(".gz")
        return extension_of(path) in _DELIMITERS and path.is_file() and (packed or path.stat().st_size > size // 8)
    except (OSError, ValueError):
        return False


def _open(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        packed = file.read(2) == GZIP_MAGIC
    return cast(BinaryIO, gzip.open(path)) if packed else path.open("rb")


def _chunks(file: BinaryIO, path: Path, source: str, size: int) -> Iterator[RowChunk]:
    parse, delimiter = READERS[extension_of(path)], _DELIMITERS[extension_of(path)]
    head = first = file.readline()
    while delimiter and first and (not first.strip(b"\r\n") or names_delimiter(first)):
        first = file.readline()
        head += first
    delimiter = delimiter and find_delimiter(
        head.lstrip(b"\r\n").decode("latin-1").splitlines(keepends=True), delimiter
    )
    if head.startswith(_WIDE) or b"\r" in first.rstrip(b"\r\n") or (delimiter and first.count(b'"') % 2):
        yield RowChunk(*parse(head + file.read(), source))
        return
    header, offset = head if delimiter else b"", 0
    for lines in _whole_lines(file, size, delimiter):
        rows, problems = parse((header if offset else head) + lines, source)
        yield RowChunk(rows, [_shift_row(problem, offset) for problem in problems], offset)
        if delimiter and not rows and any(problem.row == head.count(b"\n") for problem in problems) and not offset:
            return  # the header itself is at fault
        offset += lines.count(b"\n") + (0 if offset else head.count(b"\n") - header.count(b"\n"))


def _whole_lines(file: BinaryIO, size: int, delimiter: str) -> Iterator[bytes]:
    """Pieces of about `size` bytes that end with a line, and with no quote left open in a delimited format."""
    buffer = b""
    while block := file.read(size):
        buffer += block + file.readline()
        if delimiter and len(buffer) < MOST * size and _is_open(buffer, delimiter):
            continue
        yield buffer
        buffer = b""
    if buffer:
        yield buffer


def _is_open(lines: bytes, delimiter: str) -> bool:
    """Whether they end within a quoted cell, as the reader would say: a quote inside a plain cell opens nothing."""
    if b'"' not in lines:
        return False
    reader = csv.reader(io.StringIO(lines.decode("latin-1"), newline=""), delimiter=delimiter, strict=True)
    while True:
        try:
            next(reader)
        except StopIteration:
            return False
        except csv.Error as error:
            if "unexpected end" in str(error):
                return True


def _shift_row(problem: Problem, offset: int) -> Problem:
    if not offset or problem.row is None:
        return problem
    return Problem(problem.severity, problem.kind, problem.source, problem.row + offset, problem.message, problem.fix)
