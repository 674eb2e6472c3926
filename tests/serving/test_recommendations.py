from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.serving.process import ServerProcess

FIELDS = "user, history, query, filters, k, exclude, skill"


@pytest.fixture(scope="module")
def films(trained_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Asked by an application with a key, which vouches for the users that it names."""
    folder = shutil.copytree(trained_shop, tmp_path_factory.mktemp("films") / "project")
    with ServerProcess(Path(folder), api_key="key of the application") as running:
        yield running


def ask(films: ServerProcess, **fields: Any) -> dict[str, Any]:
    answer = films.http.post("/v1/recommendations", json=fields)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_a_user_is_recommended_items_with_all_that_a_page_needs(films: ServerProcess) -> None:
    answer = ask(films, user="u1", k=3)
    assert answer["id"].startswith("resp-")
    assert (answer["version"], answer["skill"], answer["notes"]) == ("0001", "films", [])
    assert len(answer["items"]) == 3
    first = answer["items"][0]
    assert set(first) == {"item", "title", "score", "reason", "attributes"}
    assert first["attributes"]["genres"]


def test_a_click_counts_at_once_over_http(films: ServerProcess) -> None:
    answer = ask(films, user="clicker", k=5)
    item = answer["items"][0]["item"]
    click = {"response_id": answer["id"], "label": item, "rating": "up"}
    receipt = films.http.post("/v1/feedback", json={**click, "user": "clicker"})
    assert receipt.status_code == 200
    assert item not in [entry["item"] for entry in ask(films, user="clicker", k=50)["items"]]
    assert item in [entry["item"] for entry in ask(films, user="somebody else", k=50)["items"]]


def test_what_does_not_interest_is_not_shown_to_that_user_again(films: ServerProcess) -> None:
    answer = ask(films, user="picky", k=5)
    item, other = answer["items"][0]["item"], answer["items"][1]["item"]
    given = {"response_id": answer["id"], "user": "picky"}
    for feedback in ({"label": item, "rating": "down"}, {"label": other, "rating": min(5 / 30, 1)}):
        assert films.http.post("/v1/feedback", json={**given, **feedback}).status_code == 200
    shown = [entry["item"] for entry in ask(films, user="picky", k=50)["items"]]
    assert item not in shown
    assert other in shown, "a look of five seconds says neither"
    assert item in [entry["item"] for entry in ask(films, user="another", k=50)["items"]]


def test_a_long_look_counts_as_a_click(films: ServerProcess) -> None:
    answer = ask(films, user="reader", k=5)
    item = answer["items"][0]["item"]
    feedback = {"response_id": answer["id"], "label": item, "rating": min(45 / 30, 1), "user": "reader"}
    assert films.http.post("/v1/feedback", json=feedback).status_code == 200
    assert item not in [entry["item"] for entry in ask(films, user="reader", k=50)["items"]]


def test_wishes_filters_and_exclusions_hold(films: ServerProcess) -> None:
    answer = ask(films, query="a comedy under 10 euros", k=20)
    assert answer["items"]
    assert all("Comedy" in entry["attributes"]["genres"] for entry in answer["items"])
    assert all(entry["attributes"]["price"] <= 10 for entry in answer["items"])
    assert answer["notes"][0].startswith("understood: ")
    only = ask(films, filters={"genres": "horror", "price": {"max": 8}}, exclude=["h1"], k=20)
    assert {entry["item"] for entry in only["items"]} == {"h0", "h2", "h3"}
    assert ask(films, filters={"price": {"max": -1}})["items"] == []


def test_unknown_items_of_a_history_are_said_and_left_out(films: ServerProcess) -> None:
    answer = ask(films, history=["c1", "who knows"], k=3)
    assert answer["notes"] == ["unknown items in the history, left out: who knows"]
    assert len(answer["items"]) == 3


def test_unknown_users_and_exclusions_are_said_and_answered(films: ServerProcess) -> None:
    answer = ask(films, user="nobody", exclude=["c1", "who knows"], k=3)
    assert answer["notes"] == [
        'unknown user "nobody": answered as a stranger',
        "unknown items in exclude, left out: who knows",
    ]
    assert len(answer["items"]) == 3


def test_ids_that_are_numbers_are_their_text(films: ServerProcess) -> None:
    answer = ask(films, user=1234, history=[12], exclude=[13, 14.0], k=3)
    assert answer["notes"] == [
        'unknown user "1234": answered as a stranger',
        "unknown items in the history, left out: 12",
        "unknown items in exclude, left out: 13, 14",
    ]
    feedback = {"response_id": answer["id"], "label": answer["items"][0]["item"], "user": 1234}
    assert films.http.post("/v1/feedback", json=feedback).status_code == 200
    assert ask(films, user=1234)["notes"] == [], "who clicked is known"


def test_a_click_on_an_item_that_the_catalogue_does_not_have_is_kept_and_said(films: ServerProcess) -> None:
    answer = ask(films, user="u1", k=3)
    for item, note in (("no such", 'the catalogue has no item "no such"'), (77, 'the catalogue has no item "77"')):
        receipt = films.http.post("/v1/feedback", json={"response_id": answer["id"], "label": item})
        assert receipt.status_code == 200
        assert receipt.json()["id"].startswith("fb-") and receipt.json()["note"].startswith(note)
    receipt = films.http.post("/v1/feedback", json={"response_id": answer["id"], "label": answer["items"][0]["item"]})
    assert set(receipt.json()) == {"id"}


@pytest.mark.parametrize(
    ("field", "guess"), [("usr", ' Did you mean "user"?'), ("filter", ' Did you mean "filters"?'), ("zzz", "")]
)
def test_a_field_that_is_not_known_is_refused_with_the_nearest(films: ServerProcess, field: str, guess: str) -> None:
    answer = films.http.post("/v1/recommendations", json={"k": 3, field: "u1"})
    assert answer.status_code == 400
    assert answer.json()["error"] == {
        "message": f'Expected the fields {FIELDS} only, found "{field}".{guess}',
        "type": "invalid_request_error",
        "code": "unknown_field",
        "param": field,
    }


def test_a_wish_that_is_not_understood_is_said(films: ServerProcess) -> None:
    note = "not understood: qwerty, asdf; what is shown is a guess"
    assert ask(films, query="qwerty asdf", k=3)["notes"] == [note]
    assert {entry["reason"] for entry in ask(films, query="qwerty asdf", k=3)["items"]} == {"a guess"}
    body = {"messages": [{"role": "user", "content": "qwerty asdf"}]}
    completion = films.http.post("/v1/chat/completions", json=body).json()
    assert completion["autogen"]["notes"] == [note]
    assert completion["choices"][0]["message"]["content"].startswith("Not understood: qwerty, asdf")


def test_in_chat_the_items_are_details_and_propensities_are_not(films: ServerProcess) -> None:
    details_of_answer = films.say("a comedy under 10 euros")["autogen"]
    assert [entry["item"] for entry in details_of_answer["details"]["items"]] == [
        entry["name"] for entry in details_of_answer["alternatives"]
    ]
    assert {*details_of_answer} == {
        *("action", "intent", "confidence", "alternatives", "conversation_id", "version", "skill", "notes", "details")
    }


def test_an_empty_wish_is_none(films: ServerProcess) -> None:
    for query in ("", "  "):
        answer = ask(films, user="u1", query=query, k=3)
        assert answer["notes"] == []
        assert [entry["item"] for entry in answer["items"]] == [
            entry["item"] for entry in ask(films, user="u1", k=3)["items"]
        ]


@pytest.mark.parametrize(
    "fields",
    [
        {"k": 0},
        {"k": 101},
        {"filters": {"colour": "red"}},
        {"filters": {"price": {"max": "cheap"}}},
        {"filters": []},
        {"history": ["x"] * 1001},
        {"query": "x" * 20_000},
        {"user": "x" * 500},
        {"user": "half \ud800"},
        {"query": "half \ud800"},
        {"skill": "support"},
    ],
)
def test_what_cannot_be_asked_is_refused_in_openai_s_shape(films: ServerProcess, fields: dict[str, Any]) -> None:
    body = json.dumps(fields)  # with escapes, as half a character can only be sent
    answer = films.http.post("/v1/recommendations", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 413, 422), answer.text
    assert answer.json()["error"]["message"]


def test_chat_is_each_user_s_own(films: ServerProcess) -> None:
    body = {"messages": [{"role": "user", "content": "a comedy"}], "model": "any", "user": "u5"}
    first = films.http.post("/v1/chat/completions", json=body).json()
    assert first["choices"][0]["message"]["content"].startswith("1. ")
    clicked = first["autogen"]["alternatives"][0]["name"]
    films.http.post("/v1/feedback", json={"response_id": first["id"], "label": clicked, "user": "u5"})
    again = films.http.post("/v1/chat/completions", json=body).json()
    assert clicked not in [entry["name"] for entry in again["autogen"]["alternatives"]]


def test_without_a_key_a_click_moves_its_conversation_and_nobody_else_whatever_name_it_gives(
    trained_shop: Path, tmp_path: Path
) -> None:
    with ServerProcess(Path(shutil.copytree(trained_shop, tmp_path / "open"))) as films:
        users = ("u5", "u6", "clicker")
        before = [ask(films, user=user)["items"] for user in users]
        items = [entry["item"] for entry in before[0]]
        for number in range(20):
            answer = ask(films, user=f"invented {number}", k=20)
            click = {"response_id": answer["id"], "label": items[0], "user": users[number % 3]}
            assert films.http.post("/v1/feedback", json=click).status_code == 200
        shown = [ask(films, user=user)["items"] for user in users]
        assert [[entry["item"] for entry in each] for each in shown] == [
            [entry["item"] for entry in each] for each in before
        ]
        body = {"messages": [{"role": "user", "content": "a comedy"}], "metadata": {"conversation_id": "talk"}}
        first = films.http.post("/v1/chat/completions", json={**body, "model": "any"}).json()
        clicked = first["autogen"]["alternatives"][0]["name"]
        films.http.post("/v1/feedback", json={"response_id": first["id"], "label": clicked})
        again = films.http.post("/v1/chat/completions", json={**body, "model": "any"}).json()
        assert clicked not in [entry["name"] for entry in again["autogen"]["alternatives"]]


def test_an_agent_without_the_skill_says_so(server: ServerProcess) -> None:
    answer = server.http.post("/v1/recommendations", json={"user": "u"})
    assert answer.status_code == 400
    assert "recommend" in answer.json()["error"]["message"]


def test_answering_never_loads_the_learning_wing(trained_shop: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(trained_shop, tmp_path / "project"))
    with ServerProcess(folder) as running:
        ask(running, user="u1", query="a comedy")
        heavy = running.stop()
    assert heavy == []
