"""Filters as a program asks for them: JSON to filters, or an error that says what was expected."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any

from autogen.data.problems import listed, shown
from autogen.data.text import normalise
from autogen.errors import UsageError, did_you_mean
from autogen.knowledge.attributes import NO, YES, Attribute
from autogen.knowledge.catalogue import MENTIONS, Catalogue, Filter

_KEYS = ("min", "max", "any", "not")
_FORMS = 'a value, a list of values, or {"min": …, "max": …, "any": […], "not": […]}'
_MENTIONED = Attribute(MENTIONS, "text", 0)


def filters_from_json(value: object, catalogue: Catalogue) -> tuple[Filter, ...]:
    """`{"genres": "Comedy", "year": {"min": 1990}, "price": {"max": 20}, "style": {"not": ["backpack"]}}` as filters.

    Names and values are read in any case. Raises UsageError.
    """
    if value is None:
        return ()
    if not isinstance(value, Mapping):
        raise UsageError(f"Filters: expected an object of attributes, found {shown(value)}.")
    names = {normalise(name): name for name in catalogue.attributes}
    return tuple(_filter(_attribute(name, names, catalogue), conditions) for name, conditions in value.items())


def _attribute(name: object, names: Mapping[str, str], catalogue: Catalogue) -> Attribute:
    key = normalise(str(name))
    if key in names:
        return catalogue.attributes[names[key]]
    if key == MENTIONS:
        return _MENTIONED
    attributes = listed(catalogue.attributes) or "none"
    guess = did_you_mean(key, names).replace(key, names.get(key, key))
    raise UsageError(f"Filters: expected an attribute of the catalogue ({attributes}), found {shown(name)}.{guess}")


def _filter(attribute: Attribute, value: object) -> Filter:
    conditions: Mapping[str, Any] = value if isinstance(value, Mapping) else {"any": value}
    unknown = [key for key in conditions if key not in _KEYS]
    if unknown or not conditions:
        guess = did_you_mean(str(unknown[0]), _KEYS) if unknown else ""
        raise _filter_error(attribute, _FORMS, shown(unknown[0]) if unknown else "{}", guess)
    low, high = _bound(attribute, conditions, "min"), _bound(attribute, conditions, "max")
    if low is not None and high is not None and low > high:
        raise _filter_error(attribute, '"min" at most "max"', f"{low:g} and {high:g}")
    any_of = _values(attribute, conditions["any"], must_exist=True) if "any" in conditions else ()
    none_of = _values(attribute, conditions["not"], must_exist=False) if "not" in conditions else ()
    return Filter(attribute.name, low, high, any_of, none_of)


def _bound(attribute: Attribute, conditions: Mapping[str, Any], key: str) -> float | None:
    bound = conditions.get(key)
    if bound is None:
        return None
    if attribute.kind != "number":
        raise _filter_error(attribute, f"values, since it is no number ({_examples(attribute)})", f'"{key}"')
    return _number(attribute, bound)


def _number(attribute: Attribute, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, Real) or not abs(float(value)) <= 1e300:
        raise _filter_error(attribute, "a number", shown(value))
    return float(value)


def _values(attribute: Attribute, value: object, *, must_exist: bool) -> tuple[str | float, ...]:
    several = list(value) if isinstance(value, list | tuple) else [value]
    if not several:
        raise _filter_error(attribute, "at least one value", "an empty list")
    if attribute.kind == "number":
        return tuple(_number(attribute, value) for value in several)
    return tuple(_category(attribute, value, must_exist=must_exist) for value in several)


def _category(attribute: Attribute, value: object, *, must_exist: bool) -> str:
    if attribute.is_flag and (isinstance(value, bool) or value in (0, 1)):
        return YES if value else NO
    if not isinstance(value, str):
        raise _filter_error(attribute, f"text ({_examples(attribute)})", shown(value))
    if attribute.kind == "text":
        if attribute.name != MENTIONS:
            raise _filter_error(attribute, f'a number or category; for words in texts use "{MENTIONS}"', shown(value))
        return value
    spelling = attribute.spellings.get(normalise(value))
    if spelling is None and must_exist:
        guess = did_you_mean(normalise(value), attribute.spellings)
        raise _filter_error(attribute, f"one of its values ({_examples(attribute)})", shown(value), guess)
    return spelling or value


def _examples(attribute: Attribute) -> str:
    return listed(attribute.counts) or attribute.kind


def _filter_error(attribute: Attribute, expected: str, actual: str, guess: str = "") -> UsageError:
    return UsageError(f"Filters: {shown(attribute.name)}: expected {expected}, found {actual}.{guess}")
