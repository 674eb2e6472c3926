"""POST /v1/recommendations, and what comes in and goes out there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from autogen.data.problems import quoted
from autogen.errors import did_you_mean
from autogen.runtime.batcher import run_together
from autogen.skills.fields import Id, Name, Words
from autogen.skills.hosts import AgentHost, ServerHost
from autogen.skills.recommendation.cards import ScoredItem
from autogen.skills.recommendation.recommend import recommend, recommender_of
from autogen.skills.recommendation.request_parsing import MOST_IDS, parse_request


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
            words = {"known": ", ".join(known), "found": quoted(unknown), "guess": did_you_mean(unknown, known)}
            message = "Expected the fields {known} only, found {found}.{guess}"
            raise PydanticCustomError("unknown_field", message, {**words, "field": unknown})
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


def add(router: APIRouter, host: ServerHost) -> None:
    """Add the route."""

    def recommend_all(requests: Sequence[RecommendationRequest]) -> list[RecommendationList | Exception]:
        champion = host.champion
        return run_together(lambda batch: [_recommendation(champion, request) for request in batch], requests)

    batcher = host.batcher(recommend_all)

    @router.post("/recommendations")
    async def recommendations(request: RecommendationRequest) -> RecommendationList:
        return await batcher.submit(request)


def _recommendation(agent: AgentHost, request: RecommendationRequest) -> RecommendationList:
    """Raises UsageError, StorageError."""
    recommender = recommender_of(agent, request.skill)[1]
    parsed = parse_request(
        recommender, request.user, request.history, request.query, request.filters, request.k, request.exclude
    )
    recommendation = recommend(agent, parsed.request, request.skill)
    return RecommendationList(
        id=recommendation.id,
        items=[_item(item) for item in recommendation.items],
        version=recommendation.version,
        skill=recommendation.skill,
        notes=[*parsed.notes],
    )


def _item(scored: ScoredItem) -> RecommendedItem:
    return RecommendedItem(**scored.to_json(), attributes=dict(scored.item.values))
