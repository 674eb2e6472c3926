from __future__ import annotations

import pytest

from autogen.errors import UsageError
from autogen.feedback.entities import (
    MAX_ENTITIES,
    EntitySpan,
    check_entities,
    entities_in_words,
    entities_json,
    parse_entities,
    to_spans,
)

CITY = EntitySpan(9, 13, "city")


def test_entities_are_the_same_after_json() -> None:
    assert parse_entities(entities_json([CITY])) == (CITY,)
    assert parse_entities([{"start": 9, "end": 13, "label": "city", "text": "Rome", "confidence": 0.9}]) == (CITY,)
    assert (parse_entities([]), entities_json(()), entities_json(None)) == ((), [], None)


@pytest.mark.parametrize(
    "value",
    [None, {}, "all", [1], [{"start": 0, "end": 1}], [{"start": True, "end": 1, "label": "x"}]],
)
def test_what_is_no_list_of_entities_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_entities(value)


@pytest.mark.parametrize(
    ("entities", "message"),
    [
        ([EntitySpan(9, 14, "city")], "within the message's 13 characters .* found start 9, end 14"),
        ([EntitySpan(3, 3, "city")], "found start 3, end 3"),
        ([EntitySpan(-1, 3, "city")], "found start -1"),
        ([EntitySpan(0, 3, " ")], "label of 1 to 200 characters"),
        ([EntitySpan(0, 3, "x" * 201)], "label of 1 to 200 characters"),
        ([CITY] * (MAX_ENTITIES + 1), "at most 1,000 entities, found 1,001"),
    ],
)
def test_entities_out_of_bounds_are_refused(entities: list[EntitySpan], message: str) -> None:
    check_entities([CITY], 13)
    with pytest.raises(UsageError, match=message):
        check_entities(entities, 13)


def test_entities_are_put_in_words() -> None:
    assert entities_in_words("Ann in\n Rome", [EntitySpan(0, 3, "person"), EntitySpan(4, 12, "place")]) == (
        "person: Ann; place: in Rome"
    )
    assert entities_in_words("nobody", []) == "no entities"


def test_entities_come_as_spans_or_as_mappings_and_anything_else_is_refused_with_the_form() -> None:
    assert to_spans([CITY, {"start": 9, "end": 13, "label": "city"}]) == (CITY, CITY)
    for value in ([{"start": 1}], [3], 5):
        with pytest.raises(UsageError, match=r'entities such as \[\{"start": 0.*found'):
            to_spans(value)  # type: ignore[arg-type] # as people do
