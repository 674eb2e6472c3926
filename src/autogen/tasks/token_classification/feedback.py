"""Feedback on entities: which of it teaches, which measures, which waits for a person.

A correction names all entities of a message (an empty list: it has none); a good rating agrees with those answered. The
owner's are believed, and so is what a review accepted or put right; those of strangers wait: spans cannot be weighed
against the model's opinion as labels can. Where the project learns from others unreviewed, two independent users who
are vouched for and name the same are believed. Of several on one text the last counts, a decision as of when it was
made.
Corrections of eval rows are counted and not learnt. Of the other texts a fifth, chosen by a hash of the text, is set
aside to measure on, but no train row's: it may have been learnt already.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

from autogen.data.fingerprints import row_fingerprint
from autogen.data.problems import Problem
from autogen.data.rows import Row
from autogen.data.text import normalise
from autogen.errors import UsageError
from autogen.feedback.claims import (
    INDEPENDENT,
    Moment,
    SourceLimits,
    Trust,
    agreeing_users,
    find_superseded,
    is_excluded,
    moment_of,
    trust_in,
)
from autogen.feedback.curated import (
    Assessment,
    CuratedExample,
    Curation,
    CurationPolicy,
    IgnoredFeedback,
    IgnoredReason,
    WaitingFeedback,
    WaitingReason,
)
from autogen.feedback.entities import EntitySpan, entities_in_words, entities_json
from autogen.feedback.events import Decision, Feedback
from autogen.tasks.task import FeedbackOn
from autogen.tasks.token_classification.data import AnnotatedRows, TokenData
from autogen.tasks.token_classification.model import EntityModel
from autogen.tasks.token_classification.rows import AnnotatedText, Span, read_spans

FEEDBACK_SOURCE = "feedback"
SET_ASIDE = 5  # one of so many texts


@dataclass(frozen=True)
class Claim:
    """What one feedback says are the entities of a text."""

    feedback: Feedback
    example: AnnotatedText
    decision: Decision | None

    @property
    def trust(self) -> Trust:
        return trust_in(self.feedback, self.decision)

    @property
    def moment(self) -> Moment:
        return moment_of(self.feedback, self.decision)


@dataclass(frozen=True)
class Correction:
    """What is believed of a text: the last of these claims."""

    claims: tuple[Claim, ...]
    replaces: bool  # a train row of this text

    @property
    def example(self) -> AnnotatedText:
        return self.claims[-1].example

    @property
    def is_trusted(self) -> bool:
        return all(claim.trust >= Trust.OWNER for claim in self.claims)

    @property
    def feedback(self) -> tuple[str, ...]:
        return tuple(claim.feedback.id for claim in self.claims)


@dataclass
class Sorting:
    """All feedback on a need, each in one place. `corrections`: what joins, by normalised text."""

    train: Mapping[str, AnnotatedText]  # the train rows so far, by normalised text
    policy: CurationPolicy
    decisions: Mapping[str, Decision]
    corrections: dict[str, Correction] = field(default_factory=dict)
    waiting: list[WaitingFeedback] = field(default_factory=list)
    ignored: list[IgnoredFeedback] = field(default_factory=list)

    def ignore(self, feedback: Feedback, reason: IgnoredReason) -> None:
        self.ignored.append(IgnoredFeedback(feedback, reason))

    def wait(self, feedback: Feedback, reason: WaitingReason, explanation: str) -> None:
        self.waiting.append(WaitingFeedback(feedback, reason, explanation, decided=feedback.id in self.decisions))

    def curation(self) -> Curation:
        aside = {key for key, item in self.corrections.items() if _is_set_aside(key, item)}
        examples = {key: _curated(item) for key, item in self.corrections.items()}
        return Curation(
            train=tuple(example for key, example in examples.items() if key not in aside),
            evaluation=tuple(example for key, example in examples.items() if key in aside),
            waiting=tuple(sorted(self.waiting, key=lambda item: item.feedback.number)),
            ignored=tuple(sorted(self.ignored, key=lambda item: item.feedback.number)),
            new_labels=(),
            proposed={},
        )


def with_corrections(data: TokenData, feedback_on: FeedbackOn) -> TokenData:
    """A correction takes the place of the train row of its text; what is set aside is never learnt."""
    sorting = sort_feedback(data, feedback_on)
    corrections = sorting.corrections
    if feedback_on.only is not None:
        corrections = {key: item for key, item in corrections.items() if feedback_on.only & {*item.feedback}}
    unchanged = [at for at, text in enumerate(data.train.texts) if normalise(text) not in corrections]
    aside = [item for key, item in corrections.items() if _is_set_aside(key, item)]
    taught = [item for key, item in corrections.items() if not _is_set_aside(key, item)]
    return replace(
        data,
        train=data.train.pick(unchanged).joined(_rows(taught)) if corrections else data.train,
        eval_feedback=_rows(aside),
        feedback=tuple(sorted({name for item in corrections.values() for name in item.feedback})),
        corrections_of_eval=len(sorting.curation().corrections_of_eval_rows),
        waiting=len(sorting.waiting),
    )


def curate_feedback(data: TokenData, feedback_on: FeedbackOn, champion: EntityModel) -> Curation:
    """What teaches, what measures, what is ignored, and what waits, with what the champion says of it now."""
    curation = sort_feedback(data, feedback_on).curation()
    answers = champion.predict([item.feedback.message for item in curation.waiting])
    waiting = []
    for item, entities in zip(curation.waiting, answers, strict=True):
        spans = tuple(EntitySpan(entity.start, entity.end, entity.label) for entity in entities)
        sure = min((entity.confidence for entity in entities), default=0.0)
        words = entities_in_words(item.feedback.message, spans)
        waiting.append(replace(item, assessment=Assessment(words, sure, bool(spans), spans)))
    return replace(curation, waiting=tuple(waiting))


def check_spans(feedback: Feedback, label: str | None, entities: Sequence[EntitySpan] | None) -> None:
    """Raise UsageError where a reviewer gives a label, or entities from which no row can be made."""
    if label is not None:
        raise UsageError(f'Feedback "{feedback.id}" is on entities, not on a label: give its entities or drop it.')
    right = feedback.taught_entities if entities is None else tuple(entities)
    if right is None:
        raise UsageError(
            f'Feedback "{feedback.id}" names no entities, so there is nothing to accept: give its entities or drop it.'
        )
    _, problems = _spans(feedback.message, right)
    if problems:
        raise UsageError(_in_words(problems))


def drop_learnt(data: TokenData, learnt: frozenset[str]) -> TokenData:
    """The data without eval rows that have these fingerprints: they would measure memory."""
    return replace(data, eval=_without(data.eval, learnt), eval_feedback=_without(data.eval_feedback, learnt))


def sort_feedback(data: TokenData, feedback_on: FeedbackOn) -> Sorting:
    """Everything that was said about this need, in its place."""
    feedback, decisions = feedback_on.rows(), feedback_on.memory.feedback.decisions()
    policy = feedback_on.policy
    sorting = Sorting({normalise(example.text): example for example in data.train.examples}, policy, decisions)
    eval_texts = set(map(normalise, data.eval.texts))
    limits = SourceLimits(policy)
    superseded_ids = find_superseded(feedback, decisions, lambda item: item.entities is not None)
    by_text: dict[str, list[Claim]] = defaultdict(list)
    for item in feedback:
        key, decision = normalise(item.message), decisions.get(item.id)
        if decision is not None and decision.decision == "drop":
            sorting.ignore(item, "dropped")
        elif key in eval_texts:
            sorting.ignore(item, "evaluation-row")
        elif item.id in superseded_ids:
            sorting.ignore(item, "superseded")
        elif is_excluded(item, decision, policy):
            sorting.ignore(item, "not-the-owner")
        elif (claim := _claim(item, decision, sorting)) is None:
            continue
        elif (excess := limits.excess(item, claim.trust)) is not None:
            sorting.wait(item, "flood", excess)
        elif (record := feedback_on.left_out.get(item.id)) is not None:
            sorting.waiting.append(WaitingFeedback(item, "left-out", record.words, left_out=record))
        else:
            by_text[key].append(claim)
    for key, claims in by_text.items():
        _settle(key, claims, sorting)
    return sorting


def _claim(feedback: Feedback, decision: Decision | None, sorting: Sorting) -> Claim | None:
    """What the feedback says are the entities; None where it says nothing that can be learnt, which waits or is
    ignored."""
    entities = _taught(feedback, decision)
    if entities is None or not feedback.message.strip():
        _sort_without_entities(feedback, sorting)
        return None
    spans, problems = _spans(feedback.message, entities)
    if problems:
        sorting.wait(feedback, "bad-entities", f"Nothing can be learnt from these entities: {_in_words(problems)}")
        return None
    return Claim(feedback, AnnotatedText(feedback.message, spans), decision)


def _taught(feedback: Feedback, decision: Decision | None) -> tuple[EntitySpan, ...] | None:
    if decision is None or decision.decision == "accept":
        return feedback.taught_entities
    return decision.entities


def _sort_without_entities(feedback: Feedback, sorting: Sorting) -> None:
    if feedback.answer is not None:
        sorting.wait(feedback, "better-answer", "A better answer was given, but no entities: which are right?")
    elif feedback.rating is not None and feedback.rating < 0.5:
        sorting.wait(feedback, "down-rated", "Rated down: which entities would have been right?")
    else:  # a comment alone, a label, or praise of an answer without entities
        sorting.ignore(feedback, "nothing-to-learn")


def _settle(key: str, claims: Sequence[Claim], sorting: Sorting) -> None:
    """One text: the last claim that is believed counts, and those of strangers wait."""
    row = sorting.train.get(key)
    believed = [claim for claim in claims if claim.trust >= Trust.OWNER]
    if not believed and row is None and sorting.policy.learn_from in ("trusted-users", "everyone"):
        believed = _borne_out(claims)
    believed.sort(key=lambda claim: claim.moment)
    if believed and row is not None and row.spans == believed[-1].example.spans:
        for claim in believed:
            sorting.ignore(claim.feedback, "already-known")
    elif believed:
        sorting.corrections[key] = Correction(tuple(believed), row is not None)
    for claim in claims:
        if claim not in believed:
            _sort_strangers(claim, believed[-1] if believed else None, row, sorting)


def _borne_out(claims: Sequence[Claim]) -> list[Claim]:
    """Those that independent users who are vouched for make alike, where they agree on one thing only."""
    by_spans: dict[tuple[Span, ...], list[Claim]] = defaultdict(list)
    for claim in claims:
        if claim.trust is Trust.VOUCHED:
            by_spans[claim.example.spans].append(claim)
    alike = [same for same in by_spans.values() if len(agreeing_users(c.feedback for c in same)) >= INDEPENDENT]
    return alike[0] if len(alike) == 1 else []


def _sort_strangers(claim: Claim, winner: Claim | None, row: AnnotatedText | None, sorting: Sorting) -> None:
    """A stranger's claim beside what is believed of its text. A review also decides what came before it."""
    settled = winner.example if winner else row
    if settled is not None and settled.spans == claim.example.spans:
        sorting.ignore(claim.feedback, "already-known")
    elif winner is not None and winner.decision is not None and claim.moment <= winner.moment:
        sorting.ignore(claim.feedback, "overruled")
    elif winner is not None:
        who = "review" if winner.decision else "the owner" if winner.feedback.trusted else "others"
        sorting.wait(
            claim.feedback, "conflict", f'For this text {who} says "{_described(winner.example)}": which is right?'
        )
    elif row is not None:
        explanation = f'The training data says "{_described(row)}": which is right?'
        sorting.wait(claim.feedback, "conflicts-with-training", explanation)
    else:
        sorting.wait(claim.feedback, "untrusted", "Someone else than the owner says so: are these all entities of it?")


def _spans(text: str, entities: Sequence[EntitySpan]) -> tuple[tuple[Span, ...], list[Problem]]:
    """The spans as rows have them, and the errors in them: overlaps, characters cut in two."""
    spans, problems = read_spans(Row({}, FEEDBACK_SOURCE, 1), text, entities_json(entities))
    return spans, [problem for problem in problems if problem.severity == "error"]


def _in_words(problems: Sequence[Problem]) -> str:
    return "; ".join(f"{problem.message} ({problem.fix})" for problem in problems) + "."


def _described(example: AnnotatedText) -> str:
    return entities_in_words(example.text, _entities(example))


def _entities(example: AnnotatedText) -> tuple[EntitySpan, ...]:
    return tuple(EntitySpan(span.start, span.end, span.label) for span in example.spans)


def _curated(correction: Correction) -> CuratedExample:
    users = (claim.feedback.user for claim in correction.claims)
    return CuratedExample(
        text=correction.example.text,
        label="",
        feedback_ids=correction.feedback,
        users=tuple(dict.fromkeys(user for user in users if user is not None)),
        trusted=correction.is_trusted,
        replaces=correction.replaces,
        entities=_entities(correction.example),
    )


def _is_set_aside(key: str, correction: Correction) -> bool:
    digest = sha256(key.encode("utf-8", "surrogatepass")).digest()
    return correction.is_trusted and not correction.replaces and digest[0] % SET_ASIDE == 0


def _rows(corrections: Sequence[Correction]) -> AnnotatedRows:
    rows = tuple(
        Row({"text": item.example.text, "feedback": item.feedback}, FEEDBACK_SOURCE, at)
        for at, item in enumerate(corrections, start=1)
    )
    return AnnotatedRows(tuple(item.example for item in corrections), rows)


def _without(rows: AnnotatedRows, learnt: frozenset[str]) -> AnnotatedRows:
    return rows.pick(at for at, text in enumerate(rows.texts) if row_fingerprint(text) not in learnt)
