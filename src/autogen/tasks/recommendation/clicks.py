"""Feedback on items as clicks: what people liked and turned down, what stands of it, and how far whoever says it is
believed.

A click counts for an item that the answer showed, once. Of a stranger it moves the answers of that conversation alone;
of a user who is vouched for, that user's own, and what everybody is shown as far as `admission` lets it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum

from autogen.config.project import LearnFrom
from autogen.data.names import plain_name
from autogen.feedback.events import Decision, Feedback
from autogen.storage.responses import OfferedNames

LIKES = 0.5  # the rating from which feedback on an item is a click
DISLIKES = 0.0  # the rating that says "not interested"; those between say neither: a short look, say
CONVERSATION = "conversation "
MOST_A_DAY = 100  # clicks of one user that count: a flood is not a trend
DAY = 86_400.0

_Key = tuple[str | None, "Standing", str, int | None, bool]  # of a user and day, or of a response without a day


class Standing(IntEnum):
    """Who says it: anybody, under any name; a user whom somebody known vouches for; the owner, a file of the owner's,
    or anybody once a person has reviewed it."""

    STRANGER = 0
    VOUCHED = 1
    OWNER = 2


def teaches(standing: Standing, learn_from: LearnFrom) -> bool:
    """Whether such clicks may move what everybody is shown, and be learnt; how far is for `admission` to say."""
    if learn_from == "owner":
        return standing is Standing.OWNER
    return standing is not Standing.STRANGER or learn_from == "everyone"


@dataclass(frozen=True, slots=True)
class Click:
    """What one person said of one item they were shown: liked it (a click, a high rating), or is not interested.
    `user`: of a stranger, the conversation."""

    user: str
    item: str
    time: float  # Unix seconds
    liked: bool
    feedback: str  # its id
    answer: str | None = None  # the id of the response that showed it
    standing: Standing = Standing.OWNER

    @property
    def learner(self) -> str:
        """Under which name it is learnt: a conversation may be called like a user, and is not that user."""
        return f"{CONVERSATION}{self.user}" if self.standing is Standing.STRANGER else self.user


@dataclass
class ClickCounts:
    """What was counted so far: of each user and day how much and which items, and of each response which items."""

    known: set[_Key] = field(default_factory=set)
    of_day: dict[tuple[str, Standing, int], int] = field(default_factory=lambda: defaultdict(int))


def clicks_from_feedback(
    feedback: Sequence[Feedback],
    who: Mapping[str, str],
    offered: Mapping[str, OfferedNames],
    counts: ClickCounts | None = None,
) -> list[Click]:
    """Feedback that names an item which its response showed and says something of it, in order of arrival: once for
    each response and item, once for each user, item and day, and no user's flood. The owner's counts for any item.
    `who`: the user behind each feedback, by its id; `offered`: what each response showed, by its id; `counts`: what
    earlier calls have let pass."""
    counts = counts or ClickCounts()
    result = []
    for entry in feedback:
        liked, standing = likes(entry), standing_of(entry)
        user = _clicking_user(entry, standing, who, offered)
        if entry.label is None or liked is None or user is None:
            continue
        user, item = plain_name(user), plain_name(entry.label)
        when = entry.created_at.timestamp()
        day = int(when // DAY)
        keys: set[_Key] = {(user, standing, item, day, liked)}
        if entry.response_id in offered:
            keys.add((entry.response_id, standing, item, None, liked))
        if keys & counts.known or counts.of_day[user, standing, day] >= MOST_A_DAY:
            continue
        counts.known |= keys
        counts.of_day[user, standing, day] += 1
        result.append(Click(user, item, when, liked, entry.id, entry.response_id, standing))
    return result


def standing_of(feedback: Feedback) -> Standing:
    """How far whoever says it is believed."""
    if feedback.trusted or feedback.source == "import":
        return Standing.OWNER
    return Standing.VOUCHED if feedback.vouched and feedback.user else Standing.STRANGER


def _clicking_user(
    feedback: Feedback, standing: Standing, who: Mapping[str, str], offered: Mapping[str, OfferedNames]
) -> str | None:
    """Whose click it is; None where it is nobody's, or on what the response did not show."""
    if standing is Standing.OWNER:
        return who.get(feedback.id)
    response = offered.get(feedback.response_id or "")
    if response is None or feedback.label not in response.names:
        return None
    return feedback.user if standing is Standing.VOUCHED else response.conversation_id


def apply_reviews(feedback: Sequence[Feedback], decisions: Mapping[str, Decision]) -> list[Feedback]:
    """The feedback as a person has decided on it: what was accepted or relabelled is the owner's, what was dropped is
    left out."""
    result = []
    for entry in feedback:
        decision = decisions.get(entry.id)
        if decision is None:
            result.append(entry)
        elif decision.decision != "drop":
            result.append(replace(entry, label=decision.label or entry.label, trusted=True))
    return result


def likes(feedback: Feedback) -> bool | None:
    """Whether the item that it names is liked; None where it says neither."""
    if feedback.rating is None or feedback.rating >= LIKES:
        return True
    return False if feedback.rating <= DISLIKES else None


def current_likes(clicks: Sequence[Click]) -> list[Click]:
    """The likes of items that the same user has not turned down since."""
    last = {(click.learner, click.item): click.liked for click in clicks}
    return [click for click in clicks if click.liked and last[click.learner, click.item]]
