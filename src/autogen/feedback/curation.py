"""Which feedback becomes examples, and how: owners are believed, strangers teach nothing unseen, review decides.

Pure: feedback and decisions in, exactly one place for each feedback out, so nothing is lost. Give it all of a
project's feedback each time, not only the new: what was learnt is then recognised as known, and a flood does
not become a trickle.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256

from autogen.config.settings import RESERVED_LABEL
from autogen.data.names import is_word_for_nothing, name_key, plain_name
from autogen.data.text import normalise
from autogen.errors import did_you_mean
from autogen.feedback.claims import (
    INDEPENDENT,
    Claim,
    SourceLimits,
    Trust,
    agreeing_users,
    find_superseded,
    is_excluded,
    trust_in,
)
from autogen.feedback.curated import (
    CAREFUL,
    Assessment,
    CuratedExample,
    Curation,
    CurationPolicy,
    IgnoredFeedback,
    IgnoredReason,
    WaitingFeedback,
    WaitingReason,
)
from autogen.feedback.events import Decision, Feedback
from autogen.feedback.evidence import find_shared_phrases
from autogen.feedback.left_out import LeftOut

__all__ = ["Assessment", "CuratedExample", "Curation", "CurationPolicy", "WaitingFeedback", "curate", "place"]

KEPT_FOR_TRAINING = 4  # rows: the first of a label that only feedback teaches, whatever share is set aside


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

    def trusted_rows(self) -> dict[str, str]:
        """The label of each text that needs no review."""
        settled = {key: group[0].label for key, group in self.settled.items() if _trust(group) >= Trust.OWNER}
        return {**self.train, **settled}

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
    policy: CurationPolicy = CAREFUL,
    left_out: Mapping[str, LeftOut] | None = None,
    known_as: Callable[[str], str] = plain_name,
) -> Curation:
    """Sort all feedback into examples, what waits for review, and what is ignored.

    `feedback` is all there is, each with its number. `train` (normalised text to label) and `eval_texts` (normalised
    texts) are the rows so far. `assess` asks the champion, and is called at most once. `left_out`: feedback that waits
    for a person because it does harm, by id. `known_as`: by which name a label goes.
    """
    board = CurationBoard(train, policy)
    claims = _within_limits(_claims(sorted(feedback, key=_arrival), decisions, eval_texts, board, known_as), board)
    groups: dict[str, list[Claim]] = defaultdict(list)
    for claim in _without_left_out(claims, left_out or {}, board):
        groups[claim.key].append(claim)
    for key, group in groups.items():
        if group[0].trust < Trust.OWNER:
            board.from_strangers.add(key)
        _settle(group, board)
    all_labels = {*known_labels, RESERVED_LABEL}
    rows = Counter(group[0].label for group in board.settled.values() if _trust(group) >= Trust.OWNER)
    unlikely = _unlikely_labels(board, all_labels)
    proposed = {
        label: rows[label]
        for label in sorted({group[0].label for group in board.settled.values()} - all_labels)
        if rows[label] < policy.new_label_rows or label in unlikely
    }
    new_labels = tuple(sorted(rows.keys() - all_labels - proposed.keys()))
    _hold_back_proposed(proposed, unlikely, all_labels, board)
    _check_strangers(assess, board)
    return _make_curation(board, new_labels, proposed)


def _arrival(feedback: Feedback) -> int:
    return feedback.number


def _trust(group: Sequence[Claim]) -> Trust:
    """That in the most trusted of those who say the same."""
    return max(claim.trust for claim in group)


# From feedback to claims


def _claims(
    feedback: Sequence[Feedback],
    decisions: Mapping[str, Decision],
    eval_texts: AbstractSet[str],
    board: CurationBoard,
    known_as: Callable[[str], str],
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
        elif is_excluded(item, decision, board.policy):
            board.ignore([item], "not-the-owner")
        elif (claim := _claim(item, key, decision, known_as)) is not None:
            claims.append(claim)
        else:
            _sort_unlabelled(item, board)
    return claims


def _claim(feedback: Feedback, key: str, decision: Decision | None, known_as: Callable[[str], str]) -> Claim | None:
    label = decision.label if decision is not None and decision.decision == "relabel" else feedback.taught_label
    if label is None or not key:
        return None
    return Claim(feedback, key, known_as(label), trust_in(feedback, decision), decision)


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


def _within_limits(claims: Sequence[Claim], board: CurationBoard) -> list[Claim]:
    """Less what one source gave in excess, which waits."""
    limits = SourceLimits(board.policy)
    remaining = []
    for claim in claims:
        excess = limits.excess(claim.feedback, claim.trust)
        if excess is None:
            remaining.append(claim)
        else:
            board.wait([claim], "flood", excess)
    return remaining


def _without_left_out(claims: Sequence[Claim], left_out: Mapping[str, LeftOut], board: CurationBoard) -> list[Claim]:
    """Less what was left out of a batch, which waits whoever gave it; it counts for the limits all the same, or what
    waits behind it would come in."""
    remaining = []
    for claim in claims:
        record = left_out.get(claim.feedback.id)
        if record is None:
            remaining.append(claim)
        else:
            board.waiting.append(
                WaitingFeedback(claim.feedback, "left-out", record.words, claim.label, left_out=record)
            )
    return remaining


def _settle(group: Sequence[Claim], board: CurationBoard) -> None:
    """One text: agree on its label, or let those who disagree wait. Less trust never holds back more."""
    voices = [claim for claim in group if claim.trust is _trust(group)]
    if voices[0].trust is Trust.REVIEWED:
        voices = [max(voices, key=lambda claim: claim.moment)]
    labels = sorted({claim.label for claim in voices})
    if len(labels) > 1:
        board.wait(group, "conflict", f"One text, different labels ({_join_quoted(labels)}): which is right?")
        return
    agreeing = [claim for claim in group if claim.label == labels[0]]
    _settle_others([claim for claim in group if claim.label != labels[0]], voices[0], board)
    train_label = board.train.get(group[0].key)
    if train_label == labels[0]:
        board.ignore((claim.feedback for claim in agreeing), "already-known")
    elif train_label is not None and voices[0].trust < Trust.OWNER:
        board.wait(agreeing, "conflicts-with-training", f'The training data says "{train_label}": which is right?')
    else:
        board.settled[group[0].key] = agreeing


def _settle_others(others: Sequence[Claim], winner: Claim, board: CurationBoard) -> None:
    """Those who disagree with the winner wait, except that a review also decides what came before it."""
    for claim in others:
        overruled = winner.decision is not None and claim.moment <= winner.moment
        if overruled:
            board.ignore([claim.feedback], "overruled")
        else:
            voice = ("other feedback", "a user who is vouched for", "the owner", "review")[winner.trust]
            board.wait([claim], "conflict", f'For this text {voice} says "{winner.label}": which is right?')


def _check_strangers(assess: Callable[[Sequence[str]], Sequence[Assessment]], board: CurationBoard) -> None:
    """Texts that neither the owner nor a review speaks for are shown to the champion; so is what waits, for whoever
    reviews it."""
    keys = sorted(key for key, group in board.settled.items() if _trust(group) < Trust.OWNER)
    waiting_at = [at for at, item in enumerate(board.waiting) if item.proposed is not None]
    messages = [board.settled[key][0].feedback.message for key in keys]
    messages += [board.waiting[at].feedback.message for at in waiting_at]
    if not messages:
        return
    assessments = assess(messages)
    for at, assessment in zip(waiting_at, assessments[len(keys) :], strict=True):
        board.waiting[at] = replace(board.waiting[at], assessment=assessment)
    for key, assessment in zip(keys, assessments, strict=False):
        doubt = _doubt(board.settled[key], assessment, board.policy)
        if doubt is not None:
            board.wait(board.settled.pop(key), *doubt, assessment)
    by_key = dict(zip(keys, assessments, strict=False))
    for key, explanation in _shared_phrases([key for key in keys if key in board.settled], board).items():
        board.wait(board.settled.pop(key), "shared-phrase", explanation, by_key[key])


def _shared_phrases(keys: Sequence[str], board: CurationBoard) -> dict[str, str]:
    """What strangers would teach unseen, but has a phrase in common beyond chance: why it waits, by key."""
    rows = [(key, board.settled[key][0].label) for key in keys]
    return {
        keys[
            at
        ]: f'{phrase.rows} rows of "{phrase.label}" share "{phrase.words}", as {phrase.trusted} trusted ones do: '
        "is it what they are about?"
        for at, phrase in find_shared_phrases(rows, board.trusted_rows()).items()
    }


def _doubt(group: Sequence[Claim], assessment: Assessment, policy: CurationPolicy) -> tuple[WaitingReason, str] | None:
    label = group[0].label
    if not assessment.in_scope and label != RESERVED_LABEL:
        return "out-of-scope", f'Far from anything known: is it "{label}", or "{RESERVED_LABEL}"?'
    if assessment.label != label and assessment.confidence >= policy.sure:
        champion_view = f'"{assessment.label}" ({assessment.confidence:.0%} sure)'
        return "likely-error", f'The champion says {champion_view}, this person "{label}": which is right?'
    if policy.learn_from == "everyone" or (policy.learn_from == "trusted-users" and _is_borne_out(group, assessment)):
        return None
    return "untrusted", f'Somebody else than the owner says so: is it "{label}"?'


def _is_borne_out(group: Sequence[Claim], assessment: Assessment) -> bool:
    """Whether independent users whom somebody vouches for agree, or one of them and the champion."""
    users = agreeing_users(claim.feedback for claim in group)
    return len(users) >= INDEPENDENT or (bool(users) and assessment.in_scope and assessment.label == group[0].label)


# From settled texts to examples


def _unlikely_labels(board: CurationBoard, known_labels: Collection[str]) -> dict[str, str]:
    """New labels that are hardly meant as such, however many rows have them, and why; not those that a person has
    reviewed."""
    known_by_key = {name_key(label): label for label in known_labels}
    reviewed = {group[0].label for group in board.settled.values() if _trust(group) is Trust.REVIEWED}
    reasons = {}
    for label in {group[0].label for group in board.settled.values()} - {*known_labels} - reviewed:
        if is_word_for_nothing(label):
            reasons[label] = " It is what is written where there is nothing."
        elif (known := known_by_key.get(name_key(label))) is not None:
            reasons[label] = f' It differs from "{known}" in case or width alone: `join_names = true` makes them one.'
    return reasons


def _hold_back_proposed(
    proposed: Mapping[str, int], unlikely: Mapping[str, str], known_labels: Collection[str], board: CurationBoard
) -> None:
    """A label that the owner or a review has given too few rows yet waits, whoever else proposes it; so does an
    unlikely one."""
    hints = {label: unlikely.get(label) or did_you_mean(label, known_labels) for label in proposed}
    for key, group in list(board.settled.items()):
        label = group[0].label
        if label in proposed:
            so_far = f"{proposed[label]} of {board.policy.new_label_rows} rows"
            if _trust(group) >= Trust.OWNER:
                explanation = f'"{label}" would be a new label, with {so_far} so far.{hints[label]} It waits for more.'
            else:
                explanation = (
                    f'"{label}" would be a new label, which needs your word: {so_far} have it so far.{hints[label]}'
                )
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
        trusted=board.trusted_rows(),
    )


def _example(group: Sequence[Claim], replaces: bool) -> CuratedExample:
    return CuratedExample(
        text=max(group, key=lambda claim: claim.trust).feedback.message,  # the first of those most trusted
        label=group[0].label,
        feedback_ids=tuple(claim.feedback.id for claim in group),
        users=tuple(dict.fromkeys(claim.feedback.user for claim in group if claim.feedback.user is not None)),
        trusted=_trust(group) >= Trust.OWNER,
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
    # by the clock, as ever: what projects have set aside must not move
    for key in sorted(board.settled, key=lambda key: min(map(_time, board.settled[key]))):
        rows[board.settled[key][0].label].append(key)
    elsewhere = {*board.train.values(), RESERVED_LABEL}
    return [keys for label, keys in rows.items() if label not in elsewhere]


def _time(claim: Claim) -> tuple[datetime, str]:
    return claim.decision.decided_at if claim.decision else claim.feedback.created_at, claim.feedback.id


def place(key: str) -> float:
    """Where a normalised text falls in 0–1: the same on every machine, in any order, at any time."""
    return int.from_bytes(sha256(key.encode()).digest()[:8]) / 2**64


def _join_quoted(labels: Iterable[str]) -> str:
    return ", ".join(f'"{label}"' for label in labels)
