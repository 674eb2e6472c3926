"""Feedback on classified texts: sorted, and joined with the rows there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from autogen.config.settings import RESERVED_LABEL
from autogen.data.fingerprints import row_fingerprint
from autogen.data.rows import Row
from autogen.data.text import normalise
from autogen.feedback.curation import Assessment, CuratedExample, Curation, curate
from autogen.tasks.task import FeedbackOn
from autogen.tasks.text_classification.model import TunedModel
from autogen.tasks.text_classification.rows import Example, LabelledRows, LearningData, joined, pick

FEEDBACK_SOURCE = "feedback"


def curate_feedback(data: LearningData, given: FeedbackOn, champion: TunedModel) -> Curation:
    """Sort the feedback on a skill into what teaches, what measures, what waits and what is ignored."""
    curation = curate(
        given.rows(),
        given.memory.feedback.decisions(),
        train={normalise(example.text): example.label for example in data.train.examples},
        eval_texts={normalise(text) for text in data.held_out.texts},
        known_labels={*champion.task.labels, *data.train.labels, RESERVED_LABEL},
        assess=lambda texts: _assess(champion, texts),
    )
    if given.only is None:
        return curation
    only = given.only
    train, evaluation = (
        tuple(example for example in part if only & {*example.feedback_ids})
        for part in (curation.train, curation.evaluation)
    )
    return replace(curation, train=train, evaluation=evaluation)


def _assess(champion: TunedModel, texts: Sequence[str]) -> list[Assessment]:
    return [Assessment(found.label, found.confidence, found.in_scope) for found in champion.predict(texts)]


def with_curated(data: LearningData, curation: Curation) -> LearningData:
    """Curated examples join: a correction takes the place of the training row it corrects."""
    replaced = {normalise(example.text) for example in curation.train if example.replaces}
    replaced |= {normalise(example.text) for example in curation.evaluation}  # set aside means never trained on
    stays = [at for at, text in enumerate(data.train.texts) if normalise(text) not in replaced]
    labelled, measured = ([example.text for example in part] for part in (curation.train, curation.evaluation))
    return replace(
        data,
        unlabelled=data.unlabelled.without(labelled, measured) if data.unlabelled else None,
        train=joined(pick(data.train, stays), _rows(curation.train)),
        set_aside=_rows(curation.evaluation),
        feedback=tuple(sorted({one for e in (*curation.train, *curation.evaluation) for one in e.feedback_ids})),
        corrections_of_eval=len(curation.corrections_of_eval_rows),
    )


def _rows(examples: Sequence[CuratedExample]) -> LabelledRows:
    made = tuple(Example(example.text, example.label) for example in examples)
    rows = tuple(Row({"text": e.text, "label": e.label}, FEEDBACK_SOURCE, at) for at, e in enumerate(made, start=1))
    return LabelledRows(made, rows)


def unlearnt(data: LearningData, learnt: frozenset[str]) -> LearningData:
    """The data without measured rows that have these fingerprints: they would measure memory."""
    return replace(data, held_out=_without(data.held_out, learnt), set_aside=_without(data.set_aside, learnt))


def _without(rows: LabelledRows, learnt: frozenset[str]) -> LabelledRows:
    return pick(rows, [at for at, text in enumerate(rows.texts) if row_fingerprint(text) not in learnt])
