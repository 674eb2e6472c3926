"""Feedback on classified texts: sorted, and joined with the rows there are."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace
from functools import partial

from autogen.config.settings import RESERVED_LABEL
from autogen.data.fingerprints import row_fingerprint
from autogen.data.rows import Row
from autogen.data.text import normalise
from autogen.errors import UsageError
from autogen.feedback.curation import Assessment, CuratedExample, Curation, curate
from autogen.feedback.entities import EntitySpan
from autogen.feedback.events import Feedback
from autogen.tasks.task import FeedbackOn
from autogen.tasks.text_classification.model import TunedModel
from autogen.tasks.text_classification.naming import LabelNaming
from autogen.tasks.text_classification.rows import LabelledRows, LabelledText, LearningData, join_rows, pick

FEEDBACK_SOURCE = "feedback"


def curate_feedback(data: LearningData, feedback: FeedbackOn, champion: TunedModel) -> Curation:
    """Sort the feedback on a skill into what teaches, what measures, what waits and what is ignored."""
    curation = curate(
        feedback.rows(),
        feedback.memory.feedback.decisions(),
        train={normalise(example.text): example.label for example in data.train.examples},
        eval_texts={normalise(text) for text in data.eval.texts},
        known_labels={*champion.task.labels, *data.train.labels, RESERVED_LABEL},
        assess=lambda texts: _assess(champion, texts),
        known_as=partial(_known_as, data.naming, {*champion.task.labels, *data.train.labels}),
        policy=feedback.policy,
        left_out=feedback.left_out,
    )
    if feedback.only is None:
        return curation
    only = feedback.only
    train, evaluation = (
        tuple(example for example in part if only & {*example.feedback_ids})
        for part in (curation.train, curation.evaluation)
    )
    return replace(curation, train=train, evaluation=evaluation)


def _known_as(naming: LabelNaming, known: Set[str], label: str) -> str:
    return naming.known_as([label], known)[0]


def check_label(feedback: Feedback, label: str | None, entities: Sequence[EntitySpan] | None) -> None:
    """Raise UsageError where a reviewer gives entities, or takes feedback without a label as it is."""
    if entities is not None:
        raise UsageError(f'Feedback "{feedback.id}" is on a label, not on entities: relabel it or drop it.')
    if label is None and feedback.taught_label is None:
        raise UsageError(
            f'Feedback "{feedback.id}" names no label, so there is nothing to accept: relabel it or drop it.'
        )


def _assess(champion: TunedModel, texts: Sequence[str]) -> list[Assessment]:
    return [
        Assessment(
            prediction.label,
            prediction.confidence,
            prediction.in_scope,
            alternatives=tuple(label for label, _ in prediction.ranking[1:]),
        )
        for prediction in champion.predict(texts)
    ]


def with_curated(data: LearningData, curation: Curation) -> LearningData:
    """Curated examples join: a correction takes the place of the training row it corrects."""
    replaced = {normalise(example.text) for example in curation.train if example.replaces}
    replaced |= {normalise(example.text) for example in curation.evaluation}  # set aside means never trained on
    kept_at = [at for at, text in enumerate(data.train.texts) if normalise(text) not in replaced]
    train_texts, eval_texts = ([example.text for example in part] for part in (curation.train, curation.evaluation))
    curated = (*curation.train, *curation.evaluation)
    feedback_ids = {feedback_id for example in curated for feedback_id in example.feedback_ids}
    return replace(
        data,
        unlabelled=data.unlabelled.without(train_texts, eval_texts) if data.unlabelled else None,
        train=join_rows(pick(data.train, kept_at), _rows(curation.train)),
        eval_feedback=_rows(curation.evaluation),
        feedback=tuple(sorted(feedback_ids)),
        corrections_of_eval=len(curation.corrections_of_eval_rows),
    )


def _rows(examples: Sequence[CuratedExample]) -> LabelledRows:
    made = tuple(LabelledText(example.text, example.label) for example in examples)
    rows = tuple(
        Row({"text": example.text, "label": example.label}, FEEDBACK_SOURCE, at)
        for at, example in enumerate(made, start=1)
    )
    return LabelledRows(made, rows)


def drop_learnt(data: LearningData, fingerprints: frozenset[str]) -> LearningData:
    """The data without eval rows that have these fingerprints: they would measure memory."""
    return replace(
        data, eval=_without(data.eval, fingerprints), eval_feedback=_without(data.eval_feedback, fingerprints)
    )


def _without(rows: LabelledRows, fingerprints: frozenset[str]) -> LabelledRows:
    return pick(rows, [at for at, text in enumerate(rows.texts) if row_fingerprint(text) not in fingerprints])
