"""From what a request says to what a recommender is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from autogen.data.problems import quoted
from autogen.errors import UsageError
from autogen.feedback.events import MAX_TEXT_LENGTH
from autogen.knowledge.filters import filters_from_json
from autogen.skills.recommendation.answering import Recommendations
from autogen.skills.recommendation.request import Wanted
from autogen.skills.recommendation.wishes.reader import read_wish

MOST_IDS = 1_000  # of a history or an exclusion
MOST_NAMED = 10  # of ids that are not known


@dataclass(frozen=True)
class Asked:
    """`notes`: what was understood, or could not be."""

    wanted: Wanted
    notes: tuple[str, ...]


def wanted(
    recommender: Recommendations,
    user: str | None,
    history: Sequence[str],
    query: str,
    filters: object,
    count: int | None,
    exclude: Sequence[str],
) -> Asked:
    """Raises UsageError for what is too long, or filters that the catalogue cannot take."""
    if len(query) > MAX_TEXT_LENGTH:
        raise UsageError(f"Expected a query of at most {MAX_TEXT_LENGTH:,} characters, found {len(query):,}.")
    if max(len(history), len(exclude)) > MOST_IDS:
        raise UsageError(f"Expected at most {MOST_IDS:,} ids, found {max(len(history), len(exclude)):,}.")
    catalogue = recommender.catalogue
    wish = read_wish(query, catalogue) if query.strip() else None
    notes = [*_unknown_user(recommender, user), *_unknown_items(recommender, history, exclude)]
    if wish is not None:
        notes += recommender.notes_on(wish)
    if wish is not None and wish.problem:
        notes.append(wish.problem)
    asked = Wanted(
        user=user,
        history=tuple(name for name in history if name in catalogue.position),
        query=wish.query if wish else "",
        filters=(*filters_from_json(filters, catalogue), *(wish.filters if wish else ())),
        count=count,
        exclude=tuple(exclude),
        like=wish.like if wish else (),
        unlike=wish.unlike if wish else (),
        order=wish.order if wish else None,
    )
    return Asked(asked, tuple(notes))


def _unknown_user(recommender: Recommendations, user: str | None) -> Iterator[str]:
    if user is not None and not recommender.live.knows(user):
        yield f"unknown user {quoted(user)}: answered as a stranger"


def _unknown_items(recommender: Recommendations, history: Sequence[str], exclude: Sequence[str]) -> Iterator[str]:
    for place, names in (("the history", history), ("exclude", exclude)):
        unknown = [name for name in names if name not in recommender.catalogue.position]
        if unknown:
            yield f"unknown items in {place}, left out: {', '.join(unknown[:MOST_NAMED])}"
