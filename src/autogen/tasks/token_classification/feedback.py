"""Corrections of entities: which of them teach, which measure, which wait.

A correction names all entities of a message (`entities` of feedback; an empty list: it has none). Of several on one
text the last counts. The owner's are believed, and so is what an owner accepted in review; those of strangers wait:
spans cannot be weighed against the model's opinion as labels can. A correction of an eval row is counted and not
learnt, and of the other texts a fifth, chosen by a hash of the text, is set aside to measure on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from autogen.data.fingerprints import row_fingerprint
from autogen.data.rows import Row
from autogen.data.text import normalise
from autogen.feedback.events import Decision, Feedback, entities_json
from autogen.tasks.task import FeedbackOn
from autogen.tasks.token_classification.data import AnnotatedRows, TokenData
from autogen.tasks.token_classification.rows import Example, read_spans

FEEDBACK_SOURCE = "feedback"
SET_ASIDE = 5  # one of so many texts


@dataclass(frozen=True)
class Correction:
    """A text with its entities, and the feedback that says so."""

    example: Example
    feedback: tuple[str, ...]


def with_corrections(data: TokenData, given: FeedbackOn) -> TokenData:
    """A correction takes the place of the train row of its text; what is set aside is never learnt."""
    held_out = set(map(normalise, data.held_out.texts))
    believed, waiting = _sorted(given)
    of_eval = [key for key in believed if key in held_out]
    joining = {key: one for key, one in believed.items() if key not in held_out}
    if given.only is not None:
        joining = {key: one for key, one in joining.items() if given.only & {*one.feedback}}
    stays = [at for at, text in enumerate(data.train.texts) if normalise(text) not in joining]
    aside = {key for key in joining if _is_set_aside(key)}
    taught = [one for key, one in joining.items() if key not in aside]
    return replace(
        data,
        train=data.train.pick(stays).joined(_rows(taught)) if joining else data.train,
        set_aside=_rows([joining[key] for key in joining if key in aside]),
        feedback=tuple(sorted({name for one in joining.values() for name in one.feedback})),
        corrections_of_eval=len(of_eval),
        waiting=waiting,
    )


def unlearnt(data: TokenData, learnt: frozenset[str]) -> TokenData:
    """The data without measured rows that have these fingerprints: they would measure memory."""
    return replace(data, held_out=_without(data.held_out, learnt), set_aside=_without(data.set_aside, learnt))


def _sorted(given: FeedbackOn) -> tuple[dict[str, Correction], int]:
    """By normalised text, the last correction that is believed; and how many others there are."""
    decisions = given.memory.feedback.decisions()
    believed: dict[str, Correction] = {}
    waiting = 0
    for one in given.rows():
        decision = decisions.get(one.id)
        if one.entities is None or (decision and decision.decision == "drop"):
            continue
        example = _example(one)
        if example is None or not _is_believed(one, decision):
            waiting += 1
            continue
        key = normalise(one.message)
        earlier = believed[key].feedback if key in believed else ()
        believed[key] = Correction(example, (*earlier, one.id))
    return believed, waiting


def _is_believed(feedback: Feedback, decision: Decision | None) -> bool:
    return feedback.trusted or (decision is not None and decision.decision == "accept")


def _example(feedback: Feedback) -> Example | None:
    """None where entities overlap, or cut a character."""
    row = Row({}, FEEDBACK_SOURCE, 1)
    spans, problems = read_spans(row, feedback.message, entities_json(feedback))
    wrong = any(problem.severity == "error" for problem in problems)
    return None if wrong else Example(feedback.message, spans)


def _is_set_aside(key: str) -> bool:
    return sha256(key.encode("utf-8", "surrogatepass")).digest()[0] % SET_ASIDE == 0


def _rows(corrections: Sequence[Correction]) -> AnnotatedRows:
    rows = tuple(
        Row({"text": one.example.text, "feedback": one.feedback}, FEEDBACK_SOURCE, at)
        for at, one in enumerate(corrections, start=1)
    )
    return AnnotatedRows(tuple(one.example for one in corrections), rows)


def _without(rows: AnnotatedRows, learnt: frozenset[str]) -> AnnotatedRows:
    return rows.pick(at for at, text in enumerate(rows.texts) if row_fingerprint(text) not in learnt)
