"""The HTTP requests and answers of recommendations."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from autogen.data.problems import quoted
from autogen.errors import did_you_mean
from autogen.serving.schemas import Id, Name, Words
from autogen.skills.recommendation.reading import MOST_IDS


class RecommendationRequest(BaseModel):
    """For a user, or an anonymous history of item ids (the oldest first): items, also by a wish in words."""

    user: Id | None = None
    history: Annotated[list[Id], Field(max_length=MOST_IDS)] = []
    query: Words = ""
    filters: dict[str, Any] = {}
    k: Annotated[int, Field(ge=1, le=100)] | None = None
    exclude: Annotated[list[Id], Field(max_length=MOST_IDS)] = []
    skill: Name | None = None

    @model_validator(mode="before")
    @classmethod
    def _known_fields(cls, body: Any) -> Any:
        """A filter that is misspelt would be no filter, and nobody would see it."""
        known = cls.model_fields
        unknown = next((name for name in body if name not in known), None) if isinstance(body, dict) else None
        if unknown is not None:
            said = {"known": ", ".join(known), "found": quoted(unknown), "guess": did_you_mean(unknown, known)}
            message = "Expected the fields {known} only, found {found}.{guess}"
            raise PydanticCustomError("unknown_field", message, {**said, "field": unknown})
        return body


class RecommendedItem(BaseModel):
    """`score`: how likely it is that it is wanted next, among all items; `attributes`: all that is known of it."""

    item: str
    title: str
    score: float
    reason: str
    attributes: dict[str, Any]


class RecommendationList(BaseModel):
    """Best first. Feedback refers to it by `id`, and names the item as its `label`."""

    id: str
    items: list[RecommendedItem]
    version: str
    skill: str
    notes: list[str]
