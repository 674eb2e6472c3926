"""Fields of JSON bodies that the server and the routes of skills share, as pydantic types."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from autogen.feedback.events import MAX_NAME_LENGTH, MAX_TEXT_LENGTH
from autogen.knowledge.attributes import spoken_number
from autogen.markup import printable


def _without_controls(name: str) -> str:
    if printable(name) != name or not name.strip():
        raise ValueError(f"Expected a name of letters that can be seen, found {printable(name)!r}.")
    return name


Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME_LENGTH), AfterValidator(_without_controls)]
Words = Annotated[str, Field(max_length=MAX_TEXT_LENGTH)]


def _as_id(value: object) -> object:
    """Ids are text; what is written as a number is the text of it."""
    number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**63
    return spoken_number(float(value)) if isinstance(value, float) and number else str(value) if number else value


Id = Annotated[Name, BeforeValidator(_as_id, json_schema_input_type=Name | int)]
