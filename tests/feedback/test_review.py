from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from autogen.feedback.curation import Assessment, Curation, WaitingFeedback
from autogen.feedback.entities import EntitySpan
from autogen.feedback.events import Feedback
from autogen.feedback.review import ReviewItem, describe_eval_corrections, describe_learnt_from, review_items

FEEDBACK = Feedback(
    id="fb-1",
    response_id="r1",
    message="where is it",
    skill="support",
    version="0001",
    intent="refund",
    confidence=0.6,
    rating=None,
    label="lost_card",
    answer=None,
    comment=None,
    user="ann",
    trusted=False,
    source="http",
    created_at=datetime(2026, 1, 31, tzinfo=UTC),
)


def waiting(*items: WaitingFeedback) -> Curation:
    return Curation((), (), items, (), (), {})


def test_what_waits_is_shown_with_what_the_champion_says_now() -> None:
    doubt = WaitingFeedback(FEEDBACK, "likely-error", "Which?", "lost_card", Assessment("card_arrival", 0.95, True))
    assert review_items(waiting(doubt)) == (
        ReviewItem("fb-1", "where is it", "likely-error", "Which?", "card_arrival", "lost_card", "ann"),
    )


def test_without_an_assessment_the_champion_says_what_it_said_then() -> None:
    (item,) = review_items(waiting(WaitingFeedback(FEEDBACK, "down-rated", "What would have been right?")))
    assert (item.champion_says, item.proposed_label) == ("refund", None)


def test_what_was_decided_and_only_waits_for_more_rows_is_not_asked_again() -> None:
    assert review_items(waiting(WaitingFeedback(FEEDBACK, "new-label", "It waits.", "new", decided=True))) == ()


def test_corrections_of_held_out_rows_are_said_in_a_sentence_or_not_at_all() -> None:
    assert describe_eval_corrections(0) == ""
    assert describe_eval_corrections(1).startswith("1 correction is of a held-out row")
    assert describe_eval_corrections(3).startswith("3 corrections are of held-out rows")


def test_whose_feedback_was_learnt_is_said_in_a_sentence_or_not_at_all() -> None:
    assert describe_learnt_from({}) == describe_learnt_from({"owner": 0}) == ""
    learnt_from = {"reviewed": 873, "owner": 1120, "vouched": 2, "stranger": 0}
    assert describe_learnt_from(learnt_from) == (
        "1,995 feedback learnt or set aside: 1,120 yours, 873 reviewed by a person, 2 of users vouched for, unseen."
    )


def test_entities_are_shown_as_they_are_proposed_and_as_the_champion_finds_them_now() -> None:
    proposed, predicted = (EntitySpan(0, 5, "question"),), (EntitySpan(9, 11, "thing"),)
    doubt = WaitingFeedback(
        replace(FEEDBACK, label=None, entities=proposed),
        "untrusted",
        "Are these all?",
        assessment=Assessment("thing: it", 0.9, True, predicted),
    )
    (item,) = review_items(waiting(doubt))
    assert (item.proposed_entities, item.predicted_entities) == (proposed, predicted)
    assert (item.proposal, item.champion_says, item.proposed_label) == ("question: where", "thing: it", None)
    assert item.to_json()["proposed_entities"] == ({"start": 0, "end": 5, "label": "question"},)


def test_of_a_label_nothing_is_said_of_entities() -> None:
    doubt = WaitingFeedback(FEEDBACK, "likely-error", "Which?", "lost_card", Assessment("card_arrival", 0.95, True))
    (item,) = review_items(waiting(doubt))
    assert item.proposal == "lost_card" and not item.of_entities
    assert not {"proposed_entities", "predicted_entities"} & {*item.to_json()}
