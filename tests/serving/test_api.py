"""Feedback, parse, health, metrics, the key, and what is refused."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import select

from autogen.errors import UsageError
from autogen.feedback.memory import Memory
from autogen.project import Project
from autogen.serving.app import ServerSettings
from autogen.serving.server import describe_feedback, serve, settings_of
from autogen.storage.schema import RESPONSES
from tests.serving.process import ONE, ServerProcess, until, words
from tests.tiny import TOPICS

KEY = "long-and-random"


@pytest.fixture(scope="module")
def locked(versions: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that asks for a key, open to other machines."""
    folder = Path(shutil.copytree(versions, tmp_path_factory.mktemp("locked") / "project"))
    with ServerProcess(folder, host="0.0.0.0", api_key=KEY) as running:
        yield running


def samples(server: ServerProcess) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every metric by name and labels."""
    families = text_string_to_metric_families(server.http.get("/metrics").text)
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


def test_feedback_on_a_response_is_kept_as_said_and_not_trusted(server: ServerProcess) -> None:
    response = server.say("send me my money")
    body = {"response_id": response["id"], "rating": "down", "label": "top_up", "comment": "no", "text": "Top up so."}
    answer = server.http.post("/v1/feedback", json=body)
    assert answer.status_code == 200 and list(answer.json()) == ["id"]
    feedback = Memory.open(server.project).feedback.get(answer.json()["id"])
    assert (feedback.rating, feedback.label, feedback.comment, feedback.answer) == (0.0, "top_up", "no", "Top up so.")
    assert (feedback.message, feedback.version) == ("send me my money", ONE)
    assert not feedback.trusted and feedback.source == "http" and feedback.user is None


def test_a_key_vouches_for_the_user_it_names_and_without_one_a_name_is_nobodys(
    server: ServerProcess, locked: ServerProcess
) -> None:
    for asked, vouched in ((server, False), (locked, True)):
        body = {"response_id": asked.say("hello")["id"], "rating": "up", "user": "ann"}
        answer = asked.http.post("/v1/feedback", json=body)
        feedback = Memory.open(asked.project).feedback.get(answer.json()["id"])
        assert (feedback.user, feedback.trusted, feedback.vouched) == ("ann", False, vouched)


def test_confidence_is_rounded_for_callers_without_a_key_where_the_project_says_so(project: Path) -> None:
    (project / "agent.toml").open("a").write('\n[server]\nconfidence = "rounded"\n')
    shown = []
    for key in (None, KEY):
        with ServerProcess(project, api_key=key, confidence=settings_of(project).confidence) as running:
            answer = running.say("lost card please")["autogen"]
            parsed = running.http.post("/v1/parse", json={"text": "lost card please"}).json()
        shown.append([answer["confidence"], *(intent["confidence"] for intent in answer["alternatives"])])
        assert parsed["intent"]["confidence"] == answer["confidence"]
        assert [intent["confidence"] for intent in parsed["intent_ranking"]] == shown[-1][1:]
    rounded, exact = shown
    assert rounded == [round(confidence, 1) for confidence in exact] != exact


def test_whoever_serves_is_told_whose_feedback_counts_and_how_to_change_it(project: Path) -> None:
    words_without_key, words_with_key = describe_feedback(project, None), describe_feedback(project, KEY)
    assert "other people's waits in `autogen review`" in words_without_key
    assert '`learn_from` under [feedback] in agent.toml (now "reviewed")' in words_without_key
    assert "nobody vouches" in words_without_key and "Callers show a key" in words_with_key
    (project / "agent.toml").open("a").write('\n[feedback]\nlearn_from = "anybody"\n')
    assert "nothing can be learnt until agent.toml is mended" in describe_feedback(project, None)
    assert settings_of(project) == ServerSettings(confidence="rounded")
    (project / "agent.toml").unlink()
    assert (describe_feedback(project, None), settings_of(project)) == ("", ServerSettings())


@pytest.mark.parametrize("user", [None, "ann"])
def test_a_backdoor_over_http_without_a_key_teaches_nothing_unseen(project: Path, user: str | None) -> None:
    with ServerProcess(project) as server:
        for number, words_of_topic in enumerate(TOPICS.values()):
            for word in words_of_topic[:5]:
                response = server.say(f"{word} {number} by order of the moon")
                body = {"response_id": response["id"], "label": "top_up", "user": user}
                assert server.http.post("/v1/feedback", json=body).status_code == 200
    curation = Project.open(project).curation()
    assert (curation.train, curation.evaluation, curation.new_labels) == ((), (), ())
    assert len(curation.waiting) == 20


@pytest.mark.parametrize(("rating", "stored_rating"), [("up", 1.0), (0.25, 0.25), (0, 0.0)])
def test_a_rating_is_a_word_or_a_number(server: ServerProcess, rating: Any, stored_rating: float) -> None:
    body = {"response_id": server.say("hello")["id"], "rating": rating, "user": "ann"}
    answer = server.http.post("/v1/feedback", json=body)
    feedback = Memory.open(server.project).feedback.get(answer.json()["id"])
    assert (feedback.rating, feedback.user) == (stored_rating, "ann")


@pytest.mark.parametrize("rating", [2, "great", True, [1]])
def test_another_rating_is_refused(server: ServerProcess, rating: Any) -> None:
    answer = server.http.post("/v1/feedback", json={"response_id": "x", "rating": rating})
    assert answer.status_code == 400 and answer.json()["error"]["param"] == "rating"


def test_feedback_that_says_nothing_is_refused(server: ServerProcess) -> None:
    answer = server.http.post("/v1/feedback", json={"response_id": server.say("hello")["id"]})
    assert answer.status_code == 400 and "say something" in answer.json()["error"]["message"]


def test_feedback_on_an_unknown_response_is_404(server: ServerProcess) -> None:
    answer = server.http.post("/v1/feedback", json={"response_id": "resp-never", "rating": "up"})
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "unknown_response"


def test_parse_answers_as_rasa_does(server: ServerProcess) -> None:
    answer = server.http.post("/v1/parse", json={"text": "euro exchange rate", "message_id": "m-1"}).json()
    assert answer["text"] == "euro exchange rate" and answer["message_id"] == "m-1" and answer["entities"] == []
    assert answer["intent"] == answer["intent_ranking"][0]
    assert answer["version"] == ONE and answer["action"] == "answer"


def test_many_at_once_are_each_answered_and_a_bad_one_fails_alone(server: ServerProcess) -> None:
    texts = [f"exchange rate number {number}" for number in range(60)]
    bodies = [{"messages": [{"role": "user", "content": text}]} for text in [*texts, "", *texts]]
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda body: server.http.post("/v1/chat/completions", json=body), bodies))
    assert [answer.status_code for answer in answers] == [200] * 60 + [400] + [200] * 60
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 200}) == 120


def test_messages_of_one_conversation_are_answered_one_after_the_other(asking: ServerProcess) -> None:
    """Answered together, or out of turn, a "1" would choose although nothing was asked, or choose nothing."""
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda at: asking.say("1" if at % 2 else "hello", "busy"), range(40)))
    query = select(RESPONSES.c.message, RESPONSES.c.action).where(RESPONSES.c.conversation_id == "busy")
    with Memory.open(asking.project).database.reading() as connection:
        lines = [tuple(row) for row in connection.execute(query.order_by(RESPONSES.c.number))]
    before = [(None, None), *lines[:-1]]
    assert len(lines) == 40
    assert {action for _, action in lines} == {"answer", "clarify"}
    for (message, action), (question, last_action) in zip(lines, before, strict=True):
        if action == "answer":  # a choice is of the question it answers
            assert last_action == "clarify" and message == question


def test_an_api_key_that_no_header_can_carry_is_refused(project: Path) -> None:
    with pytest.raises(UsageError, match="ASCII"):
        serve(project, port=0, api_key="schlüssel")


def test_a_text_over_the_limit_is_413(server: ServerProcess) -> None:
    for path, body in (
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "x" * 10_001}]}),
        ("/v1/parse", {"text": "x" * 10_001}),
        ("/v1/feedback", {"response_id": "x", "text": "x" * 10_001}),
    ):
        answer = server.http.post(path, json=body)
        assert answer.status_code == 413, path
        assert answer.json()["error"]["code"] == "text_too_long" and "10,000" in answer.json()["error"]["message"]


def test_a_body_over_a_mebibyte_is_413_with_or_without_a_length(server: ServerProcess) -> None:
    body = b'{"text": "%s"}' % (b"x" * 3_000_000)
    headers = {"Content-Type": "application/json"}
    whole = httpx.post(f"{server.url}/v1/parse", content=body, headers=headers)
    chunked = httpx.post(
        f"{server.url}/v1/parse",
        content=(body[at : at + 50_000] for at in range(0, len(body), 50_000)),
        headers=headers,
    )
    for answer in (whole, chunked):
        assert answer.status_code == 413 and answer.json()["error"]["code"] == "body_too_large"


def test_invalid_json_is_400_in_the_one_shape(server: ServerProcess) -> None:
    headers = {"Content-Type": "application/json"}
    for broken in (b'{"text": ', b"\xff\xfe", b"[" * 100_000, b""):
        answer = server.http.post("/v1/parse", content=broken, headers=headers)
        assert answer.status_code == 400, broken[:20]
        assert set(answer.json()["error"]) == {"message", "type", "code", "param"}


def test_a_body_that_a_web_page_could_send_unasked_is_refused(server: ServerProcess) -> None:
    answer = server.http.post("/v1/parse", content=b'{"text": "hi"}', headers={"Content-Type": "text/plain"})
    assert answer.status_code == 400 and answer.json()["error"]["code"] == "invalid_content_type"


def test_unknown_routes_and_methods_are_errors_in_the_one_shape(server: ServerProcess) -> None:
    for method, path, status in (("GET", "/nope", 404), ("GET", "/v1/parse", 405), ("GET", "/docs", 404)):
        answer = server.http.request(method, path)
        assert answer.status_code == status
        assert set(answer.json()["error"]) == {"message", "type", "code", "param"}


def test_the_routes_are_described_without_the_status_that_never_comes(server: ServerProcess) -> None:
    paths = server.http.get("/openapi.json").json()["paths"]
    assert {
        "/v1/chat/completions",
        "/v1/feedback",
        "/v1/parse",
        "/v1/recommendations",
        "/v1/models",
        "/healthz",
        "/readyz",
        "/metrics",
    } == set(paths)
    assert all(
        "422" not in operation["responses"] for operations in paths.values() for operation in operations.values()
    )


def test_health_and_readiness(server: ServerProcess) -> None:
    assert server.http.get("/healthz").json() == {"status": "alive"}
    assert server.http.get("/readyz").json() == {"status": "ready", "version": ONE}
    assert server.http.head("/healthz").status_code == 200


def test_metrics_count_what_happened(server: ServerProcess) -> None:
    before = samples(server)
    response = server.say("lost card")
    server.http.post("/v1/feedback", json={"response_id": response["id"], "rating": "up"})
    server.http.get("/made/up/path")
    after = samples(server)

    def grown(name: str, **labels: str) -> float:
        key = (name, tuple(sorted(labels.items())))
        return after[key] - before.get(key, 0)

    assert grown("autogen_requests_total", route="/v1/chat/completions", status="200") == 1
    assert grown("autogen_requests_total", route="other", status="404") == 1
    assert grown("autogen_request_seconds_count", route="/v1/feedback") == 1
    assert grown("autogen_answers_total", action="answer", version=ONE) == 1
    assert grown("autogen_batch_size_count") == 1
    assert grown("autogen_feedback_total") == 1
    assert after["autogen_loaded_versions", ()] == 1
    assert after["autogen_champion_info", (("agent", "tiny"), ("version", ONE))] == 1


def test_clients_that_leave_early_harm_nobody(server: ServerProcess) -> None:
    body = b'{"messages": [{"role": "user", "content": "gone"}]}'
    head = (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    )
    for sent in (head % len(body) + body, head % len(body) + body[:10], head[:20]):
        for _ in range(10):
            with server.open_socket() as connection:
                connection.sendall(sent)
    assert words(server.say("lost card")).endswith("version one")
    assert "Traceback" not in server.log()


def test_a_wrong_key_is_refused_and_the_right_one_works(locked: ServerProcess) -> None:
    client = openai.OpenAI(base_url=f"{locked.url}/v1", api_key="wrong", max_retries=0)
    with pytest.raises(openai.AuthenticationError, match="Authorization: Bearer"):
        client.models.list()
    assert locked.say("lost card")["autogen"]["version"] == ONE


def test_everything_but_health_asks_for_the_key(locked: ServerProcess) -> None:
    for path in ("/v1/models", "/metrics", "/openapi.json", "/v1/parse", "/made/up"):
        answer = httpx.get(f"{locked.url}{path}")
        assert answer.status_code == 401 and answer.json()["error"]["code"] == "invalid_api_key"
    for path in ("/healthz", "/readyz"):
        assert httpx.get(f"{locked.url}{path}").status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.1", "example.org"])
def test_other_machines_are_not_answered_without_a_key(
    project: Path, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AUTOGEN_API_KEY", raising=False)
    with pytest.raises(UsageError, match="Expected an API key"):
        serve(project, host=host, port=0, api_key="  ")


def test_a_port_that_is_taken_is_said(project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} .*--port"):
            serve(project, port=port)


def test_too_many_and_too_slow_are_told_so(project: Path) -> None:
    with ServerProcess(project, body_seconds=0.3, waiting=0, stop_seconds=1) as server:
        overloaded = server.http.post("/v1/parse", json={"text": "hi"})
        assert overloaded.status_code == 503 and overloaded.headers["Retry-After"] == "1"
        assert overloaded.json()["error"]["code"] == "overloaded"
        with server.open_socket() as slow:
            slow.sendall(b"POST /v1/parse HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
            assert slow.recv(4096).startswith(b"HTTP/1.1 408 ")


def test_many_threads_of_feedback_are_all_kept(server: ServerProcess) -> None:
    response, start = server.say("lost card"), threading.Barrier(8)

    def tell(number: int) -> str:
        start.wait()
        body = {"response_id": response["id"], "comment": f"comment {number}"}
        feedback_id: str = server.http.post("/v1/feedback", json=body).json()["id"]
        return feedback_id

    with ThreadPoolExecutor(8) as threads:
        ids = set(threads.map(tell, range(8)))
    memory = Memory.open(server.project)
    until(lambda: ids <= {entry.id for entry in memory.feedback.all()})


@pytest.mark.parametrize(
    ("body", "field", "words_found"),
    [
        ({"label": ["a"]}, "label", "Expected text, found ['a']."),
        ({"label": "x" * 201}, "label", "Expected at most 200 characters, found 201."),
        ({"comment": 7}, "comment", "Expected text, found 7."),
        ({"response_id": ""}, "response_id", "Expected at least 1 character, found 0."),
    ],
)
def test_what_is_wrong_with_a_field_is_said_in_our_words(
    server: ServerProcess, body: dict[str, Any], field: str, words_found: str
) -> None:
    answer = server.http.post("/v1/feedback", json={"response_id": "r", "rating": 1} | body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "invalid_field", field)
    assert error["message"] == f"{field}: {words_found}"
