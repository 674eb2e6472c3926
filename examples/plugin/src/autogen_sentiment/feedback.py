"""Corrections of sentiments: sorted by AutoGen's own curation, and joined with the rows there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from autogen.config.settings import RESERVED_LABEL
from autogen.data.text import normalise
from autogen.feedback.curation import Assessment, CuratedExample, Curation, curate
from autogen.tasks.task import FeedbackOn
from autogen_sentiment.lexicon import Lexicon
from autogen_sentiment.rows import Example, Examples, SentimentData


def curate_feedback(data: SentimentData, given: FeedbackOn, champion: Lexicon) -> Curation:
    """What teaches, what measures, what waits for review, and what is ignored."""

    def assess(texts: Sequence[str]) -> list[Assessment]:
        return [Assessment(one.label, one.confidence, one.known) for one in champion.predict(texts)]

    curation = curate(
        given.rows(),
        given.memory.feedback.decisions(),
        train={normalise(one.text): one.label for one in data.train},
        eval_texts={normalise(one.text) for one in data.held_out},
        known_labels={*champion.labels, *(one.label for one in data.train), RESERVED_LABEL},
        assess=assess,
        policy=given.policy,
    )
    if given.only is None:
        return curation
    only = given.only
    train, evaluation = (
        tuple(one for one in part if only & {*one.feedback_ids}) for part in (curation.train, curation.evaluation)
    )
    return replace(curation, train=train, evaluation=evaluation)


def with_curated(data: SentimentData, curation: Curation) -> SentimentData:
    """A correction takes the place of the train row that it corrects; what is set aside is never learnt."""
    given = (*curation.train, *curation.evaluation)
    replaced = {normalise(one.text) for one in given}
    stays = tuple(one for one in data.train if normalise(one.text) not in replaced)
    return replace(
        data,
        train=(*stays, *_examples(curation.train)),
        set_aside=_examples(curation.evaluation),
        feedback=tuple(sorted({name for one in given for name in one.feedback_ids})),
        corrections_of_eval=len(curation.corrections_of_eval_rows),
    )


def _examples(curated: Sequence[CuratedExample]) -> Examples:
    return tuple(Example(one.text, one.label) for one in curated)
