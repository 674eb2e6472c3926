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
class ClickCounts:
    """What was counted so far: of each user and day how much, and which items."""

    known: set[tuple[str, str, int, bool]] = field(default_factory=set)
    of_day: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))


def clicks_from_feedback(
    feedback: Sequence[Feedback], who: Mapping[str, str], counts: ClickCounts | None = None
) -> list[Click]:
    """Feedback that names an item and says something of it, the oldest first, once for each user, item and day, and no
    user's flood. `who`: the user behind each feedback, by its id. `counts`: what earlier calls have let pass."""
    counts = counts or ClickCounts()
    known, of_day = counts.known, counts.of_day
    result = []
    for entry in feedback:
        liked = likes(entry)
        if entry.label is None or liked is None or entry.id not in who:
            continue
        user, when = who[entry.id], entry.created_at.timestamp()
        day = int(when // DAY)
        if (user, entry.label, day, liked) in known or of_day[user, day] >= MOST_A_DAY:
            continue
        known.add((user, entry.label, day, liked))
        of_day[user, day] += 1
        result.append(Click(user, entry.label, when, liked, entry.id, entry.response_id))
    return result


def likes(feedback: Feedback) -> bool | None:
    """Whether the item that it names is liked; None where it says neither."""
    if feedback.rating is None or feedback.rating >= LIKES:
        return True
    return False if feedback.rating <= DISLIKES else None


def current_likes(clicks: Sequence[Click]) -> list[Click]:
    """The likes of items that the same user has not turned down since."""
    last = {(click.user, click.item): click.liked for click in clicks}
    return [click for click in clicks if click.liked and last[click.user, click.item]]
