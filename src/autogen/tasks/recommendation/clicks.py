"""Feedback on items as clicks: what people liked and turned down, and what stands of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from autogen.feedback.events import Feedback

LIKES = 0.5  # the rating from which feedback on an item is a click


DISLIKES = 0.0  # the rating that says "not interested"; those between say neither: a short look, say


MOST_A_DAY = 100  # clicks of one user that count: a flood is not a trend


DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Click:
    """What one person said of one item they were shown: liked it (a click, a high rating), or is not interested."""

    user: str
    item: str
    time: float  # Unix seconds
    liked: bool
    feedback: str  # its id
    answer: str | None = None  # the id of the response that showed it


@dataclass
class Counted:
    """What was counted so far: of each user and day how much, and which items."""

    known: set[tuple[str, str, int, bool]] = field(default_factory=set)
    of_day: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))


def clicks(feedback: Sequence[Feedback], who: Mapping[str, str], counted: Counted | None = None) -> list[Click]:
    """Feedback that names an item and says something of it, the oldest first, once for each user, item and day, and no
    user's flood. `who`: the user behind each feedback, by its id. `counted`: what earlier calls have let pass."""
    counted = counted or Counted()
    known, of_day = counted.known, counted.of_day
    found = []
    for one in feedback:
        liked = likes(one)
        if one.label is None or liked is None or one.id not in who:
            continue
        user, when = who[one.id], one.created_at.timestamp()
        day = int(when // DAY)
        if (user, one.label, day, liked) in known or of_day[user, day] >= MOST_A_DAY:
            continue
        known.add((user, one.label, day, liked))
        of_day[user, day] += 1
        found.append(Click(user, one.label, when, liked, one.id, one.response_id))
    return found


def likes(said: Feedback) -> bool | None:
    """Whether the item that it names is liked; None where it says neither."""
    if said.rating is None or said.rating >= LIKES:
        return True
    return False if said.rating <= DISLIKES else None


def standing(found: Sequence[Click]) -> list[Click]:
    """The likes of items that the same user has not turned down since."""
    last = {(one.user, one.item): one.liked for one in found}
    return [one for one in found if one.liked and last[one.user, one.item]]
