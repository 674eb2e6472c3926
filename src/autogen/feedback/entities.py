"""Entities of a message, as people and responses name them: checked, in words, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from autogen.errors import UsageError

EXAMPLE = '[{"start": 0, "end": 4, "label": "city"}]'
"""Entities as they are written."""
MAX_ENTITIES = 1_000
"""Entities of one message."""
MAX_LABEL_LENGTH = 200
"""Characters in an entity's label."""
MAX_SHOWN = 200
"""Characters of an entity's text where entities are put in words."""


@dataclass(frozen=True, slots=True)
class EntitySpan:
    """What a stretch of a message names: characters from `start` to before `end`."""

    start: int
    end: int
    label: str


def check_entities(entities: Sequence[EntitySpan], length: int) -> None:
    """Raise `UsageError` unless each lies within a message of `length` characters and has a label."""
    if len(entities) > MAX_ENTITIES:
        raise UsageError(f"Expected at most {MAX_ENTITIES:,} entities, found {len(entities):,}.")
    for entity in entities:
        if not 0 <= entity.start < entity.end <= length:
            raise UsageError(
                f"Expected an entity within the message's {length:,} characters (0 ≤ start < end ≤ {length}), found "
                f"start {entity.start}, end {entity.end}."
            )
        if not entity.label.strip() or len(entity.label) > MAX_LABEL_LENGTH or "\0" in entity.label:
            raise UsageError(f"Expected a label of 1 to {MAX_LABEL_LENGTH} characters for each entity.")


def entities_json(entities: Iterable[EntitySpan] | None) -> list[dict[str, Any]] | None:
    """Start, end and label of each."""
    return None if entities is None else [asdict(entity) for entity in entities]


def parse_entities(value: object) -> tuple[EntitySpan, ...]:
    """Entities from their JSON. Raises `ValueError`."""
    if not isinstance(value, list):
        raise ValueError("a list was expected")
    return tuple(_parse_entity(item) for item in value)


def to_spans(entities: Sequence[EntitySpan | Mapping[str, Any]]) -> tuple[EntitySpan, ...]:
    """Entities as Python's users give them: spans, or mappings as in JSON. Raises UsageError."""
    try:
        return tuple(item if isinstance(item, EntitySpan) else _parse_entity(item) for item in entities)
    except (ValueError, TypeError) as error:
        raise UsageError(f"Expected entities such as {EXAMPLE}, found {entities!r:.200}: {error}.") from error


def entities_in_words(text: str, entities: Sequence[EntitySpan]) -> str:
    """Such as "person: Ann; city: Rome"."""
    named = [f"{span.label}: {' '.join(text[span.start : span.end].split())[:MAX_SHOWN]}" for span in entities]
    return "; ".join(named) or "no entities"


def _parse_entity(value: object) -> EntitySpan:
    if not isinstance(value, Mapping) or not {"start", "end", "label"} <= set(value):
        raise ValueError("an object with start, end and label was expected")
    start, end, label = value["start"], value["end"], value["label"]
    if type(start) is not int or type(end) is not int or not isinstance(label, str):
        raise ValueError("whole numbers and a label were expected")
    return EntitySpan(start, end, label)
