"""Rows of token classification: a text with its entities, or tokens with BIO tags, as typed examples.

Offsets are those of a Python `str`: they count characters (Unicode code points) from 0, not bytes and not UTF-16 units,
and `end` is exclusive, so that `text[start:end]` is the entity.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from numbers import Integral

from autogen.data.problems import Problem, listed, shown
from autogen.data.rows import Row, is_missing, require_text
from autogen.errors import did_you_mean
from autogen.tasks.token_classification.boundaries import cuts_character

TEXT_FIELDS, TOKEN_FIELDS = ("text", "entities"), ("tokens", "tags")

MAX_TEXT = 1_000_000  # characters in one row of a data file: a long document; more is a sign of a wrong file
MAX_LABEL = 200

_REQUIRED = ("start", "end", "label")
_KEYS = (*_REQUIRED, "text")  # `text` may say what the entity is, and is then checked
_SHAPE = '{"start": 0, "end": 5, "label": "city"}'
_COUNTS = "offsets count characters (code points) from 0, not bytes or UTF-16 units, and end is exclusive"
_STARTS, _CONTINUES, _ENDS = "BSU", "IEL", "ESLU"  # the prefixes of BIO, IOB1, BIOES and BILOU


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """The entity `text[start:end]`."""

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class AnnotatedText:
    """A text and its entities, in order and without overlap."""

    text: str
    spans: tuple[Span, ...]


def read_examples(rows: Sequence[Row]) -> tuple[list[AnnotatedText], list[Row], list[Problem]]:
    """Typed examples with the rows they came from, and a problem for everything that is not as it should be."""
    examples, sources, problems = [], [], []
    for row in rows:
        example, faults = read_example(row)
        problems += faults
        if example is not None:
            examples.append(example)
            sources.append(row)
    return examples, sources, problems


def read_example(row: Row) -> tuple[AnnotatedText | None, list[Problem]]:
    """The example in a row with `text` and `entities` or with `tokens` and `tags`; None where an error stands in its
    way."""
    tagged = [field for field in TOKEN_FIELDS if not is_missing(row, field)]
    if not tagged:
        return _from_entities(row)
    if not is_missing(row, "entities"):
        message = f'expected "entities" or "tags", found "entities" and {listed(tagged)}'
        return None, [row.error("two-annotations", message, "keep one of the two columns")]
    return _from_tags(row)


def read_spans(row: Row, text: str, entities: object) -> tuple[tuple[Span, ...], list[Problem]]:
    """The spans that a list of entities (or its JSON) names in `text`, in order."""
    items = _list_of(entities)
    if items is None:
        message = f'expected a list such as [{_SHAPE}] in "entities", found {shown(entities)}'
        return (), [row.error("not-entities", message, "write a list of objects, as JSON in a CSV cell")]
    spans, problems = [], []
    for item in items:
        span = _span(row, text, item)
        if isinstance(span, Problem):
            problems.append(span)
        else:
            trimmed = _trimmed(text, span)
            problems += [] if trimmed == span else [_edge_warning(row, text, span)]
            spans.append(trimmed)
    spans.sort()
    return tuple(spans), problems + _overlaps(row, text, spans)


def spans_of_tags(tags: Sequence[str]) -> list[Span] | int:
    """The spans of BIO tags, as token positions; or the position of the first tag that is none.

    IOB1, BIOES and BILOU are read too: an `I-` that continues nothing begins an entity, as in IOB1.
    """
    spans: list[Span] = []
    start: int | None = None
    label = ""
    for at, tag in enumerate(tags):
        prefix, dash, name = tag.partition("-")
        inside = bool(dash and name.strip())
        if tag != "O" and not (inside and prefix in tuple(_STARTS + _CONTINUES)):
            return at
        if start is not None and not (prefix in tuple(_CONTINUES) and name == label):
            spans.append(Span(start, at, label))
            start = None
        if inside:
            start, label = at if start is None else start, name
            if prefix in tuple(_ENDS):
                spans.append(Span(start, at + 1, label))
                start = None
    return spans if start is None else [*spans, Span(start, len(tags), label)]


def _from_entities(row: Row) -> tuple[AnnotatedText | None, list[Problem]]:
    text = require_text(row, "text", MAX_TEXT)
    problems = [text] if isinstance(text, Problem) else []
    if is_missing(row, "entities"):
        value = shown(row.values["entities"]) if "entities" in row.values else "nothing"
        message = f'expected a list in "entities", found {value}'
        problems.append(row.error("missing-value", message, "write [] for a text without entities, or delete the row"))
    if problems or isinstance(text, Problem):
        return None, problems
    spans, problems = read_spans(row, text, row.values["entities"])
    return (None if _has_error(problems) else AnnotatedText(text, spans)), problems


def _from_tags(row: Row) -> tuple[AnnotatedText | None, list[Problem]]:
    tokens, tags = _words(row, "tokens"), _words(row, "tags")
    problems = [value for value in (tokens, tags) if isinstance(value, Problem)]
    if isinstance(tokens, Problem) or isinstance(tags, Problem):
        return None, problems
    if len(tokens) != len(tags):
        message = f"expected one tag for each token, found {len(tokens)} tokens and {len(tags)} tags"
        return None, [row.error("tags-and-tokens", message, "write as many tags as tokens")]
    spans = spans_of_tags(tags)
    if isinstance(spans, int):
        message = (
            f'expected "O" or a BIO tag such as "B-city" or "I-city", found {shown(tags[spans])} as tag {spans + 1}'
        )
        return None, [row.error("not-a-tag", message, "write the tags as names, in BIO, IOB1, BIOES or BILOU")]
    return _joined(row, tokens, spans)


def _joined(row: Row, tokens: Sequence[str], spans: Sequence[Span]) -> tuple[AnnotatedText | None, list[Problem]]:
    """The example whose text is the tokens with one space between them."""
    text = require_text(Row({"tokens": " ".join(tokens)}, row.source, row.number), "tokens", MAX_TEXT)
    if isinstance(text, Problem):
        return None, [text]
    starts = [0]
    for token in tokens:
        starts.append(starts[-1] + len(token) + 1)
    entities = [{"start": starts[s.start], "end": starts[s.end] - 1, "label": s.label} for s in spans]
    placed, problems = read_spans(row, text, entities)
    return (None if _has_error(problems) else AnnotatedText(text, placed)), problems


def _words(row: Row, field: str) -> list[str] | Problem:
    """A list of texts, its JSON, or words with white space between them."""
    value = row.values.get(field)
    items = _list_of(value)
    if items is None and isinstance(value, str):
        items = list(value.split())
    if not items:
        cell = shown(value) if field in row.values else "nothing"
        message = f'expected a list of texts in "{field}", found {cell}'
        return row.error("missing-value", message, "write a list, its JSON, or words with spaces between them")
    wrong = [item for item in items if not isinstance(item, str) or not item.strip()]
    if wrong:
        message = f'expected texts in "{field}", found {shown(wrong[0])} ({type(wrong[0]).__name__})'
        return row.error("not-text", message, "write each as text with something in it")
    return [str(item) for item in items]


def _list_of(value: object) -> list[object] | None:
    """The list in a cell: as it is, out of an array of a data frame, or parsed from JSON."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    elif hasattr(value, "tolist"):
        value = value.tolist()
    return list(value) if isinstance(value, list | tuple) else None


def _span(row: Row, text: str, item: object) -> Span | Problem:
    """The span that one entity names, or what is wrong with it."""
    if not isinstance(item, Mapping):
        message = f"expected an entity such as {_SHAPE}, found {shown(item)}"
        return row.error("not-an-entity", message, "write each entity as an object")
    lacking = [key for key in _REQUIRED if item.get(key) is None]
    unknown = [str(key) for key in item if key not in _KEYS]
    if lacking or unknown:
        return _wrong_keys(row, item, lacking, unknown)
    start, end, label = (item[key] for key in _REQUIRED)
    if not (_is_index(start) and _is_index(end)):
        message = f"expected whole numbers as start and end, found {shown(start)} and {shown(end)}"
        return row.error("not-an-offset", message, _COUNTS)
    name = require_text(Row({"label": label}, row.source, row.number), "label", MAX_LABEL)
    if isinstance(name, Problem):
        return name
    fault = _offset_fault(row, text, int(start), int(end), item.get("text"))
    return fault or Span(int(start), int(end), name.strip())


def _wrong_keys(row: Row, item: Mapping[str, object], lacking: Sequence[str], unknown: Sequence[str]) -> Problem:
    if unknown:
        message = f"expected an entity with start, end and label, found the field {listed(unknown)}"
        near = did_you_mean(unknown[0], lacking or _KEYS)
        return row.error("unknown-field", message, f"rename or remove it.{near}")
    message = f"expected an entity with start, end and label, found no {listed(lacking)} in {shown(dict(item))}"
    return row.error("missing-value", message, f"write each entity as {_SHAPE}")


def _is_index(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _offset_fault(row: Row, text: str, start: int, end: int, words: object) -> Problem | None:
    """What is wrong with offsets, or with what the entity says that its text is."""
    if not 0 <= start <= end <= len(text):
        message = f"expected offsets within the {len(text)} characters of the text, found {start} to {end}"
        return row.error("offset-out-of-range", message, _COUNTS)
    if not text[start:end].strip():
        message = f"expected characters from {start} to {end}, found {shown(text[start:end])}"
        return row.error("empty-span", message, f"correct the offsets, or remove the entity; {_COUNTS}")
    if words is not None and words != text[start:end]:
        message = f"expected {shown(words)} from {start} to {end}, found {shown(text[start:end])}"
        return row.error("other-text", message, f"correct the offsets; {_COUNTS}")
    cut = next((at for at in (start, end) if cuts_character(text, at)), None)
    if cut is not None:
        message = f"expected whole characters, found {shown(text[start:end])} cut in the middle of one at {cut}"
        return row.error("cut-character", message, "move it before or behind the accent or emoji")
    return None


def _trimmed(text: str, span: Span) -> Span:
    """The span without white space at its ends: no token holds any."""
    inside = text[span.start : span.end]
    start = span.start + len(inside) - len(inside.lstrip())
    return Span(start, start + len(inside.strip()), span.label)


def _edge_warning(row: Row, text: str, span: Span) -> Problem:
    message = f"expected no white space at the ends of an entity, found {shown(text[span.start : span.end])}"
    fix = "it is read without; correct the offsets"
    return Problem("warning", "span-edges", row.source, row.number, message, fix)


def _overlaps(row: Row, text: str, spans: Sequence[Span]) -> list[Problem]:
    return [
        row.error(
            "overlapping-spans",
            f"expected entities apart from each other, found {_described(text, first)} and {_described(text, second)}",
            "keep one of the two: a character belongs to one entity at most",
        )
        for first, second in pairwise(spans)
        if second.start < first.end
    ]


def _described(text: str, span: Span) -> str:
    return f"{shown(text[span.start : span.end])} ({span.start} to {span.end}, {span.label})"


def _has_error(problems: Sequence[Problem]) -> bool:
    return any(problem.severity == "error" for problem in problems)
