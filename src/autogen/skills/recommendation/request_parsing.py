"""Parse what a request says, a query in words included, into what a recommender is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from autogen.data.problems import quoted
from autogen.errors import UsageError
from autogen.feedback.events import MAX_TEXT_LENGTH
from autogen.knowledge.filters import filters_from_json
from autogen.skills.recommendation.answering import RecommendationSkill
from autogen.skills.recommendation.item_request import ItemRequest
from autogen.skills.recommendation.query_understanding.parser import parse_query

MOST_IDS = 1_000  # of a history or an exclusion
MOST_NAMED = 10  # of ids that are not known


@dataclass(frozen=True)
class ParsedRequest:
    """What is asked for; `notes`: what was understood of it, or could not be."""

    request: ItemRequest
    notes: tuple[str, ...]


def parse_request(
    recommender: RecommendationSkill,
    user: str | None,
    history: Sequence[str],
    query: str,
    filters: object,
    count: int | None,
    exclude: Sequence[str],
) -> ParsedRequest:
    """Put together what is asked for. Raises UsageError for what is too long, or filters that the catalogue cannot
    take."""
    if len(query) > MAX_TEXT_LENGTH:
        raise UsageError(f"Expected a query of at most {MAX_TEXT_LENGTH:,} characters, found {len(query):,}.")
    if max(len(history), len(exclude)) > MOST_IDS:
        raise UsageError(f"Expected at most {MOST_IDS:,} ids, found {max(len(history), len(exclude)):,}.")
    catalogue = recommender.catalogue
    parsed_query = parse_query(query, catalogue) if query.strip() else None
    notes = [*_unknown_user(recommender, user), *_unknown_items(recommender, history, exclude)]
    if parsed_query is not None:
        notes += recommender.notes_on(parsed_query)
    if parsed_query is not None and parsed_query.problem:
        notes.append(parsed_query.problem)
    request = ItemRequest(
        user=user,
        history=tuple(name for name in history if name in catalogue.position),
        query=parsed_query.free_text if parsed_query else "",
        filters=(*filters_from_json(filters, catalogue), *(parsed_query.filters if parsed_query else ())),
        count=count,
        exclude=tuple(exclude),
        like=parsed_query.like if parsed_query else (),
        unlike=parsed_query.unlike if parsed_query else (),
        order=parsed_query.order if parsed_query else None,
    )
    return ParsedRequest(request, tuple(notes))


def _unknown_user(recommender: RecommendationSkill, user: str | None) -> Iterator[str]:
    if user is not None and not recommender.live.knows(user):
        yield f"unknown user {quoted(user)}: answered as a stranger"


def _unknown_items(recommender: RecommendationSkill, history: Sequence[str], exclude: Sequence[str]) -> Iterator[str]:
    for place, names in (("the history", history), ("exclude", exclude)):
        unknown = [name for name in names if name not in recommender.catalogue.position]
        if unknown:
            yield f"unknown items in {place}, left out: {', '.join(unknown[:MOST_NAMED])}"
