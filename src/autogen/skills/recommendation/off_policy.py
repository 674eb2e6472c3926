"""Another version on the answers that were given: what it would have shown, and how many clicks that would have got.

Used are answers that chance had a hand in and that the version has not learnt from: those set aside as a whole, and
those given after it was made. Which these are does not depend on what was clicked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from autogen.feedback.events import Feedback
from autogen.feedback.memory import Memory
from autogen.skills.recommendation.answering import Recommendations
from autogen.skills.recommendation.exploration import Exploration
from autogen.skills.recommendation.past import PastRecommender
from autogen.skills.recommendation.request import Wanted
from autogen.storage.responses import StoredResponse
from autogen.tasks.recommendation.clicks import Click, likes
from autogen.tasks.recommendation.rows import said_of, set_aside
from autogen.versions.manifest import Manifest
from autogen.versions.off_policy import ExpectedClicks, Slots, difference, estimate

MOST_ANSWERS = 5_000  # the newest: each is answered again


@dataclass(frozen=True)
class Logged:
    """One answer that chance had a hand in, what it was asked, and the items of it that were clicked."""

    response: StoredResponse
    wanted: Wanted
    propensities: tuple[float, ...]
    clicked: frozenset[str]

    @property
    def time(self) -> float:
        return self.response.created_at.timestamp()

    @property
    def set_aside(self) -> bool:
        return set_aside(self.response.id)


@dataclass(frozen=True)
class Log:
    """A skill's answers that chance had a hand in, in order of time, and all that people said of its items."""

    answers: tuple[Logged, ...]
    said: tuple[Click, ...]

    def set_aside(self) -> Log:
        return replace(self, answers=tuple(one for one in self.answers if one.set_aside)[-MOST_ANSWERS:])

    def unseen_by(self, manifest: Manifest) -> Log:
        """The answers that the version has learnt nothing from."""
        made_at = datetime.fromisoformat(manifest.feedback_until or manifest.created_at).timestamp()
        unseen = [one for one in self.answers if one.set_aside or one.time > made_at]
        return replace(self, answers=tuple(unseen)[-MOST_ANSWERS:])


def read_log(memory: Memory, skill: str) -> Log:
    """Raises StorageError."""
    clicked = _clicked(memory.feedback.all())
    answers = []
    for one in memory.responses.with_log(skill):
        exploration = Exploration.from_json(one.log or {})
        shown = frozenset(name for name, _ in one.alternatives)
        wanted = Wanted.from_json(exploration.asked)
        answers.append(Logged(one, wanted, exploration.propensities, clicked[one.id] & shown))
    return Log(tuple(sorted(answers, key=lambda one: one.time)), tuple(said_of(memory, skill)))


def _clicked(feedback: Sequence[Feedback]) -> defaultdict[str | None, frozenset[str]]:
    """The items that were clicked in each answer: what was said of one last counts, and once, whoever said it."""
    last: dict[tuple[str | None, str], bool] = {}
    for one in feedback:
        liked = likes(one)
        if one.label is not None and liked is not None:
            last[one.response_id, one.label] = liked
    found: defaultdict[str | None, frozenset[str]] = defaultdict(frozenset)
    for (response, item), liked in last.items():
        if liked:
            found[response] |= {item}
    return found


def slots_of(version: Recommendations, log: Log) -> Slots:
    """What the version would have shown in each slot, at each answer's own time."""
    past = PastRecommender(version.live.model, log.said)
    shortlist = replace(version.shortlist, live=past) if version.shortlist else None
    then = replace(version, live=past, shortlist=shortlist)
    found: list[tuple[int, float, bool, bool]] = []
    for at, one in enumerate(log.answers):
        past.move_to(one.time)
        shown = [name for name, _ in one.response.alternatives]
        for item, chance, mine in zip(shown, one.propensities, then.best(one.wanted), strict=False):
            found.append((at, chance, item in one.clicked, item == mine))
    answer, propensity, clicked, same = zip(*found, strict=True) if found else ((), (), (), ())
    people = [one.response.user or one.response.conversation_id for one in log.answers]
    number = {name: at for at, name in enumerate(dict.fromkeys(people))}
    return Slots(
        person=np.array([number[name] for name in people], np.int64),
        answer=np.array(answer, np.int64),
        propensity=np.array(propensity, np.float64),
        clicked=np.array(clicked, np.bool_),
        same=np.array(same, np.bool_),
    )


def compared(candidate: Recommendations, champion: Recommendations, log: Log) -> ExpectedClicks:
    """Both on the same answers: those set aside, which neither has learnt from."""
    aside = log.set_aside()
    now, was = slots_of(candidate, aside), slots_of(champion, aside)
    return ExpectedClicks(estimate(now), estimate(was), difference(now, was))


def evaluation_json(version: Any, log: Log) -> dict[str, Any]:
    """What the version, a `Recommendations`, would have been clicked, and beside it what the answers were, as they were
    shown."""
    clicks = sum(len(one.clicked) for one in log.answers) / max(len(log.answers), 1)
    return {**estimate(slots_of(version, log)).to_json(), "logged_clicks_per_answer": clicks}
