"""Bytes to lines of text, numbered as an editor numbers them."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field

from autogen.data.problems import Problem


@dataclass(frozen=True)
class Lines:
    """Lines with their line ends. Damaged ones keep their place, so that the others keep their numbers."""

    texts: list[str]
    damaged: set[int] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)


def decode_lines(data: bytes, source: str) -> Lines:
    """Decode UTF-8 with or without a byte order mark; each line that is something else is one error."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return Lines([], problems=[_encoding_problem(source, None, "UTF-16", "utf-16")])
    lines = Lines([])
    # bytes.splitlines knows \n, \r and \r\n only, as editors do; str.splitlines splits at U+2028 too.
    for number, line in enumerate(data.removeprefix(codecs.BOM_UTF8).splitlines(keepends=True), start=1):
        try:
            lines.texts.append(line.decode("utf-8"))
        except UnicodeDecodeError as error:
            column = len(line[: error.start].decode("utf-8")) + 1
            place = f"byte 0x{line[error.start]:02X} in column {column}"
            lines.problems.append(_encoding_problem(source, number, place, "latin1"))
            lines.damaged.add(number)
            lines.texts.append(line.decode("utf-8", errors="replace"))
    return lines


def _encoding_problem(source: str, row: int | None, unexpected: str, encoding: str) -> Problem:
    fix = f"convert the file: iconv -f {encoding} -t utf-8"
    return Problem("error", "encoding", source, row, f"expected UTF-8, found {unexpected}", fix)
