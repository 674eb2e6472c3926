"""Which feedback becomes examples, and how: owners are believed, strangers checked, review decides.

Pure: feedback and decisions in, exactly one place for each feedback out, so nothing is lost. Give it all of a
project's feedback each time, not only the new: what was learnt is then recognised as known, and a flood does
not become a trickle.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from hashlib import sha256
from typing import Literal

from autogen.config.settings import RESERVED_LABEL
from autogen.data.text import normalise
from autogen.errors import did_you_mean
from autogen.feedback.entities import EntitySpan
from autogen.feedback.events import Decision, Feedback

KEPT_FOR_TRAINING = 4  # rows: the first of a label that only feedback teaches, whatever share is set aside

WaitingReason = Literal[
    "down-rated",
    "better-answer",
    "conflict",
    "conflicts-with-training",
    "flood",
    "out-of-scope",
    "likely-error",
    "new-label",
    "untrusted",
    "bad-entities",
]
Corrects = Callable[[Feedback], bool]
IgnoredReason = Literal["dropped", "evaluation-row", "already-known", "superseded", "overruled", "nothing-to-learn"]


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the champion makes of a text. `in_scope` is false for a text far from anything it knows."""

    label: str
    confidence: float
    in_scope: bool
    entities: tuple[EntitySpan, ...] | None = None  # where these are what the champion answers with


@dataclass(frozen=True, slots=True)
class CurationPolicy:
    """How careful to be. Shares and `sure` are in 0–1.

    `eval_share` is set aside for evaluation; a new label needs `new_label_rows`; one untrusted user may give
    `flood_rows` or `flood_share` of all feedback, whichever is more; from the confidence `sure` on, the
    champion is believed rather than a stranger.
    """

    eval_share: float = 0.2
    new_label_rows: int = 5
    flood_rows: int = 50
    flood_share: float = 0.5
    sure: float = 0.9


@dataclass(frozen=True, slots=True)
class CuratedExample:
    """A text, its label ("" where entities are learnt), and the feedback behind it. `replaces`: a train row."""

    text: str
    label: str
    feedback_ids: tuple[str, ...]
    users: tuple[str, ...]
    trusted: bool
    replaces: bool = False
    entities: tuple[EntitySpan, ...] | None = None


@dataclass(frozen=True, slots=True)
class WaitingFeedback:
    """Feedback that a person should look at; `proposed` is the label it would teach."""

    feedback: Feedback
    reason: WaitingReason
    explanation: str
    proposed: str | None = None
    assessment: Assessment | None = None
    decided: bool = False


@dataclass(frozen=True, slots=True)
class IgnoredFeedback:
    feedback: Feedback
    reason: IgnoredReason


@dataclass(frozen=True, slots=True)
class Curation:
    """Each list is in order of arrival. `proposed` counts the rows so far of labels that have too few yet."""

    train: tuple[CuratedExample, ...]
    evaluation: tuple[CuratedExample, ...]
    waiting: tuple[WaitingFeedback, ...]
    ignored: tuple[IgnoredFeedback, ...]
    new_labels: tuple[str, ...]
    proposed: Mapping[str, int]

    @property
    def corrections_of_eval_rows(self) -> tuple[Feedback, ...]:
        """Corrections of held-out rows: left out, since what measures may not teach. The row itself may be wrong."""
        of_eval_rows = [item.feedback for item in self.ignored if item.reason == "evaluation-row"]
        return tuple(item for item in of_eval_rows if item.label is not None or item.entities is not None)


class Trust(IntEnum):
    STRANGER = 0
    OWNER = 1
    REVIEWED = 2


@dataclass(frozen=True, slots=True)
class Claim:
    """What one feedback says a text means."""

    feedback: Feedback
    key: str  # the normalised text
    label: str
    trust: Trust
    decision: Decision | None


@dataclass
class CurationBoard:
    """Where claims are sorted: what is settled so far, what waits, what is ignored."""

    train: Mapping[str, str]
    policy: CurationPolicy
    settled: dict[str, list[Claim]] = field(default_factory=dict)  # by key, all of one label
    from_strangers: set[str] = field(default_factory=set)  # keys whose first claim was a stranger's
    waiting: list[WaitingFeedback] = field(default_factory=list)
    ignored: list[IgnoredFeedback] = field(default_factory=list)

    def wait(
        self, claims: Iterable[Claim], reason: WaitingReason, explanation: str, assessment: Assessment | None = None
    ) -> None:
        self.waiting += [
            WaitingFeedback(c.feedback, reason, explanation, c.label, assessment, c.decision is not None)
            for c in claims
        ]

    def ignore(self, feedback: Iterable[Feedback], reason: IgnoredReason) -> None:
        self.ignored += [IgnoredFeedback(item, reason) for item in feedback]


def curate(
    feedback: Sequence[Feedback],
    decisions: Mapping[str, Decision],
    *,
    train: Mapping[str, str],
    eval_texts: AbstractSet[str],
    known_labels: Collection[str],
    assess: Callable[[Sequence[str]], Sequence[Assessment]],
    policy: CurationPolicy = CurationPolicy(),
) -> Curation:
    """Sort all feedback into examples, what waits for review, and what is ignored.

    `train` (normalised text to label) and `eval_texts` (normalised texts) are the rows so far. `assess`
    asks the champion, and is called at most once. The order of `feedback` does not matter.
    """
    board = CurationBoard(train, policy)
    arrivals = sorted(feedback, key=_arrival)
    claims = _without_flood(_claims(arrivals, decisions, eval_texts, board), len(arrivals), board)
    groups: dict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        groups[claim.key].append(claim)
    for key, group in groups.items():
        if group[0].trust is Trust.STRANGER:
            board.from_strangers.add(key)
        _settle(group, board)
    _check_strangers(assess, board)
    all_labels = {*known_labels, RESERVED_LABEL}
    rows = Counter(group[0].label for group in board.settled.values() if group[0].label not in all_labels)
    proposed = {label: count for label, count in sorted(rows.items()) if count < policy.new_label_rows}
    _hold_back_proposed(proposed, all_labels, board)
    new_labels = tuple(label for label in sorted(rows) if label not in proposed)
    return _make_curation(board, new_labels, proposed)


def _arrival(feedback: Feedback) -> tuple[datetime, str]:
    return feedback.created_at, feedback.id


# From feedback to claims


def _claims(
    feedback: Sequence[Feedback], decisions: Mapping[str, Decision], eval_texts: AbstractSet[str], board: CurationBoard
) -> list[Claim]:
    """What the feedback says about texts; what says nothing, or nothing new, goes where it belongs."""
    superseded_ids = find_superseded(feedback, decisions, lambda item: item.label is not None)
    claims = []
    for item in feedback:
        key, decision = normalise(item.message), decisions.get(item.id)
        if decision is not None and decision.decision == "drop":
            board.ignore([item], "dropped")
        elif key in eval_texts:
            board.ignore([item], "evaluation-row")
        elif item.id in superseded_ids:
            board.ignore([item], "superseded")
        elif (claim := _claim(item, key, decision)) is not None:
            claims.append(claim)
        else:
            _sort_unlabelled(item, board)
    return claims


def find_superseded(feedback: Sequence[Feedback], decisions: Mapping[str, Decision], corrects: Corrects) -> set[str]:
    """Ids of verdicts that the same person replaced: a thumb by its other side, or by what `corrects`."""
    verdicts: dict[tuple[str, str | None, bool], list[Feedback]] = defaultdict(list)
    for item in feedback:
        has_verdict = item.rating is not None or corrects(item)
        if has_verdict and item.response_id is not None and item.id not in decisions:
            verdicts[item.response_id, item.user, item.trusted].append(item)
    superseded_ids: set[str] = set()
    for items in verdicts.values():
        final = max(items, key=lambda item: (corrects(item), _arrival(item)))
        superseded_ids.update(item.id for item in items if item is not final)
    return superseded_ids


def _claim(feedback: Feedback, key: str, decision: Decision | None) -> Claim | None:
    label = decision.label if decision is not None and decision.decision == "relabel" else feedback.taught_label
    if label is None or not key:
        return None
    trust = Trust.OWNER if feedback.trusted else Trust.STRANGER
    return Claim(feedback, key, label, trust if decision is None else Trust.REVIEWED, decision)


def _sort_unlabelled(feedback: Feedback, board: CurationBoard) -> None:
    if feedback.answer is not None:
        explanation = "A better answer was given, but no label: change the response's text, or relabel the message."
        board.waiting.append(WaitingFeedback(feedback, "better-answer", explanation))
    elif feedback.rating is not None and feedback.rating < 0.5:
        denial = f'not "{feedback.intent}"' if feedback.intent else "not what was said"
        board.waiting.append(
            WaitingFeedback(feedback, "down-rated", f"Rated down, so {denial}: what would have been right?")
        )
    else:  # a comment alone, or praise of something other than an intent: kept and listed, but not an example
        board.ignore([feedback], "nothing-to-learn")


# From claims to settled texts


def _without_flood(claims: Sequence[Claim], batch: int, board: CurationBoard) -> list[Claim]:
    """Less what one stranger gave in excess. Those without a name count as one, or a flood would omit it."""
    allowed = max(board.policy.flood_rows, int(board.policy.flood_share * batch))
    counts: Counter[str | None] = Counter()
    remaining = []
    for claim in claims:
        user = claim.feedback.user
        counts[user] += claim.trust is Trust.STRANGER
        if claim.trust is Trust.STRANGER and counts[user] > allowed:
            subject = f'"{user}"' if user else "People without a name"
            explanation = f"{subject} gave more than {allowed} labels in this batch of {batch}: is this one right?"
            board.wait([claim], "flood", explanation)
        else:
            remaining.append(claim)
    return remaining


def _settle(group: Sequence[Claim], board: CurationBoard) -> None:
    """One text: agree on its label, or let those who disagree wait. Less trust never holds back more."""
    voices = [claim for claim in group if claim.trust == max(claim.trust for claim in group)]
    if voices[0].trust is Trust.REVIEWED:
        voices = [max(voices, key=_decision_time)]
    labels = sorted({claim.label for claim in voices})
    if len(labels) > 1:
        board.wait(group, "conflict", f"One text, different labels ({_join_quoted(labels)}): which is right?")
        return
    agreeing = [claim for claim in group if claim.label == labels[0]]
    _settle_others([claim for claim in group if claim.label != labels[0]], voices[0], board)
    train_label = board.train.get(group[0].key)
    if train_label == labels[0]:
        board.ignore((claim.feedback for claim in agreeing), "already-known")
    elif train_label is not None and voices[0].trust is Trust.STRANGER:
        board.wait(agreeing, "conflicts-with-training", f'The training data says "{train_label}": which is right?')
    else:
        board.settled[group[0].key] = agreeing


def _settle_others(others: Sequence[Claim], winner: Claim, board: CurationBoard) -> None:
    """Those who disagree with the winner wait, except that a review also decides what came before it."""
    for claim in others:
        overruled = winner.decision is not None and _decision_time(claim)[0] <= winner.decision.decided_at
        if overruled:
            board.ignore([claim.feedback], "overruled")
        else:
            voice = ("other feedback", "the owner", "review")[winner.trust]
            board.wait([claim], "conflict", f'For this text {voice} says "{winner.label}": which is right?')


def _decision_time(claim: Claim) -> tuple[datetime, str]:
    return claim.decision.decided_at if claim.decision else claim.feedback.created_at, claim.feedback.id


def _check_strangers(assess: Callable[[Sequence[str]], Sequence[Assessment]], board: CurationBoard) -> None:
    """Texts that only strangers speak for are shown to the champion."""
    keys = sorted(key for key, group in board.settled.items() if max(c.trust for c in group) is Trust.STRANGER)
    if not keys:
        return
    assessments = assess([board.settled[key][0].feedback.message for key in keys])
    for key, assessment in zip(keys, assessments, strict=True):
        label = board.settled[key][0].label
        doubt = _doubt(label, assessment, board.policy)
        if doubt is not None:
            board.wait(board.settled.pop(key), *doubt, assessment)


def _doubt(label: str, assessment: Assessment, policy: CurationPolicy) -> tuple[WaitingReason, str] | None:
    if not assessment.in_scope and label != RESERVED_LABEL:
        return "out-of-scope", f'Far from anything known: is it "{label}", or "{RESERVED_LABEL}"?'
    if assessment.label != label and assessment.confidence >= policy.sure:
        champion_view = f'"{assessment.label}" ({assessment.confidence:.0%} sure)'
        return "likely-error", f'The champion says {champion_view}, this person "{label}": which is right?'
    return None


# From settled texts to examples


def _hold_back_proposed(proposed: Mapping[str, int], known_labels: Collection[str], board: CurationBoard) -> None:
    hints = {label: did_you_mean(label, known_labels) for label in proposed}
    for key, group in list(board.settled.items()):
        label = group[0].label
        if label in proposed:
            so_far = f"{proposed[label]} of {board.policy.new_label_rows} rows"
            explanation = f'"{label}" would be a new label, with {so_far} so far.{hints[label]} It waits for more.'
            board.wait(board.settled.pop(key), "new-label", explanation)


def _make_curation(board: CurationBoard, new_labels: tuple[str, ...], proposed: Mapping[str, int]) -> Curation:
    examples = {key: _example(group, key in board.train) for key, group in board.settled.items()}
    evaluation = _choose_eval_keys(board)
    return Curation(
        train=tuple(example for key, example in examples.items() if key not in evaluation),
        evaluation=tuple(example for key, example in examples.items() if key in evaluation),
        waiting=tuple(sorted(board.waiting, key=lambda item: _arrival(item.feedback))),
        ignored=tuple(sorted(board.ignored, key=lambda item: _arrival(item.feedback))),
        new_labels=new_labels,
        proposed=proposed,
    )


def _example(group: Sequence[Claim], replaces: bool) -> CuratedExample:
    return CuratedExample(
        text=max(group, key=lambda claim: claim.trust).feedback.message,  # the first of those most trusted
        label=group[0].label,
        feedback_ids=tuple(claim.feedback.id for claim in group),
        users=tuple(dict.fromkeys(claim.feedback.user for claim in group if claim.feedback.user is not None)),
        trusted=any(claim.trust is not Trust.STRANGER for claim in group),
        replaces=replaces,
    )


def _choose_eval_keys(board: CurationBoard) -> set[str]:
    """Keys for evaluation. What is chosen stays chosen as feedback grows, or a champion would sit a test it learnt."""
    share = board.policy.eval_share
    # Strangers have no vote, nor has a text that a stranger or the training data brought first: it may be learnt.
    eligible = board.settled.keys() - board.train.keys() - board.from_strangers
    eval_keys = {key for key in eligible if place(key) < share}
    for keys in _feedback_only_labels(board):
        eval_keys -= set(keys[:KEPT_FOR_TRAINING])
        # One at least where there is room, or the gate could not see that a new label was learnt.
        eval_key = next((key for key in keys[KEPT_FOR_TRAINING:] if key in eligible), None)
        if eval_key is not None and share > 0:
            eval_keys.add(eval_key)
    return eval_keys


def _feedback_only_labels(board: CurationBoard) -> Iterable[list[str]]:
    """The keys of each label that has no training rows but feedback, in the order in which they were settled."""
    rows: dict[str, list[str]] = defaultdict(list)
    for key in sorted(board.settled, key=lambda key: min(map(_decision_time, board.settled[key]))):
        rows[board.settled[key][0].label].append(key)
    elsewhere = {*board.train.values(), RESERVED_LABEL}
    return [keys for label, keys in rows.items() if label not in elsewhere]


def place(key: str) -> float:
    """Where a normalised text falls in 0–1: the same on every machine, in any order, at any time."""
    return int.from_bytes(sha256(key.encode()).digest()[:8]) / 2**64


def _join_quoted(labels: Iterable[str]) -> str:
    return ", ".join(f'"{label}"' for label in labels)
