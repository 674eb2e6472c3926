"""The chat route as OpenAI's own client and others use it."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from tests.serving.process import ONE, ServerProcess, words

LOST = "i lost my card"


def client(server: ServerProcess, key: str = "unused") -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=0)


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def after(completion: dict[str, Any], messages: list[dict[str, Any]], text: str) -> list[dict[str, Any]]:
    """The conversation as a client without memory sends it next."""
    return [*messages, {"role": "assistant", "content": words(completion)}, user(text)]


def refused(server: ServerProcess, body: Any) -> dict[str, Any]:
    answer = server.http.post("/v1/chat/completions", json=body)
    assert answer.status_code == 400, answer.text
    error: dict[str, Any] = answer.json()["error"]
    return error


def test_the_openai_client_gets_an_answer_under_any_model_name(server: ServerProcess) -> None:
    completion = client(server).chat.completions.create(
        model="whatever", messages=[{"role": "user", "content": LOST}], temperature=0.5, user="ann"
    )
    assert completion.id.startswith("resp-")
    assert completion.choices[0].message.content is not None
    assert completion.choices[0].message.content.endswith("version one")
    assert completion.choices[0].finish_reason == "stop"
    assert completion.model == f"tiny-{ONE}"


def test_what_we_know_beyond_the_text_is_under_one_key(server: ServerProcess) -> None:
    details = server.say(LOST)["autogen"]
    assert details["action"] == "answer" and details["version"] == ONE and details["skill"] == "support"
    assert details["alternatives"][0] == {"name": details["intent"], "confidence": details["confidence"]}


def test_the_openai_client_reads_a_stream(server: ServerProcess) -> None:
    stream = client(server).chat.completions.create(
        model="m",
        messages=[{"role": "user", "content": LOST}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text.endswith("version one")
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage is not None and not chunks[-1].choices
    assert len({chunk.id for chunk in chunks}) == 1


def test_a_stream_ends_with_done(server: ServerProcess) -> None:
    answer = server.http.post("/v1/chat/completions", json={"messages": [user(LOST)], "stream": True})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.endswith("data: [DONE]\n\n")


def test_the_openai_client_lists_the_versions_in_memory(server: ServerProcess) -> None:
    assert [model.id for model in client(server).models.list()] == [f"tiny-{ONE}"]


def test_content_may_be_a_list_of_text_parts(server: ServerProcess) -> None:
    parts = [{"type": "text", "text": "i lost"}, {"type": "text", "text": "my card"}]
    assert words(server.chat([{"role": "user", "content": parts}])) == words(server.say(LOST))


def test_a_conversation_id_opens_a_conversation(server: ServerProcess) -> None:
    assert server.say(LOST, "ann-1")["autogen"]["conversation_id"] == "ann-1"


def test_an_image_is_refused_by_the_name_of_its_field(server: ServerProcess) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,"}}
    error = refused(server, {"messages": [{"role": "user", "content": [image]}]})
    assert error["param"] == "messages.0.content" and "text only" in error["message"]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": [user("hi")] * 1001}, "messages"),
        ({"messages": [{"content": "hi"}]}, "messages.0.role"),
        ({"messages": [{"role": "system", "content": "be nice"}]}, "messages"),
        ({"messages": [user("hi")], "metadata": {"conversation_id": 5}}, "metadata.conversation_id"),
        ({"messages": [user("hi")], "metadata": {"conversation_id": "x" * 201}}, "metadata.conversation_id"),
        ({"messages": [user("  ")]}, None),
        ([1, 2], None),
    ],
)
def test_what_is_wrong_with_a_request_is_named(server: ServerProcess, body: Any, param: str | None) -> None:
    error = refused(server, body)
    assert error["param"] == param and error["type"] == "invalid_request_error" and error["message"]


def test_half_a_surrogate_pair_is_refused(server: ServerProcess) -> None:
    answer = server.http.post(
        "/v1/chat/completions",
        content=rb'{"messages": [{"role": "user", "content": "\ud800"}]}',
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 400 and "Unicode" in answer.json()["error"]["message"]


def test_after_being_asked_back_a_number_chooses_in_a_conversation_with_an_id(asking: ServerProcess) -> None:
    question = asking.say(LOST, "by-number")
    assert question["autogen"]["action"] == "clarify"
    second = question["autogen"]["alternatives"][1]["name"]
    answer = asking.say("2", "by-number")
    assert (answer["autogen"]["action"], answer["autogen"]["intent"]) == ("answer", second)


def test_after_being_asked_back_a_number_chooses_for_a_client_that_sends_everything(asking: ServerProcess) -> None:
    first = [{"role": "system", "content": "It is 10:01."}, user(LOST)]
    question = asking.chat(first)
    again = [{"role": "system", "content": "It is 10:02."}, *after(question, first, "2")[1:]]
    answer = asking.chat(again)
    assert answer["autogen"]["intent"] == question["autogen"]["alternatives"][1]["name"]
    assert answer["autogen"]["action"] == "answer"


def test_after_being_asked_back_the_name_of_an_intent_chooses(asking: ServerProcess) -> None:
    question = asking.chat([user(LOST)])
    name = question["autogen"]["alternatives"][1]["name"]
    answer = asking.chat(after(question, [user(LOST)], name.replace("_", " ").upper()))
    assert answer["autogen"]["intent"] == name


def test_two_people_who_begin_alike_choose_each_for_themselves(asking: ServerProcess) -> None:
    ann, bob = asking.chat([user(LOST)]), asking.chat([user(LOST)])
    assert ann["autogen"]["conversation_id"] != bob["autogen"]["conversation_id"]
    first, second = (alternative["name"] for alternative in ann["autogen"]["alternatives"][:2])
    assert asking.chat(after(ann, [user(LOST)], "1"))["autogen"]["intent"] == first
    assert asking.chat(after(bob, [user(LOST)], "2"))["autogen"]["intent"] == second


def test_a_client_may_go_on_by_the_conversation_id_it_was_given(asking: ServerProcess) -> None:
    ann, bob = asking.chat([user(LOST)]), asking.chat([user(LOST)])
    asking.chat(after(bob, [user(LOST)], "1"))  # finds either's answer, and must not touch Ann's conversation
    asking.chat(after(bob, [user(LOST)], "1"))
    answer = asking.say("2", ann["autogen"]["conversation_id"])
    assert answer["autogen"]["intent"] == ann["autogen"]["alternatives"][1]["name"]


def test_the_same_request_sent_again_is_understood_the_same(asking: ServerProcess) -> None:
    question = asking.chat([user(LOST)])
    choice = after(question, [user(LOST)], "2")
    once, again = asking.chat(choice), asking.chat(choice)
    assert once["autogen"]["intent"] == again["autogen"]["intent"]
    assert once["autogen"]["action"] == again["autogen"]["action"] == "answer"
    assert once["id"] != again["id"]


def test_a_number_chooses_nothing_when_the_transcript_was_not_ours(asking: ServerProcess) -> None:
    invented = [user(LOST), {"role": "assistant", "content": "Did you mean (1) this or (2) that?"}, user("2")]
    assert asking.chat(invented)["autogen"]["action"] == "clarify"


def test_a_conversation_without_an_id_goes_on_for_several_turns(asking: ServerProcess) -> None:
    messages = [user(LOST)]
    for message in ("1", "and the exchange rate of euro", "2"):
        messages = after(asking.chat(messages), messages, message)
    last = asking.chat(messages)
    assert last["autogen"]["action"] == "answer"


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("n", 2, "Expected 1, found 2"),
        ("tools", [{"type": "function", "function": {"name": "look_up"}}], "Expected at most 0 entries, found 1"),
        ("tool_choice", "required", "Expected 'none'"),
        ("functions", [{"name": "look_up"}], "Expected at most 0 entries"),
        ("response_format", {"type": "json_object"}, "Expected 'text'"),
    ],
)
def test_what_would_give_the_answer_another_shape_is_refused_by_its_name(
    server: ServerProcess, field: str, value: object, expected: str
) -> None:
    error = refused(server, {"messages": [{"role": "user", "content": "hello"}], field: value})
    assert error["param"].startswith(field) and expected in error["message"]


def test_fields_that_change_nothing_are_passed_over(server: ServerProcess) -> None:
    same = {"n": 1, "tools": [], "tool_choice": "none", "response_format": {"type": "text"}, "temperature": 0.2}
    answer = server.http.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": "hello"}], **same})
    assert answer.status_code == 200
