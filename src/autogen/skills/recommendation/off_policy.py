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
from autogen.skills.recommendation.answering import RecommendationSkill
from autogen.skills.recommendation.exploration import Exploration
from autogen.skills.recommendation.item_request import ItemRequest
from autogen.skills.recommendation.point_in_time import PointInTimeRecommender
from autogen.storage.responses import StoredResponse
from autogen.tasks.recommendation.clicks import Click, likes
from autogen.tasks.recommendation.rows import read_clicks, set_aside
from autogen.versions.manifest import Manifest
from autogen.versions.off_policy import ExpectedClicks, Slots, difference, estimate

MOST_ANSWERS = 5_000  # the newest: each is answered again


@dataclass(frozen=True)
class LoggedAnswer:
    """One answer that chance had a hand in, what it was asked, and the items of it that were clicked."""

    response: StoredResponse
    request: ItemRequest
    propensities: tuple[float, ...]
    clicked: frozenset[str]

    @property
    def time(self) -> float:
        return self.response.created_at.timestamp()

    @property
    def set_aside(self) -> bool:
        return set_aside(self.response.id)


@dataclass(frozen=True)
class AnswerLog:
    """A skill's answers that chance had a hand in, in order of time, and all that people said of its items."""

    answers: tuple[LoggedAnswer, ...]
    clicks: tuple[Click, ...]

    def set_aside(self) -> AnswerLog:
        return replace(self, answers=tuple(answer for answer in self.answers if answer.set_aside)[-MOST_ANSWERS:])

    def unseen_by(self, manifest: Manifest) -> AnswerLog:
        """The answers that the version has learnt nothing from."""
        made_at = datetime.fromisoformat(manifest.feedback_until or manifest.created_at).timestamp()
        unseen = [answer for answer in self.answers if answer.set_aside or answer.time > made_at]
        return replace(self, answers=tuple(unseen)[-MOST_ANSWERS:])


def read_log(memory: Memory, skill: str) -> AnswerLog:
    """Raises StorageError."""
    clicked = _clicked(memory.feedback.all())
    answers = []
    for response in memory.responses.with_log(skill):
        exploration = Exploration.from_json(response.log or {})
        items = frozenset(name for name, _ in response.alternatives)
        request = ItemRequest.from_json(exploration.request)
        answers.append(LoggedAnswer(response, request, exploration.propensities, clicked[response.id] & items))
    return AnswerLog(tuple(sorted(answers, key=lambda answer: answer.time)), tuple(read_clicks(memory, skill)))


def _clicked(feedback: Sequence[Feedback]) -> defaultdict[str | None, frozenset[str]]:
    """The items that were clicked in each answer: what was said of one last counts, and once, whoever said it."""
    last: dict[tuple[str | None, str], bool] = {}
    for feedback_item in feedback:
        liked = likes(feedback_item)
        if feedback_item.label is not None and liked is not None:
            last[feedback_item.response_id, feedback_item.label] = liked
    clicked_items: defaultdict[str | None, frozenset[str]] = defaultdict(frozenset)
    for (response, item), liked in last.items():
        if liked:
            clicked_items[response] |= {item}
    return clicked_items


def slots_of(version: RecommendationSkill, log: AnswerLog) -> Slots:
    """What the version would have shown in each slot, at each answer's own time."""
    recommender = PointInTimeRecommender(version.live.model, log.clicks)
    shortlist = replace(version.shortlist, live=recommender) if version.shortlist else None
    skill_then = replace(version, live=recommender, shortlist=shortlist)
    slots: list[tuple[int, float, bool, bool]] = []
    for at, answer in enumerate(log.answers):
        recommender.move_to(answer.time)
        items = [name for name, _ in answer.response.alternatives]
        for item, chance, best_item in zip(items, answer.propensities, skill_then.best(answer.request), strict=False):
            slots.append((at, chance, item in answer.clicked, item == best_item))
    answer_numbers, propensities, was_clicked, same_item = zip(*slots, strict=True) if slots else ((), (), (), ())
    people = [answer.response.user or answer.response.conversation_id for answer in log.answers]
    person_numbers = {name: at for at, name in enumerate(dict.fromkeys(people))}
    return Slots(
        person=np.array([person_numbers[name] for name in people], np.int64),
        answer=np.array(answer_numbers, np.int64),
        propensity=np.array(propensities, np.float64),
        clicked=np.array(was_clicked, np.bool_),
        same=np.array(same_item, np.bool_),
    )


def compare_versions(candidate: RecommendationSkill, champion: RecommendationSkill, log: AnswerLog) -> ExpectedClicks:
    """Both on the same answers: those set aside, which neither has learnt from."""
    unseen_log = log.set_aside()
    candidate_slots, champion_slots = slots_of(candidate, unseen_log), slots_of(champion, unseen_log)
    return ExpectedClicks(
        estimate(candidate_slots), estimate(champion_slots), difference(candidate_slots, champion_slots)
    )


def evaluation_json(version: Any, log: AnswerLog) -> dict[str, Any]:
    """How often the answers of the version, a `RecommendationSkill`, would have been clicked, and beside it how
    often they were, as they were shown."""
    clicks = sum(len(answer.clicked) for answer in log.answers) / max(len(log.answers), 1)
    return {**estimate(slots_of(version, log)).to_json(), "logged_clicks_per_answer": clicks}
