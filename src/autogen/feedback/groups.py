"""What waits, in groups that a person decides at a stroke, each with the signs that speak against it.

What looks alike to a reviewer goes together: corrections that share a phrase, propose one new label, move one label's
rows to another, or let one label gain; of those that show no such sign, the ones that agree with the champion, that it
holds likely, and that it does not. One busy source is kept apart from the rest.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

from autogen.errors import UsageError
from autogen.feedback.curated import Curation, WaitingFeedback
from autogen.feedback.entities import EntitySpan
from autogen.feedback.events import Feedback, Verdict
from autogen.feedback.evidence import FEWEST, Flows, SharedPhrase, find_shared_phrases
from autogen.feedback.review import ReviewItem, review_item, review_items

BUSY = 20  # rows of one source that are a group of their own
GAINING = 10  # rows by which a label gains, and
ONE_SIDED = 5  # times what it loses, before that is a sign
LIKELY = 2  # of the champion's other labels, that a correction is plausible with
BURST = timedelta(minutes=10)
EXAMPLES = 3
PREFIX = "group-"


@dataclass(frozen=True, slots=True)
class ReviewGroup:
    """Rows to decide together. `proposed_label` and `champion_says` where all have the same; `id` is of these very
    rows, so that nothing is decided that was not shown."""

    title: str
    items: tuple[ReviewItem, ...]
    evidence: tuple[str, ...]

    @property
    def id(self) -> str:
        names = "\n".join(sorted(item.feedback_id for item in self.items))
        return f"{PREFIX}{sha256(names.encode()).hexdigest()[:10]}"

    @property
    def proposed_label(self) -> str | None:
        return _same(item.proposed_label for item in self.items)

    @property
    def champion_says(self) -> str | None:
        return _same(item.champion_says for item in self.items)

    @property
    def examples(self) -> tuple[str, ...]:
        """A few of the texts, spread over the group."""
        step = max(1, len(self.items) // EXAMPLES)
        return tuple(item.text for item in self.items[::step][:EXAMPLES])

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "title": self.title,
            "rows": len(self.items),
            "reasons": dict(Counter(item.reason for item in self.items)),
            "proposed_label": self.proposed_label,
            "champion_says": self.champion_says,
            "users": dict(Counter(item.user or "" for item in self.items).most_common(10)),
            "evidence": list(self.evidence),
            "examples": list(self.examples),
            "feedback": [item.feedback_id for item in self.items],
        }


@dataclass(frozen=True, slots=True)
class ReviewQueue:
    """All that waits for a person, one by one and in groups, and the corrections of held-out rows, which teach
    nothing."""

    items: tuple[ReviewItem, ...]
    groups: tuple[ReviewGroup, ...]
    corrections_of_eval_rows: tuple[Feedback, ...]

    @classmethod
    def of(cls, curations: Sequence[Curation]) -> ReviewQueue:
        return cls(
            tuple(item for curation in curations for item in review_items(curation)),
            tuple(group for curation in curations for group in group_waiting(curation)),
            tuple(item for curation in curations for item in curation.corrections_of_eval_rows),
        )

    def group(self, group_id: str) -> ReviewGroup:
        """Raises UsageError."""
        for group in self.groups:
            if group.id == group_id:
                return group
        raise UsageError(
            f'No group that waits has the id "{group_id}": what is in it may have been decided, or more has come '
            "since. `autogen review` shows the groups as they are now."
        )

    def ids_of(self, group_id: str) -> tuple[str, ...]:
        """The feedback in a group. Raises UsageError."""
        return tuple(item.feedback_id for item in self.group(group_id).items)


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person decides about a feedback, or about all of a group, with the right label or entities."""

    id: str
    decision: Verdict
    label: str | None = None
    entities: Sequence[EntitySpan] | None = None

    @property
    def of_group(self) -> bool:
        return self.id.startswith(PREFIX)


@dataclass(frozen=True, slots=True)
class _Member:
    """One row that waits; `source`: the user, where one gave so many that they stand apart."""

    waiting: WaitingFeedback
    source: str | None
    phrase: SharedPhrase | None

    @property
    def champion(self) -> str | None:
        assessment = self.waiting.assessment
        return None if assessment is None or assessment.entities is not None else assessment.label


def group_waiting(curation: Curation) -> tuple[ReviewGroup, ...]:
    """All that waits and has not been decided, each row in one group, the largest first."""
    waiting = [item for item in curation.waiting if not item.decided]
    labelled = [(at, item.proposed) for at, item in enumerate(waiting) if item.proposed is not None]
    phrases = find_shared_phrases([(waiting[at].feedback.message, label) for at, label in labelled], curation.trusted)
    phrase_at = {labelled[place][0]: phrase for place, phrase in phrases.items()}
    busy = {user for user, rows in Counter(item.feedback.user for item in waiting).items() if rows >= BUSY}
    members = [_Member(item, _source_apart(item, busy), phrase_at.get(at)) for at, item in enumerate(waiting)]
    flows = Flows.of([(m.champion, m.waiting.proposed) for m in members if m.champion and m.waiting.proposed])
    new_labels = Counter(item.proposed for item in waiting if item.reason == "new-label")
    by_title: dict[tuple[str, str | None], list[_Member]] = defaultdict(list)
    for member in members:
        by_title[_title(member, flows, new_labels), member.source].append(member)
    groups = [_group(title, own, flows, len(waiting)) for (title, _), own in by_title.items()]
    return tuple(sorted(groups, key=lambda group: (-len(group.items), group.title, group.id)))


def _source_apart(waiting: WaitingFeedback, busy: Collection[str | None]) -> str | None:
    """The user, where one gave so many. What was left out together stays together."""
    user = waiting.feedback.user
    return user if user in busy and waiting.left_out is None else None


def _title(member: _Member, flows: Flows, new_labels: Mapping[str | None, int]) -> str:
    """What those that look like this one have in common: the surest sign comes first."""
    waiting, label = member.waiting, member.waiting.proposed
    if waiting.left_out is not None:
        return f"left out of version {waiting.left_out.version}: {waiting.left_out.part}"
    if label is None:
        return waiting.reason
    if member.phrase is not None:
        return f'"{label}", all with "{member.phrase.words}"'
    if waiting.reason == "new-label":
        return f'a new label, "{label}"' if new_labels[label] >= FEWEST else "new labels with few rows"
    if member.champion is None:
        return waiting.reason
    return _title_of_move(member, member.champion, label, flows)


def _title_of_move(member: _Member, champion: str, label: str, flows: Flows) -> str:
    assessment = member.waiting.assessment
    if assessment is not None and not assessment.in_scope:
        return "far from anything known"
    if champion == label:
        return "as the champion answers"
    if flows.pairs[champion, label] >= FEWEST:
        return f'from "{champion}" to "{label}"'
    if _gains(label, flows):
        return f'to "{label}", from many labels'
    likely = assessment is not None and label in assessment.alternatives[:LIKELY]
    return "what the champion holds likely too" if likely else "what the champion does not expect"


def _gains(label: str, flows: Flows) -> bool:
    return flows.gained(label) >= max(GAINING, ONE_SIDED * flows.lost(label))


def _group(title: str, members: Sequence[_Member], flows: Flows, total: int) -> ReviewGroup:
    source = members[0].source
    items = tuple(review_item(member.waiting) for member in members)
    name = title if source is None else f"{title}, by {source}"
    return ReviewGroup(name, items, tuple(_evidence(members, flows, total)))


def _evidence(members: Sequence[_Member], flows: Flows, total: int) -> list[str]:
    lines = []
    phrase, source, left_out = members[0].phrase, members[0].source, members[0].waiting.left_out
    if left_out is not None:
        lines.append(left_out.evidence)
    if phrase is not None and left_out is None:
        lines.append(
            f'{phrase.rows} of the {phrase.label_rows} rows that propose "{phrase.label}" have "{phrase.words}", as '
            f"have {phrase.trusted} trusted rows."
        )
    champion, label = _same(member.champion for member in members), _same(m.waiting.proposed for m in members)
    if champion and label and flows.pairs.get((champion, label), 0) >= FEWEST:
        there, back = flows.pairs[champion, label], flows.pairs.get((label, champion), 0)
        lines.append(f'{there} rows go from "{champion}" to "{label}", {back} the other way.')
    if label and _gains(label, flows):
        lines.append(
            f'"{label}" gains {flows.gained(label)} rows from {flows.sources(label)} labels and loses '
            f"{flows.lost(label)}."
        )
    if source is not None:
        lines.append(f'"{source}" gave {len(members)} of the {total} rows that wait.')
    unvouched = sum(not member.waiting.feedback.vouched and not member.waiting.feedback.trusted for member in members)
    if unvouched:
        lines.append(f"Nobody vouches for who gave {unvouched} of the {len(members)}.")
    burst = _largest_burst(members)
    if burst >= BUSY:
        lines.append(f"{burst} of them came within {BURST.seconds // 60} minutes.")
    return lines


def _largest_burst(members: Sequence[_Member]) -> int:
    """The most that came over the wire within a short time; a file's rows come at once by nature."""
    times = sorted(m.waiting.feedback.created_at for m in members if m.waiting.feedback.source != "import")
    first = largest = 0
    for last, moment in enumerate(times):
        while moment - times[first] > BURST:
            first += 1
        largest = max(largest, last - first + 1)
    return largest


def _same(values: Iterable[str | None]) -> str | None:
    """The value, where all are the same."""
    different = set(values)
    return different.pop() if len(different) == 1 else None
