"""Recommending on request, outside of any conversation: what the HTTP route and the command call."""

from __future__ import annotations

from dataclasses import dataclass

from autogen.errors import UsageError
from autogen.skills.hosts import AgentHost
from autogen.skills.recommendation.answering import RecommendationSkill
from autogen.skills.recommendation.cards import ScoredItem
from autogen.skills.recommendation.item_request import ItemRequest
from autogen.skills.recommendation.replies import reply_to_request


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Items, best first. Feedback refers to them by `id`, and names the item as its label."""

    id: str
    items: tuple[ScoredItem, ...]
    version: str
    skill: str


def recommend(agent: AgentHost, request: ItemRequest, skill: str | None = None) -> Recommendation:
    """Items for one user, or for an anonymous history; kept, so that feedback can refer to it.

    Raises UsageError where no skill recommends, or for what cannot be asked; StorageError.
    """
    name, recommender = recommender_of(agent, skill)
    shown_items = recommender.show(request)
    response = agent.keep(name, reply_to_request(shown_items), request.query, request.user)
    return Recommendation(response.id, tuple(shown_items.items), response.version, name)


def recommender_of(agent: AgentHost, skill: str | None = None) -> tuple[str, RecommendationSkill]:
    """A skill that recommends, and its name: the one named, else the first. Raises UsageError where there is none."""
    recommenders = agent.skills(RecommendationSkill)
    if skill is not None and skill not in recommenders:
        names = ", ".join(recommenders) or "there is none"
        raise UsageError(f"Expected a skill that recommends ({names}); found {skill!r}.")
    if not recommenders:
        raise UsageError("Expected an agent with the skill `recommendation`, found none of this agent's skills to be.")
    name = skill or next(iter(recommenders))
    return name, recommenders[name]
