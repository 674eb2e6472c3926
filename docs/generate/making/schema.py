"""JSON Schema in words: which values a key of `agent.toml`, or a field of a JSON body, may have."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

Schema = Mapping[str, Any]

PLURAL = {"text": "texts", "number": "numbers", "whole number": "whole numbers", "object": "objects", "table": "tables"}


def resolved(schema: Schema, defined: Schema) -> Schema:
    """What a reference leads to; any other schema as it is. `defined`: schemas by name."""
    reference = schema.get("$ref")
    return defined[reference.rpartition("/")[2]] if reference else schema


def branches(schema: Schema) -> list[Schema]:
    """The schemas of which a value must fit one."""
    if "anyOf" not in schema:
        return [schema]
    return [inner for branch in schema["anyOf"] for inner in branches(branch)]


def values_of(schema: Schema, defined: Schema, mapping: str = "object", null: bool = False) -> str:
    """The values in words. `mapping`: what an object is called; `null`: whether null is named too."""
    said: list[str] = []
    for branch in branches(schema):
        if branch.get("type") == "null" and not null:
            continue
        words = _words(resolved(branch, defined), defined, mapping)
        if words.startswith("list of ") and said:
            words = f"a {words}" if "`" not in words else "a list of these"
        if words not in said:
            said.append(words)
    plain = not any(" or " in words or ", " in words for words in said)
    return (" or " if plain else ", or ").join(said)


def literal(value: object) -> str:
    """A value as it is written in TOML and JSON."""
    return "none" if value is None else f"`{json.dumps(value, ensure_ascii=False)}`"


def _words(schema: Schema, defined: Schema, mapping: str) -> str:
    if "enum" in schema or "const" in schema:
        return _any_of([literal(value) for value in schema.get("enum", [schema.get("const")])])
    kind = schema.get("type")
    if kind == "array":
        return _list(schema, defined, mapping)
    if kind == "object":
        value = schema.get("additionalProperties")
        of = _words(value, defined, mapping) if isinstance(value, Mapping) and value else ""
        return f"{mapping} of {PLURAL.get(of, of)}" if of else mapping
    names = {"string": "text", "integer": "whole number", "number": "number", "boolean": "`true` or `false`"}
    limits = _limits(schema)
    between = " " if limits.startswith(("above", "below")) else ", "
    return between.join(filter(None, [names.get(str(kind), "null" if kind == "null" else "anything"), limits]))


def _list(schema: Schema, defined: Schema, mapping: str) -> str:
    items = schema.get("items") or {}
    of = values_of(resolved(items, defined), defined, mapping) if items else ""
    what = f"list of {PLURAL.get(of.partition(',')[0], of)}" if of else "list"
    if " or " in of and "`" not in of:
        what = "list of " + " or ".join(PLURAL.get(one.partition(",")[0], one) for one in of.split(" or "))
    return ", ".join(filter(None, [what, _between(schema.get("minItems"), schema.get("maxItems"), "entry", "entries")]))


def _limits(schema: Schema) -> str:
    if schema.get("type") == "string":
        return _between(schema.get("minLength"), schema.get("maxLength"), "character", "characters")
    low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    high, below = schema.get("maximum"), schema.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f"{_figure(low)} to {_figure(high)}"
    words = [("at least", low), ("above", above), ("at most", high), ("below", below)]
    return ", ".join(f"{word} {_figure(value)}" for word, value in words if value is not None)


def _between(low: int | None, high: int | None, one: str, several: str) -> str:
    """So many characters or entries; an empty text or list needs no word."""
    if low and high:
        return f"{_figure(low)} to {_figure(high)} {several}"
    if high:
        return f"at most {_figure(high)} {several}"
    return f"at least {_figure(low)} {one if low == 1 else several}" if low else ""


def _figure(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,g}"


def _any_of(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
