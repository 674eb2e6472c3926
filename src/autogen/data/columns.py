"""From the columns a file has to the fields a task needs, with the line to write when the names differ."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches

from autogen.data.problems import Problem, listed, quoted
from autogen.data.rows import Row

# What people call these columns. The order says which is taken when a file has several of them.
_LABEL = ("label", "intent", "category", "class", "target", "topic", "tag", "label_text")
_TEXT = ("text", "utterance", "sentence", "query", "question", "message", "content", "review", "body")
_SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "text": _TEXT,
    "label": _LABEL,
    "text_pair": ("text2", "sentence2", "hypothesis", "second_text"),
    "input": ("prompt", "instruction", "source", *_TEXT),
    "output": ("completion", "response", "target", "answer", "reply"),
    "question": _TEXT,
    "answers": ("answer",),
    "user": ("user_id", "userid", "customer", "customer_id"),
    "item": ("item_id", "itemid", "product", "product_id", "sku", "movie_id"),
    "timestamp": ("time", "datetime", "date", "ts", "created_at"),
    "title": ("name", "item_name"),
    "head": ("subject", "source"),
    "relation": ("predicate", "rel"),
    "tail": ("object", "target"),
}


# An items file, whose id and title go by names that would be a user's or a text's elsewhere.
ITEM_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "item": ("id", *_SYNONYMS["item"]),
    "title": (*_SYNONYMS["title"], "product_name", "movie_title"),
}


def select(
    rows: Sequence[Row],
    required: tuple[str, ...],
    optional: tuple[str, ...],
    columns: Mapping[str, str],
    in_project: bool = True,
) -> tuple[list[Row], list[Problem]]:
    """Rows with the fields of a task only, read from the columns that `columns` (field → column) names.

    A source without a column it must have is one problem, and its rows are left out. A single row without the
    value passes: the task says what it lacks. Other fields in `columns` belong to other tasks. `in_project`: whether
    there is an agent.toml that a fix may name.
    """
    names = {field: columns.get(field, field) for field in (*required, *optional)}
    required_names = {field: column for field, column in names.items() if field in required or field in columns}
    problems: list[Problem] = []
    incomplete: set[str] = set()
    for source, present in _columns_by_source(rows).items():
        absent = [field for field, column in required_names.items() if column not in present]
        if absent:
            problems.append(_missing_columns(source, absent, names, present, columns, in_project))
            incomplete.add(source)
    return pick([row for row in rows if row.source not in incomplete], (*required, *optional), columns), problems


def find_columns(present: Collection[str], fields: Sequence[str]) -> dict[str, str] | None:
    """The column that most likely holds each field, by its name; None where one has none."""
    absent = [field for field in fields if field not in present]
    columns = {field: field for field in fields if field in present}
    columns |= _guesses(absent, {field: field for field in fields}, present)
    return columns if len(columns) == len(fields) else None


def has_columns(rows: Sequence[Row], fields: Sequence[str], columns: Mapping[str, str]) -> bool:
    """Whether some row has a column for each of these fields."""
    return any(all(columns.get(field, field) in row.values for field in fields) for row in rows)


def pick(rows: Sequence[Row], fields: tuple[str, ...], columns: Mapping[str, str]) -> list[Row]:
    """Rows with these fields only, as far as they have them."""
    names = {field: columns.get(field, field) for field in fields}
    return [
        Row({field: row.values[c] for field, c in names.items() if c in row.values}, row.source, row.number)
        for row in rows
    ]


def _columns_by_source(rows: Sequence[Row]) -> dict[str, dict[str, None]]:
    """Every column that stands in any row of a source, in order: rows of JSON lines may differ."""
    columns: dict[str, dict[str, None]] = {}
    for row in rows:
        columns.setdefault(row.source, {}).update(dict.fromkeys(row.values))
    return columns


def _missing_columns(
    source: str,
    absent: Sequence[str],
    names: Mapping[str, str],
    present: Collection[str],
    columns: Mapping[str, str],
    in_project: bool,
) -> Problem:
    noun = "column" if len(absent) == 1 else "columns"
    expected = listed(names[field] for field in absent)
    message = f"expected the {noun} {expected}, found {listed(present) or 'none'}"
    guesses = _guesses(absent, names, present)
    if not in_project:
        renamed = ", ".join(f"{quoted(column)} to {quoted(names[field])}" for field, column in guesses.items())
        others = listed(names[field] for field in absent if field not in guesses)
        fix = "; ".join(filter(None, (renamed and f"rename {renamed}", others and f"name the {noun} {others}")))
        return Problem("error", "missing-column", source, None, message, fix)
    mapping = {field: column for field, column in columns.items() if field not in absent}
    mapping |= {field: guesses.get(field, "…") for field in absent}
    fix = f"write {_toml(mapping)} in agent.toml"
    if len(guesses) == len(absent):
        fix += f", or rename the {noun}"
    else:
        header = ",".join(names.values())
        fix += f" with the right {noun} for …, or add a header line ({header}) if the file has none"
    return Problem("error", "missing-column", source, None, message, fix)


def _guesses(absent: Sequence[str], names: Mapping[str, str], present: Collection[str]) -> dict[str, str]:
    """The column that each missing field most likely is; no column is taken twice."""
    taken = {column for field, column in names.items() if field not in absent}
    free = [name for name in present if name not in taken]
    guesses: dict[str, str] = {}
    for field in absent:
        guess = _near_miss(field, names[field], free)
        if guess is not None:
            guesses[field] = guess
            free.remove(guess)
    return guesses


def _near_miss(field: str, column: str, candidates: Sequence[str]) -> str | None:
    """The column that most likely holds `field`: by spelling apart from case, by a synonym, by likeness."""
    by_plain_name = {_plain(name): name for name in reversed(candidates)}
    for word in (column, field, *_SYNONYMS.get(field, ())):
        if _plain(word) in by_plain_name:
            return by_plain_name[_plain(word)]
    matches = get_close_matches(_plain(column), by_plain_name, n=1, cutoff=0.7)
    matches = matches or get_close_matches(_plain(field), by_plain_name, n=1, cutoff=0.7)
    return by_plain_name[matches[0]] if matches else None


def _plain(name: str) -> str:
    return name.strip().casefold().replace("-", "_").replace(" ", "_")


def _toml(mapping: Mapping[str, str]) -> str:
    pairs = (f"{field} = {quoted(column)}" for field, column in mapping.items())
    return f"columns = {{{', '.join(pairs)}}}"
