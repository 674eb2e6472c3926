"""A project of one's own file: the kind of skill that it is for, which columns hold what, the agent.toml for it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autogen.config.settings import CONFIG_NAME
from autogen.data.columns import find_columns
from autogen.data.problems import Problem, data_error, first_warnings, listed, quoted
from autogen.data.readers.files import describe_format, read_rows
from autogen.data.rows import Row
from autogen.errors import DataError
from autogen.plugins import skills
from autogen.skills.kind import StartingPoint, StartsFromFile
from autogen.templates import make_project

SKILL = "main"
SAMPLE = 2_000  # rows by which columns are told from what they hold
FEW_VALUES = 0.5  # distinct values, of the rows: a column of labels repeats itself
TEXT, LABEL = "text", "label"


@dataclass(frozen=True)
class StartedProject:
    """What was made of a file, and what was taken for what."""

    kind: str
    data: str  # the file in the project, relative to it
    columns: Mapping[str, str]  # field -> column, of those that have another name
    assumed: tuple[str, ...]


def start_project(folder: Path, data: Path) -> StartedProject:
    """Make `folder`, new or empty, a project that learns from a copy of this file. Raises DataError where its rows
    cannot be read or it is not to be seen what they are, UsageError, StorageError."""
    rows, problems = read_rows(data)
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors and not rows:
        raise data_error(errors)
    present = list(dict.fromkeys(name for row in rows[:SAMPLE] for name in row.values))
    kind, point, columns = _choose(present, rows, data)
    started = StartedProject(
        kind,
        f"data/{data.name}",
        {field: column for field, column in columns.items() if field != column},
        tuple(_assumptions(data, kind, columns, rows, problems)),
    )
    config = _config(folder.absolute().name, started, point)

    def write(target: Path) -> None:
        (target / "data").mkdir(parents=True)
        shutil.copyfile(data, target / started.data)
        (target / CONFIG_NAME).write_text(config, "utf-8")

    make_project(folder, write)
    return started


def _choose(present: Sequence[str], rows: Sequence[Row], data: Path) -> tuple[str, StartingPoint, dict[str, str]]:
    """The kind of skill most of whose fields have columns, by their names, else by what they hold."""
    points = [
        (name, point)
        for name, kind in skills().items()
        if isinstance(kind, StartsFromFile)
        for point in kind.starting_points
    ]
    choices = [(name, point, columns) for name, point in points if (columns := find_columns(present, point.fields))]
    if choices:
        exact = [choice for choice in choices if all(field in present for field in choice[1].fields)]
        return max(exact or choices, key=lambda choice: len(choice[1].fields))
    if len(rows) > 1 and (columns := _columns_by_content(present, rows)):
        for name, point in points:
            if {*point.fields} == {*columns}:
                return name, point, columns
    expected = "; or ".join(listed(point.fields) for _, point in points)
    raise DataError(
        f"{data}: expected columns that hold {expected}. Found {listed(present) or 'none'}. Rename the columns, or add "
        "a header line if the file has none."
    )


def _columns_by_content(present: Sequence[str], rows: Sequence[Row]) -> dict[str, str]:
    """The longest texts, and beside them what repeats itself most; nothing where either cannot be told, or where the
    header itself is a row."""
    cells = {name: [row.values.get(name) for row in rows[:SAMPLE]] for name in present}
    texts = {name: values for name, values in cells.items() if all(isinstance(value, str) for value in values)}
    if not texts:
        return {}
    text = max(texts, key=lambda name: sum(len(str(value)) for value in texts[name]))
    distinct = {name: len({*map(str, values)}) for name, values in cells.items() if name != text}
    labels = [name for name, count in distinct.items() if 2 <= count <= FEW_VALUES * len(rows[:SAMPLE])]
    if not labels:
        return {}
    label = min(labels, key=lambda name: distinct[name])
    return {} if label in map(str, cells[label]) else {TEXT: text, LABEL: label}


def _assumptions(
    data: Path, kind: str, columns: Mapping[str, str], rows: Sequence[Row], problems: Sequence[Problem]
) -> Iterable[str]:
    yield f"Read {len(rows):,} rows of {data.name}: {describe_format(data)}."
    yield f"Skill: {kind}, for the columns hold " + ", ".join(f"{f} ({quoted(c)})" for f, c in columns.items()) + "."
    unused = list(dict.fromkeys(name for row in rows[:SAMPLE] for name in row.values if name not in columns.values()))
    if unused:
        yield f"Not read: {listed(unused)}."
    yield from first_warnings(problems)
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        yield f"{len(errors):,} errors, which `autogen check` lists; the first: {errors[0]}"


def _config(name: str, started: StartedProject, point: StartingPoint) -> str:
    lines = [
        "[agent]",
        f"name = {_toml(name or 'agent')}",
        'base_model = "minilm"  # texts that are not English: "multilingual-e5-small"',
        "",
        f"[skills.{SKILL}]",
        f"type = {_toml(started.kind)}",
        *(f"{key} = {_toml(value)}" for key, value in point.settings.items()),
        f"{point.key} = {_toml(started.data)}",
    ]
    if started.columns:
        pairs = ", ".join(f"{field} = {_toml(column)}" for field, column in started.columns.items())
        lines.append(f"columns = {{{pairs}}}")
    return "\n".join(lines) + "\n"


def _toml(text: str) -> str:
    """A TOML basic string: JSON's escapes are its own, but for the delete character."""
    return quoted(text).replace("\x7f", "\\u007f")
