"""POST /v1/recommendations, and what comes in and goes out there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, model_validator
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

    user: Id | None = Field(default=None, description="Whom to recommend for. Without it the `history` speaks.")
    history: list[Id] = Field(
        default=[], max_length=MOST_IDS, description="Items that somebody without an id has chosen, the oldest first."
    )
    query: Words = Field(default="", description="A wish in words; an empty one is none.")
    filters: dict[str, Any] = Field(
        default={},
        description=(
            "What items must be, by attribute: a value, a list of values, or an object with `min`, `max`, `any` and "
            "`not`."
        ),
    )
    k: Annotated[int, Field(ge=1, le=100)] | None = Field(
        default=None, description="How many items. Without it as many as the skill shows."
    )
    exclude: list[Id] = Field(default=[], max_length=MOST_IDS, description="Items that are not to be shown.")
    skill: Name | None = Field(default=None, description="The skill, by its name. Without it the first recommender.")

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "user": "2850",
                    "query": "a comedy from the nineties",
                    "filters": {"genres": {"not": ["Horror"]}},
                    "k": 1,
                }
            ]
        }
    )

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

    item: str = Field(description="The item's id.")
    title: str = Field(description="Its title.")
    score: float = Field(description="How likely it is that it is wanted next, among all items.")
    reason: str = Field(description="Why it is shown, in words.")
    attributes: dict[str, Any] = Field(description="All that is known of it.")


class RecommendationList(BaseModel):
    """Best first. Feedback refers to it by `id`, and names the item as its `label`."""

    id: str = Field(description="The id of this response, which feedback refers to.")
    items: list[RecommendedItem] = Field(description="The items, the best first.")
    version: str = Field(description="The version that answered.")
    skill: str = Field(description="The skill that answered.")
    notes: list[str] = Field(description="What of the request was understood and what was not, in words.")

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "resp-5d0e7c1a9b3f2846c7d8e9f0a1b2c3d4",
                    "items": [
                        {
                            "item": "0118715",
                            "title": "The Big Lebowski",
                            "score": 0.0021,
                            "reason": "fits what you asked for",
                            "attributes": {"year": 1998, "genres": ["Comedy", "Crime"]},
                        }
                    ],
                    "version": "0001",
                    "skill": "films",
                    "notes": ["understood: year 1990–1999; genres Comedy"],
                }
            ]
        }
    )


def add(router: APIRouter, host: ServerHost) -> None:
    """Add the route."""

    def recommend_all(requests: Sequence[RecommendationRequest]) -> list[RecommendationList | Exception]:
        champion = host.champion
        return run_together(lambda batch: [_recommendation(champion, request) for request in batch], requests)

    batcher = host.batcher(recommend_all)

    @router.post("/recommendations")
    async def recommendations(request: RecommendationRequest) -> RecommendationList:
        """Recommend items for a user, a history, or a wish in words.

        All fields are optional. A field that is not among these is refused (`unknown_field`): a misspelt filter would
        be none, and nobody would see it. Users and items that are not known do no harm, and are said in `notes`.
        """
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
