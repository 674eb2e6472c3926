from __future__ import annotations

import sqlite3
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autogen.errors import StorageError, UnknownResponse, UsageError
from autogen.feedback.entities import EntitySpan
from autogen.feedback.events import SHORT_ID, FeedbackStore, new_id, parse_rating
from autogen.storage.database import Database
from autogen.storage.responses import ResponseStore

RECORD = """
import sys
from pathlib import Path
from autogen.feedback.events import FeedbackStore
from autogen.storage.database import Database
store = FeedbackStore(Database.open(Path(sys.argv[1])))
while True:
    said = store.record("r1", label="lost_card", comment="é" * 3000, trusted=False, source="http")
    print(said.id, flush=True)
"""


def test_feedback_keeps_what_was_said_and_the_response_it_was_about(store: FeedbackStore) -> None:
    feedback = store.record(
        "r1",
        rating="down",
        label="lost_card",
        answer="Block it first.",
        user="ann",
        trusted=False,
        source="http",
    )
    assert (feedback.message, feedback.skill, feedback.version) == ("where is my card", "support", "0001")
    assert (feedback.intent, feedback.confidence, feedback.action) == ("card_arrival", 0.93, "answer")
    assert (feedback.rating, feedback.label, feedback.comment) == (0.0, "lost_card", None)
    assert store.get(feedback.id) == feedback
    assert store.all() == [feedback]


def test_feedback_keeps_whether_its_user_is_vouched_for(store: FeedbackStore) -> None:
    named = store.record("r1", rating=1, user="ann", trusted=False, vouched=True, source="http")
    nobody = store.record("r1", rating=1, user=" ", trusted=False, vouched=True, source="http")
    claimed = store.record("r1", rating=1, user="ann", trusted=False, source="http")
    assert [store.get(item.id).vouched for item in (named, nobody, claimed)] == [True, False, False]


def test_decisions_are_in_the_order_in_which_they_were_made(store: FeedbackStore) -> None:
    first, second = (store.record("r1", label="lost_card", trusted=True, source="cli") for _ in range(2))
    store.decide(second.id, "accept")
    store.decide(first.id, "accept")
    store.record("r1", label="lost_card", trusted=True, source="cli")
    store.decide(second.id, "drop")
    decisions = store.decisions()
    assert [*decisions] == [first.id, second.id]
    assert [item.feedback_until for item in decisions.values()] == [2, 3]
    assert [item.number for item in store.all()] == [1, 2, 3]


def test_feedback_is_listed_in_order_of_arrival(store: FeedbackStore) -> None:
    ids = [store.record("r1", rating=1, trusted=True, source="python").id for _ in range(5)]
    assert [feedback.id for feedback in store.all()] == ids


def test_feedback_that_says_nothing_is_refused(store: FeedbackStore) -> None:
    with pytest.raises(UsageError, match="must say something"):
        store.record("r1", label="  ", comment="", user="ann", trusted=True, source="cli")
    assert store.all() == []


def test_feedback_on_a_response_that_was_never_given_is_refused(store: FeedbackStore) -> None:
    with pytest.raises(UnknownResponse, match='"r2"'):
        store.record("r2", rating="up", trusted=True, source="cli")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"label": "x" * 201}, "label may have 200 characters"),
        ({"answer": "x" * 10_001}, "better answer may have 10,000 characters at most, but has 10,001"),
        ({"comment": "x" * 10_001}, "comment may have 10,000"),
        ({"rating": 1, "user": "x" * 201}, "user may have 200"),
        ({"comment": "a\0b"}, "NUL"),
        ({"comment": "\ud83d"}, "valid Unicode"),
        ({"rating": 1.5}, "from 0 to 1"),
        ({"rating": float("nan")}, "from 0 to 1"),
        ({"rating": "great"}, "'great'"),
    ],
)
def test_what_is_out_of_bounds_is_refused_by_name(
    store: FeedbackStore, fields: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        store.record("r1", trusted=True, source="cli", **fields)  # type: ignore[arg-type]
    assert store.all() == []


@pytest.mark.parametrize(("value", "rating"), [("up", 1), (" Down ", 0), (0.25, 0.25), ("0.5", 0.5), (1, 1), (0, 0)])
def test_a_rating_is_up_down_or_a_number(value: object, rating: float) -> None:
    assert parse_rating(value) == rating


def test_a_good_rating_agrees_with_an_answer_but_not_with_a_question_back(database: Database) -> None:
    store = FeedbackStore(database)
    stored_response = ResponseStore(database).get("r1")
    ResponseStore(database).add([replace(stored_response, id="r2", action="clarify")])
    assert store.record("r1", rating="up", trusted=True, source="cli").taught_label == "card_arrival"
    assert store.record("r1", rating="down", trusted=True, source="cli").taught_label is None
    assert store.record("r2", rating="up", trusted=True, source="cli").taught_label is None
    assert store.record("r2", rating="up", label="a", trusted=True, source="cli").taught_label == "a"


def answered(database: Database, details: dict[str, object], **changes: object) -> FeedbackStore:
    """A store whose response `r2` has these details."""
    responses = ResponseStore(database)
    responses.add([replace(responses.get("r1"), id="r2", details=details, **changes)])  # type: ignore[arg-type]
    return FeedbackStore(database)


CARD = {"start": 12, "end": 16, "label": "thing", "text": "card", "confidence": 0.9}


def test_a_good_rating_agrees_with_the_entities_that_were_answered(database: Database) -> None:
    store = answered(database, {"entities": [CARD]})
    good = store.record("r2", rating="up", trusted=True, source="cli")
    assert good.taught_entities == (EntitySpan(12, 16, "thing"),) and good.entities is None
    assert store.record("r2", rating="down", trusted=True, source="cli").taught_entities is None
    right = store.record("r2", rating="up", entities=[], trusted=True, source="cli")
    assert right.taught_entities == ()
    assert store.all()[0] == good
    assert good.to_json()["answered_entities"] == ({"start": 12, "end": 16, "label": "thing"},)


def test_a_good_rating_of_a_refusal_agrees_with_no_entities(database: Database) -> None:
    store = answered(database, {"entities": []}, action="decline")
    assert store.record("r2", rating="up", trusted=True, source="cli").taught_entities is None


@pytest.mark.parametrize("details", [{}, {"entities": "many"}, {"entities": [{**CARD, "end": 90}]}])
def test_details_that_name_no_entities_of_the_message_are_passed_over(
    database: Database, details: dict[str, object]
) -> None:
    store = answered(database, details)
    kept = store.record("r2", rating="up", trusted=True, source="cli")
    assert kept.taught_entities is None and "answered_entities" not in kept.to_json()


def test_other_entities_may_be_decided_in_place_of_those_given(database: Database) -> None:
    store, right = FeedbackStore(database), (EntitySpan(12, 16, "thing"),)
    wrong = store.record("r1", entities=[EntitySpan(0, 5, "thing")], trusted=False, source="http")
    store.decide(wrong.id, "accept")
    assert store.decisions()[wrong.id].entities is None
    store.decide(wrong.id, "relabel", entities=right)
    assert store.decisions()[wrong.id].entities == right
    with pytest.raises(UsageError, match="within the message's 16 characters"):
        store.decide(wrong.id, "relabel", entities=[EntitySpan(12, 17, "thing")])
    with pytest.raises(UsageError, match='"drop" takes no entities'):
        store.decide(wrong.id, "drop", entities=right)


def test_many_are_kept_or_none(store: FeedbackStore) -> None:
    first = store.record("r1", rating=1, trusted=True, source="cli")
    with pytest.raises(StorageError):
        store.add_many([replace(first, id=new_id()), first])
    assert store.all() == [first]


def test_a_decision_is_kept_and_a_later_one_takes_its_place(store: FeedbackStore) -> None:
    feedback = store.record("r1", label="lost_card", trusted=False, source="http")
    store.decide(feedback.id, "accept")
    assert store.decisions()[feedback.id].decision == "accept"
    store.decide(feedback.id, "relabel", "stolen_card")
    decision = store.decisions()[feedback.id]
    assert (decision.decision, decision.label) == ("relabel", "stolen_card")
    assert abs((datetime.now(UTC) - decision.decided_at).total_seconds()) < 60


def test_a_decision_that_makes_no_sense_is_refused(store: FeedbackStore) -> None:
    down = store.record("r1", rating="down", trusted=False, source="http")
    with pytest.raises(UsageError, match="nothing to accept"):
        store.decide(down.id, "accept")
    with pytest.raises(UsageError, match="give the right label"):
        store.decide(down.id, "relabel", " ")
    with pytest.raises(UsageError, match="takes no label"):
        store.decide(down.id, "drop", "lost_card")
    with pytest.raises(UsageError, match='"keep"'):
        store.decide(down.id, "keep")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="200 characters"):
        store.decide(down.id, "relabel", "x" * 201)
    with pytest.raises(UsageError, match='No feedback has the id "fb-0"'):
        store.decide("fb-0", "drop")
    assert store.decisions() == {}


@pytest.mark.usefixtures("database")
def test_every_acknowledged_feedback_survives_a_kill_at_any_point(tmp_path: Path) -> None:
    path = tmp_path / "autogen.db"
    acknowledged: set[str] = set()
    for lines in (1, 2, 7, 30):
        command = [sys.executable, "-c", RECORD, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            lines_read = [child.stdout.readline() for _ in range(lines)]
            child.kill()
            lines_read += list(child.stdout)
        acknowledged |= {line.strip() for line in lines_read if line.endswith("\n")}
        stored_ids = {feedback.id for feedback in FeedbackStore(Database.open(path)).all()}
        assert acknowledged <= stored_ids
    assert len(acknowledged) >= 40
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_processes_record_at_once(database: Database, tmp_path: Path) -> None:
    command = [sys.executable, "-c", RECORD, str(tmp_path / "autogen.db")]
    writers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    acknowledged = []
    for writer in writers:
        assert writer.stdout is not None
        acknowledged += [writer.stdout.readline().strip() for _ in range(15)]
    own_ids = [FeedbackStore(database).record("r1", rating=1, trusted=True, source="cli").id for _ in range(15)]
    for writer in writers:
        assert writer.poll() is None
        writer.kill()
        writer.communicate()
    assert {*acknowledged, *own_ids} <= {feedback.id for feedback in FeedbackStore(database).all()}


def test_a_message_keeps_all_but_the_character_that_no_file_can_hold(database: Database) -> None:
    responses = ResponseStore(database)
    responses.add([replace(responses.get("r1"), id="r2", message="a\0b", action="decline", intent=None)])
    assert FeedbackStore(database).record("r2", rating=0, trusted=True, source="cli").message == "ab"


def test_the_beginning_of_an_id_is_enough_where_only_one_begins_so(store: FeedbackStore) -> None:
    first, second = (store.record("r1", rating="up", trusted=True, source="cli") for _ in range(2))
    assert store.get(first.id[:SHORT_ID]) == first
    store.decide(second.id[:SHORT_ID], "drop")
    assert [*store.decisions()] == [second.id]
    with pytest.raises(UsageError, match='More than one id begins with "fb-"'):
        store.get("fb-")
    with pytest.raises(UsageError, match='No feedback has the id "fb_________"'):
        store.get("fb_________")
