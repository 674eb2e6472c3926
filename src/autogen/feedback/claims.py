"""What feedback claims, how far whoever says it is believed, and how much one source may say.

A claim's moment is when it was made, in order of arrival: clocks tie and go back, and an older opinion must not win.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from autogen.feedback.curated import CurationPolicy
from autogen.feedback.events import Decision, Feedback

INDEPENDENT = 2
"""Users who are vouched for and say the same: they teach it where such users are trusted."""

Corrects = Callable[[Feedback], bool]
Moment = tuple[int, int]
"""The number of the last feedback there was, and of the decision, which comes after it."""


class Trust(IntEnum):
    """`STRANGER`: anybody, under any name; `VOUCHED`: a user whom somebody known vouches for."""

    STRANGER = 0
    VOUCHED = 1
    OWNER = 2
    REVIEWED = 3


def trust_in(feedback: Feedback, decision: Decision | None) -> Trust:
    """How far it is believed; a review counts whatever came before it."""
    if decision is not None:
        return Trust.REVIEWED
    if feedback.trusted:
        return Trust.OWNER
    return Trust.VOUCHED if feedback.vouched and feedback.user else Trust.STRANGER


def count_by_trust(
    feedback: Sequence[Feedback], decisions: Mapping[str, Decision], ids: Collection[str]
) -> dict[str, int]:
    """How many of these are the owner's, were reviewed, are of users who are vouched for, and of strangers, by these
    names; the last two were learnt unseen."""
    counts = dict.fromkeys((trust.name.lower() for trust in reversed(Trust)), 0)
    for item in feedback:
        if item.id in ids:
            counts[trust_in(item, decisions.get(item.id)).name.lower()] += 1
    return counts


def is_excluded(feedback: Feedback, decision: Decision | None, policy: CurationPolicy) -> bool:
    """Whether the owner alone teaches, and it is another's."""
    return policy.learn_from == "owner" and trust_in(feedback, decision) < Trust.OWNER


def moment_of(feedback: Feedback, decision: Decision | None) -> Moment:
    """When it was said, or decided, in order of arrival."""
    return (feedback.number, 0) if decision is None else (decision.feedback_until, decision.number)


@dataclass(frozen=True, slots=True)
class Claim:
    """What one feedback says a text means."""

    feedback: Feedback
    key: str  # the normalised text
    label: str
    trust: Trust
    decision: Decision | None

    @property
    def moment(self) -> Moment:
        return moment_of(self.feedback, self.decision)


def find_superseded(feedback: Sequence[Feedback], decisions: Mapping[str, Decision], corrects: Corrects) -> set[str]:
    """Ids of verdicts that the same person replaced: a thumb by its other side, or by what `corrects`. `feedback` is in
    order of arrival."""
    verdicts: dict[tuple[str, str | None, bool, bool], list[Feedback]] = defaultdict(list)
    for item in feedback:
        has_verdict = item.rating is not None or corrects(item)
        if has_verdict and item.response_id is not None and item.id not in decisions:
            verdicts[item.response_id, item.user, item.trusted, item.vouched].append(item)
    superseded_ids: set[str] = set()
    for items in verdicts.values():
        final = max(reversed(items), key=corrects)  # the last of those that correct, else the last
        superseded_ids.update(item.id for item in items if item is not final)
    return superseded_ids


class SourceLimits:
    """How much each source may teach unreviewed: absolute, so that no padding raises it. Only what the owner says under
    no other name is unlimited. Those without a name are one source, and all names that nobody vouches for are, besides,
    bounded together: inventing one costs nothing."""

    def __init__(self, policy: CurationPolicy) -> None:
        self._policy = policy
        self._by_source: Counter[tuple[str | None, bool]] = Counter()
        self._unvouched = 0

    def excess(self, feedback: Feedback, trust: Trust) -> str | None:
        """Count one more that teaches; why it is too much, in words, or None."""
        if trust is Trust.REVIEWED or (trust is Trust.OWNER and feedback.user is None):
            return None
        known = trust is not Trust.STRANGER
        self._by_source[feedback.user, known] += 1
        self._unvouched += not known
        subject = f'"{feedback.user}"' if feedback.user else "People without a name"
        if self._by_source[feedback.user, known] > self._policy.source_rows:
            return f"{subject} gave more than {self._policy.source_rows} corrections: is this one right?"
        if not known and self._unvouched > self._policy.unvouched_rows:
            return (
                f"People whom nobody vouches for gave more than {self._policy.unvouched_rows} corrections: is this one "
                "right?"
            )
        return None


def agreeing_users(feedback: Iterable[Feedback]) -> set[str]:
    """The different users among them whom somebody known vouches for."""
    return {item.user for item in feedback if item.vouched and item.user}
