"""From what a request says to what a recommender is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autogen.errors import UsageError
from autogen.feedback.events import MAX_TEXT_LENGTH
from autogen.knowledge.catalogue import Catalogue
from autogen.knowledge.filters import filters_from_json
from autogen.skills.recommendation import Wanted
from autogen.skills.wishes import read_wish

MOST_IDS = 1_000  # of a history or an exclusion


@dataclass(frozen=True)
class Asked:
    """`notes`: what was understood, or could not be."""

    wanted: Wanted
    notes: tuple[str, ...]


def wanted(
    catalogue: Catalogue,
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
    wish = read_wish(query, catalogue) if query.strip() else None
    unknown = [name for name in history if name not in catalogue.position]
    notes = [f"unknown items in the history, left out: {', '.join(unknown[:10])}"] if unknown else []
    if wish is not None and (wish.filters or wish.like or wish.unlike):
        notes.append(f"understood: {wish.describe()}")
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
    )
    return Asked(asked, tuple(notes))
