"""`autogen chat`: one object per message with --json, feedback in the conversation, bad messages survived."""

from __future__ import annotations

from pathlib import Path

from autogen.feedback.memory import Memory
from tests.cli.process import autogen, called, refused

CARD = "post delivery letterbox courier"


def test_each_message_gets_one_json_object(project: Path) -> None:
    result = autogen("chat", "-p", project, "--json", typed=f"{CARD}\n\nlost stolen wallet freeze\n")
    first, second = result.objects
    assert result.code == 0
    assert (first["action"], first["intent"], first["text"]) == ("answer", "card_arrival", "About card arrival.")
    assert first["conversation_id"] == second["conversation_id"]
    assert (first["version"], first["skill"]) == ("0001", "support")
    assert {"id", "confidence", "alternatives"} <= set(first)


def test_a_new_conversation_is_opened_on_request(project: Path) -> None:
    first, second = autogen("chat", "-p", project, "--json", typed=f"{CARD}\n/new\n{CARD}\n/quit\n{CARD}\n").objects
    assert first["conversation_id"] != second["conversation_id"]


def test_feedback_on_the_last_answer_is_kept(project: Path) -> None:
    typed = f"{CARD}\n/up\n/label top_up\n/answer It is at the post office.\n/comment too short\n/down\n"
    response, *receipts = autogen("chat", "-p", project, "--json", typed=typed).objects
    feedback = Memory.open(project).feedback.all()
    assert [receipt["feedback"] for receipt in receipts] == [entry.id for entry in feedback]
    assert {entry.response_id for entry in feedback} == {response["id"]}
    assert {entry.source for entry in feedback} == {"cli"}
    fields = [(entry.rating, entry.label, entry.answer, entry.comment) for entry in feedback]
    assert fields == [
        (1.0, None, None, None),
        (None, "top_up", None, None),
        (None, None, "It is at the post office.", None),
        (None, None, None, "too short"),
        (0.0, None, None, None),
    ]


def test_feedback_before_an_answer_and_unknown_commands_get_advice(project: Path) -> None:
    result = autogen("chat", "-p", project, typed="/up\n/dance\n")
    assert result.code == 0
    assert "There is no answer to rate yet." in result.err
    assert "/label NAME" in result.err


def test_bad_messages_get_an_error_and_the_conversation_goes_on(project: Path) -> None:
    typed = b"m\xfcller\n" + b"x" * 10_001 + b"\n" + CARD.encode() + b"\n/label\n"
    latin, long, answer, empty = autogen("chat", "-p", project, "--json", typed=typed).objects
    assert "UTF-8" in latin["error"]
    assert "at most 10,000 characters" in long["error"]
    assert answer["intent"] == "card_arrival"
    assert "must say something" in empty["error"]


def test_what_people_write_is_shown_as_it_is(project: Path) -> None:
    typed = f"{CARD}\n/label [/bold] :smile:\n"
    autogen("chat", "-p", project, typed=typed)
    (stored,) = autogen("feedback", "list", "-p", project, "--json").json["feedback"]
    assert stored["label"] == "[/bold] :smile:"
    shown = autogen("feedback", "list", "-p", project)
    assert shown.code == 0
    assert "[/bold] :smile:" in shown.out


def test_a_version_can_be_named_and_an_unknown_one_is_refused(project: Path) -> None:
    (answer,) = autogen("chat", "-p", project, "--version", "1", "--json", typed=f"{CARD}\n").objects
    assert answer["version"] == "0001"
    for unknown in ("9", "abc", "²"):
        refused(called("chat", "-p", project, "--version", unknown), 2, "0001", unknown)


def test_a_label_that_is_no_intent_yet_is_kept_and_said(project: Path) -> None:
    result = autogen("chat", "-p", project, typed=f"{CARD}\n/label top_upp\n/label oos\n")
    assert '"top_upp" is no intent yet: enough rows of it make it one. Did you mean' in " ".join(result.out.split())
    assert result.out.count("no intent yet") == 1
    assert [entry.label for entry in Memory.open(project).feedback.all()] == ["top_upp", "oos"]
