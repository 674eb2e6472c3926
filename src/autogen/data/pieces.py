"""Long files read piece by piece, so that memory does not grow with their length: for logs of millions of events."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from autogen.data.problems import Problem
from autogen.data.readers import GZIP_MAGIC, READERS, TROUBLE, extension_of, read_rows, trouble
from autogen.data.rows import Row

PIECE = 4 * 2**20  # bytes; a piece ends with a line
_BY_LINES = {".csv": True, ".tsv": True, ".jsonl": False, ".ndjson": False}  # whether a header names the columns
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"\x00")  # UTF-16 and UTF-32 begin so: their lines do not end with one byte


@dataclass(frozen=True)
class Piece:
    """Rows of one file, and what is wrong with it. `before`: to be added to the rows' numbers."""

    rows: list[Row]
    problems: list[Problem]
    before: int = 0


def read_pieces(source: Path | str, size: int = PIECE) -> Iterator[Piece]:
    """What `read_rows` reads, in pieces where the file is long and made of lines, else in one.

    Raises what `read_rows` raises. A file that breaks off is a problem of its last piece.
    """
    path = Path(source)
    extension = extension_of(path)
    if extension not in _BY_LINES or not path.is_file() or path.stat().st_size <= size // 8:
        yield Piece(*read_rows(source))
        return
    try:
        with _opened(path) as file:
            yield from _pieces(file, str(source), extension, size)
    except TROUBLE as error:
        yield Piece([], [trouble(error, str(source))])


def _opened(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        packed = file.read(2) == GZIP_MAGIC
    return cast(BinaryIO, gzip.open(path)) if packed else path.open("rb")


def _pieces(file: BinaryIO, source: str, extension: str, size: int) -> Iterator[Piece]:
    header, before = b"", 0
    first = file.readline()
    if first.startswith(_WIDE) or (_BY_LINES[extension] and first.count(b'"') % 2):
        yield Piece(*READERS[extension](first + file.read(), source))
        return
    if _BY_LINES[extension]:
        header, first, before = first, b"", 0
    for lines in _whole_lines(file, first, size, quoted=_BY_LINES[extension]):
        rows, problems = READERS[extension](header + lines, source)
        yield Piece(rows, [_moved(problem, before) for problem in problems], before)
        before += lines.count(b"\n")


def _whole_lines(file: BinaryIO, kept: bytes, size: int, *, quoted: bool) -> Iterator[bytes]:
    """Pieces of about `size` bytes that end with a line, and with no quote left open in a `quoted` format."""
    while more := file.read(size):
        kept += more + file.readline()
        if quoted and kept.count(b'"') % 2:
            continue
        yield kept
        kept = b""
    if kept:
        yield kept


def _moved(problem: Problem, before: int) -> Problem:
    if not before or problem.row is None:
        return problem
    return Problem(problem.severity, problem.kind, problem.source, problem.row + before, problem.message, problem.fix)
