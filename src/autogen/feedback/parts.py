"""The parts of a batch of feedback that may have brought harm: who gave it, how it came, what it says, and what it
looks like to a reviewer (`groups`). A row is in several."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from autogen.feedback.curated import CuratedExample, Curation
from autogen.feedback.events import Feedback
from autogen.feedback.evidence import FEWEST
from autogen.feedback.groups import ReviewGroup, group_waiting


@dataclass(frozen=True, slots=True)
class Part:
    """Examples that have something in common, which `title` says: their texts, and the feedback behind them."""

    title: str
    texts: frozenset[str]
    feedback: frozenset[str]


def split_batch(
    examples: Sequence[CuratedExample], feedback: Mapping[str, Feedback], groups: Sequence[ReviewGroup]
) -> list[Part]:
    """Every part of a few rows or more, each set of rows once. `feedback`: by id; `groups`: the same rows as a reviewer
    would be shown them."""
    titles = {item.feedback_id: group.title for group in groups for item in group.items}
    members: dict[str, list[CuratedExample]] = defaultdict(list)
    for example in examples:
        behind = [feedback[feedback_id] for feedback_id in example.feedback_ids]
        for title in _titles(example, behind, titles):
            members[title].append(example)
    parts: dict[frozenset[str], Part] = {}
    for title, own in members.items():
        texts = frozenset(example.text for example in own)
        if len(own) >= FEWEST:
            ids = frozenset(feedback_id for example in own for feedback_id in example.feedback_ids)
            parts.setdefault(texts, Part(title, texts, ids))
    return list(parts.values())


def _titles(example: CuratedExample, behind: Sequence[Feedback], groups: Mapping[str, str]) -> list[str]:
    """Of the parts that it is in: those that hold for all of the feedback behind it."""
    users, sources = {item.user for item in behind}, {item.source for item in behind}
    by_group = {groups[item.id] for item in behind if item.id in groups}
    titles = []
    if len(users) == 1:
        user = users.pop()
        titles.append("without a name" if user is None else f"all by {user}")
    if len(by_group) == 1:
        titles.append(by_group.pop())
    titles.append(f'all as "{example.label}"')
    if len(sources) == 1:
        titles.append(f"all that came by {sources.pop()}")
    return titles


def groups_of(curation: Curation, feedback_ids: Collection[str]) -> tuple[ReviewGroup, ...]:
    """How a reviewer would be shown this feedback. `curation`: of all feedback, this left out of it."""
    waiting = (replace(item, left_out=None) for item in curation.waiting if item.feedback.id in feedback_ids)
    return group_waiting(replace(curation, waiting=tuple(waiting)))
