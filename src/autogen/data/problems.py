"""What is wrong with rows: each finding says where, what was expected, what was found, and what to do."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from autogen.errors import DataError

SHOWN_PROBLEMS = 20
SHOWN_NAMES = 10


@dataclass(frozen=True)
class Problem:
    """One finding. `kind` is a stable slug for programs, `row` the number that a person sees in an editor."""

    severity: Literal["error", "warning"]
    kind: str
    source: str
    row: int | None
    message: str
    fix: str

    def __str__(self) -> str:
        place = self.source if self.row is None else f"{self.source}, row {self.row}"
        return f"{place}: {self.message}; {self.fix}"


def data_error(problems: Sequence[Problem]) -> DataError:
    """A DataError with one line for each problem, up to SHOWN_PROBLEMS, and the number of the others."""
    lines = [str(problem) for problem in problems[:SHOWN_PROBLEMS]]
    if len(problems) > SHOWN_PROBLEMS:
        lines.append(f"and {len(problems) - SHOWN_PROBLEMS} more")
    return DataError("\n".join(lines))


def raise_for(problems: Iterable[Problem]) -> None:
    """Raise a DataError that lists the errors among `problems`; warnings alone pass."""
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise data_error(errors)


def first_warnings(problems: Iterable[Problem]) -> list[str]:
    """A line for the first warning of each kind, with the number of the others, for who learns without a check."""
    by_kind: dict[str, list[Problem]] = {}
    for problem in problems:
        if problem.severity == "warning":
            by_kind.setdefault(problem.kind, []).append(problem)
    return [
        f"warning: {same[0]}" + (f" (and {len(same) - 1:,} more of this kind)" if len(same) > 1 else "")
        for same in by_kind.values()
    ]


def shown(value: object, limit: int = 60) -> str:
    """`value` as it may stand in a message: quoted, short, and printable whatever a file contained."""
    if not isinstance(value, str):
        try:
            return reprlib.repr(value)
        except ValueError:  # the interpreter refuses to write integers of thousands of digits
            return f"a very large {type(value).__name__}"
    return quoted(value if len(value) <= limit else value[:limit] + "…")


def quoted(text: str) -> str:
    """`text` in quotes, with escapes where a terminal could not print it."""
    literal = json.dumps(text, ensure_ascii=False)
    return literal if literal.isprintable() else json.dumps(text)


def listed(names: Iterable[str]) -> str:
    """Quoted names with commas between, up to SHOWN_NAMES, and the number of the others."""
    all_names = list(names)
    text = ", ".join(shown(name) for name in all_names[:SHOWN_NAMES])
    more = len(all_names) - SHOWN_NAMES
    return f"{text} and {more} more" if more > 0 else text
