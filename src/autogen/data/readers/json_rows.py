"""JSON (a list of objects, or that list under "data") and JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import islice

from autogen.data.problems import Problem, listed, shown
from autogen.data.readers.lines import Lines, decode_lines
from autogen.data.rows import Row

OBJECT = 'an object such as {"text": "…"}'


def read_json_lines(data: bytes, source: str) -> tuple[list[Row], list[Problem]]:
    """One object on each line. A broken line is an error with its number, and the others are still read."""
    return _from_lines(decode_lines(data, source), source)


def read_json(data: bytes, source: str) -> tuple[list[Row], list[Problem]]:
    """A list of objects, or {"data": [...]}; JSON lines under this name are read as what they are."""
    lines = decode_lines(data, source)
    document = _document(lines, source)
    if isinstance(document, Problem):
        if _looks_like_lines(lines.texts):
            return _from_lines(lines, source)
        return [], lines.problems if _broken(lines) else [document]
    if isinstance(document, dict) and isinstance(document.get("data"), list):
        document = document["data"]
    if not isinstance(document, list):
        return [], [_not_a_list_problem(document, source)]
    rows, problems = _objects(enumerate(document, start=1), source)
    return rows, lines.problems + problems


def _document(lines: Lines, source: str) -> object:
    return next(iter(_broken(lines)), None) or _parse("".join(lines.texts), source, None)


def _broken(lines: Lines) -> list[Problem]:
    return [problem for problem in lines.problems if problem.severity == "error"]


def _looks_like_lines(texts: list[str]) -> bool:
    """It begins with an object, and two lines are objects from end to end, with no comma to part them."""
    first_line = next(filter(str.strip, texts), "")
    objects = (text for text in texts if text.startswith("{") and text.rstrip().endswith("}"))
    return first_line.startswith("{") and len(list(islice(objects, 2))) == 2


def _from_lines(lines: Lines, source: str) -> tuple[list[Row], list[Problem]]:
    parsed = [
        (number, _parse(text, source, number))
        for number, text in enumerate(lines.texts, start=1)
        if number not in lines.damaged and text.strip()
    ]
    rows, problems = _objects(parsed, source)
    return rows, lines.problems + problems


def _objects(values_by_row: Iterable[tuple[int, object]], source: str) -> tuple[list[Row], list[Problem]]:
    rows: list[Row] = []
    problems: list[Problem] = []
    for number, value in values_by_row:
        if isinstance(value, dict):
            rows.append(Row(value, source, number))
        elif isinstance(value, Problem):
            problems.append(value)
        else:
            message = f"expected {OBJECT}, found {shown(value)}"
            fix = "write the row as an object with named values"
            problems.append(Problem("error", "not-an-object", source, number, message, fix))
    return rows, problems


def _parse(text: str, source: str, row: int | None) -> object:
    """The value, or a Problem with the place at which it breaks. `row` is the line if `text` is just one."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line = f"line {error.lineno}, " if row is None else ""
        reason = f"{error.msg} in {line}column {error.colno}"
    except ValueError:  # the interpreter refuses to read integers of thousands of digits
        reason = "a number with too many digits"
    except RecursionError:
        reason = "values nested too deeply"
    message = f"expected JSON, found: {reason}"
    return Problem("error", "broken-json", source, row, message, "correct or delete it")


def _not_a_list_problem(document: object, source: str) -> Problem:
    kind = f"an object with {listed(document)}" if isinstance(document, dict) else shown(document)
    message = f'expected a list of objects, or {{"data": [...]}}, found {kind}'
    fix = "put the rows in one list, in a file of their own"
    return Problem("error", "not-a-list", source, None, message, fix)
