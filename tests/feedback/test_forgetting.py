"""Feedback is dropped by who gave it, how and when; a person's data is found, exported, and gone from the disk."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from autogen.feedback.events import Feedback, FeedbackStore
from autogen.feedback.exchange import export_feedback, import_feedback
from autogen.feedback.forgetting import Selection, erase_person, find_person, reports_that_quote
from autogen.storage.database import Database
from autogen.storage.responses import ResponseStore
from tests.feedback.test_curation import START, feedback, stranger

SECRET = "my-unmistakable-secret"


@pytest.fixture
def filled(database: Database, store: FeedbackStore) -> Database:
    """Ann wrote and corrected, Bob corrected an answer to her, and the owner said something of nobody."""
    responses = ResponseStore(database)
    first = replace(responses.get("r1"), id="r2", conversation_id="c2", user="ann", message=SECRET)
    second = replace(first, id="r3", user=None, message=f"{SECRET} again")
    responses.add([first, second])
    store.record("r1", label="refund", trusted=True, source="cli")
    corrected = store.record("r2", label="refund", user="ann", trusted=False, source="http")
    store.decide(corrected.id, "drop")
    store.record("r3", label="refund", user="bob", trusted=False, source="http")
    return database


def test_a_selection_is_by_all_that_it_names() -> None:
    items = [
        feedback(1, label="refund"),
        stranger(2, label="refund"),
        stranger(3, label="refund", user=None),
        stranger(4, label="refund", source="python"),
    ]

    def selected(**criteria: object) -> list[int]:
        return [item.number for item in Selection(**criteria).of(items)]  # type: ignore[arg-type]

    assert selected(user="ann") == [2, 4]
    assert selected(user="ann", source="http") == [2]
    assert selected(user="", source="http") == [3]
    assert selected(since=START + timedelta(minutes=3)) == [3, 4]


def test_a_persons_data_is_found_and_exported(filled: Database, tmp_path: Path) -> None:
    person = find_person(filled, "ann")
    assert [row["id"] for row in person.responses] == ["r2", "r3"]
    assert [row["user"] for row in person.feedback] == ["ann", "bob"]
    assert person.texts == {SECRET, f"{SECRET} again"}
    person.write(tmp_path / "ann.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "ann.jsonl").read_text("utf-8").splitlines()]
    assert [line["kind"] for line in lines] == ["response", "response", "feedback", "feedback"]
    assert lines[0]["message"] == SECRET and lines[2]["label"] == "refund"


def test_what_is_erased_is_nowhere_in_the_databases_files(filled: Database, store: FeedbackStore) -> None:
    folder = Path(filled.name).parent

    def on_disk() -> bool:
        return any(SECRET.encode() in path.read_bytes() for path in folder.iterdir())

    assert on_disk()
    assert erase_person(filled, "ann")
    assert not on_disk()
    assert find_person(filled, "ann").responses == find_person(filled, "ann").feedback == ()
    assert store.decisions() == {}
    assert [(item.message, item.label, item.comment) for item in store.all()] == [("where is my card", "refund", None)]


def test_what_is_left_after_an_erasure_is_exported_and_comes_in_again(
    filled: Database, store: FeedbackStore, tmp_path: Path
) -> None:
    erase_person(filled, "ann")
    export_feedback(store, tmp_path / "all.jsonl")
    elsewhere = FeedbackStore(Database.open(tmp_path / "elsewhere/agent.db"))
    assert import_feedback(elsewhere, tmp_path / "all.jsonl").imported == 1


def test_what_comes_after_an_erasure_is_newer_than_what_was_there(filled: Database, store: FeedbackStore) -> None:
    last = max(item.number for item in store.all())
    erase_person(filled, "ann")
    store.record("r1", label="refund", trusted=True, source="cli")
    assert max(item.number for item in store.all()) == last + 1
    assert [item.label for item in store.since(last)[0]] == ["refund"]


def test_a_reader_who_keeps_the_log_is_told(filled: Database) -> None:
    other = Database.open(Path(filled.name))
    other._durable.dispose()
    with other.reading() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM feedback").scalar_one()
        with filled.durable() as writer:
            writer.exec_driver_sql("UPDATE feedback SET comment = 'x'")
        connection_of_filled = filled._durable.raw_connection()
        connection_of_filled.cursor().execute("PRAGMA busy_timeout = 10")
        connection_of_filled.close()
        assert not erase_person(filled, "ann")


def test_reports_that_quote_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "reports/0002"
    folder.mkdir(parents=True)
    (folder / "report.html").write_text("<td>a &lt;b&gt; &quot;c&quot;</td>", "utf-8")
    (folder / "other.html").write_text("<td>nothing</td>", "utf-8")
    assert reports_that_quote(tmp_path, {'a <b> "c"'}) == [str(folder / "report.html")]
    assert reports_that_quote(tmp_path / "none", {"a"}) == []


def test_an_erased_feedback_teaches_nothing() -> None:
    from tests.feedback.test_curation import curated, reasons

    blank: Feedback = feedback(1, "", comment="erased", created_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert reasons(curated([blank])) == {"fb-0001": "nothing-to-learn"}
