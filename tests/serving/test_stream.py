"""Streams of a skill whose text comes in pieces, over a real server with an agent of the test's own."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from autogen.feedback.entities import EntitySpan
from autogen.feedback.memory import Memory
from tests.serving.process import ServerProcess, until

TELL = """
import json, sys
from pathlib import Path
import uvicorn
from autogen.feedback.memory import Memory
from autogen.serving.app import ServerSettings, create_app
from tests.agents.skills import Telling, agent_of

arguments = json.loads(sys.argv[1])


class OneAgent:
    # a fleet of one agent, which is never another

    def __init__(self, project):
        self.memory = Memory.open(project)
        self.champion = agent_of(self.memory, telling=Telling(wait=0.02))
        self.loaded, self.last_error = [self.champion], None

    def agent_for(self, conversation_id):
        return self.champion

    def refresh(self):
        return False


class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        print("http://127.0.0.1:%d" % self.servers[0].sockets[0].getsockname()[1], flush=True)


app = create_app(OneAgent(Path(arguments["project"])), ServerSettings(**arguments["settings"]))
Server(uvicorn.Config(app, port=0, log_config=None, timeout_graceful_shutdown=5)).run()
"""
LONG = " ".join(f"word{number}" for number in range(1_000))  # twenty seconds


@pytest.fixture(scope="module")
def telling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("telling"), script=TELL) as running:
        yield running


def body(text: str, conversation: str) -> dict[str, Any]:
    return {
        "messages": [{"role": "user", "content": text}],
        "stream": True,
        "metadata": {"conversation_id": conversation},
    }


def events(text: str) -> list[Any]:
    lines = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]


def test_the_openai_client_gets_each_piece_as_it_comes(telling: ServerProcess) -> None:
    client = openai.OpenAI(base_url=f"{telling.url}/v1", api_key="unused", max_retries=0)
    text = " ".join(["word"] * 50)
    stream = client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}], stream=True)
    came = [(chunk.choices[0].delta.content, time.monotonic()) for chunk in stream if chunk.choices]
    assert [piece for piece, _ in came if piece] == ["word", *[" word"] * 49]
    assert came[-1][1] - came[0][1] > 0.5, "a second's words do not come at once"


def test_a_stream_ends_with_all_that_is_known_and_the_response_is_kept(telling: ServerProcess) -> None:
    answer = telling.http.post("/v1/chat/completions", json=body("once upon a time", "whole"))
    assert answer.headers["content-type"].startswith("text/event-stream")
    role, *words, end, terminator = events(answer.text)
    assert role["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert [event["choices"][0]["delta"]["content"] for event in words] == ["once", " upon", " a", " time"]
    assert end["choices"][0]["finish_reason"] == "stop" and terminator == "[DONE]"
    assert (end["autogen"]["details"]["words"], end["autogen"]["skill"]) == (4, "telling")
    stored = Memory.open(telling.project).responses.get(role["id"])
    assert (stored.text, stored.conversation_id) == ("once upon a time", "whole")
    assert telling.http.post("/v1/feedback", json={"response_id": role["id"], "rating": "up"}).status_code == 200
    assert "autogen_answers_total" in telling.http.get("/metrics").text


def test_entities_are_told_and_may_be_corrected(telling: ServerProcess) -> None:
    entities = [{"start": 0, "end": 4, "label": "first"}]
    assert telling.http.post("/v1/parse", json={"text": "once upon"}).json()["entities"] == entities
    completion = telling.say("once upon")
    assert completion["autogen"]["details"] == {"words": 2, "entities": entities}
    corrected = [{"start": 5, "end": 9, "label": "place"}, {"start": 0, "end": 4, "label": "when", "value": "once"}]
    receipt = telling.http.post("/v1/feedback", json={"response_id": completion["id"], "entities": corrected})
    feedback = Memory.open(telling.project).feedback.get(receipt.json()["id"])
    assert feedback.entities == (EntitySpan(5, 9, "place"), EntitySpan(0, 4, "when"))
    without_entities = telling.http.post("/v1/feedback", json={"response_id": completion["id"], "entities": []})
    assert Memory.open(telling.project).feedback.get(without_entities.json()["id"]).entities == ()


@pytest.mark.parametrize(
    ("entities", "param"),
    [
        ([{"start": 0, "end": 10, "label": "x"}], None),
        ([{"start": 4, "end": 4, "label": "x"}], None),
        ([{"start": -1, "end": 4, "label": "x"}], None),
        ([{"start": 0, "end": 4, "label": ""}], "entities.0.label"),
        ([{"start": 0, "end": 4}], "entities.0.label"),
        ([{"start": "a", "end": 4, "label": "x"}], "entities.0.start"),
        ("all", "entities"),
        ([{"start": 0, "end": 4, "label": "x"}] * 1_001, "entities"),
    ],
)
def test_entities_that_cannot_be_are_refused(telling: ServerProcess, entities: Any, param: str | None) -> None:
    completion = telling.say("once upon")
    answer = telling.http.post("/v1/feedback", json={"response_id": completion["id"], "entities": entities})
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["param"] == param and answer.json()["error"]["message"]


def test_a_client_that_goes_away_cancels_it_and_what_was_said_is_kept(telling: ServerProcess) -> None:
    memory = Memory.open(telling.project)
    with telling.http.stream("POST", "/v1/chat/completions", json=body(LONG, "left")) as answer:
        lines = answer.iter_lines()
        while "word5" not in next(lines):
            assert memory.responses.last_of("left") is None
    until(lambda: memory.responses.last_of("left") is not None, seconds=5)
    stored = memory.responses.last_of("left")
    assert stored is not None and stored.text.startswith("word0 word1 word2 word3 word4 word5")
    assert len(stored.text.split()) < 500, "it did not go on for long"


def test_many_streams_go_on_beside_each_other_and_beside_other_requests(telling: ServerProcess) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def tell(number: int) -> str:
        answer = telling.http.post("/v1/chat/completions", json=body(f"{number} " * 20, f"many-{number}"))
        words = [event["choices"][0]["delta"].get("content", "") for event in events(answer.text)[:-1]]
        return "".join(words)

    with ThreadPoolExecutor(12) as pool:
        streams = [pool.submit(tell, number) for number in range(12)]
        assert telling.say("beside them")["choices"][0]["message"]["content"] == "beside them"
        assert [stream.result() for stream in streams] == [" ".join([str(number)] * 20) for number in range(12)]


def test_a_stream_that_fails_says_so_where_it_stands(telling: ServerProcess) -> None:
    answer = telling.http.post("/v1/chat/completions", json=body("once upon fail", "failing"))
    assert answer.status_code == 200
    _, *words, error = events(answer.text)
    assert [event["choices"][0]["delta"]["content"] for event in words] == ["once", " upon"]
    assert error["error"]["code"] == "internal_error" and "it failed" not in answer.text
    assert "it failed" in telling.log()
    stored = Memory.open(telling.project).responses.last_of("failing")
    assert stored is not None and stored.text == "once upon"


def test_what_goes_wrong_before_the_first_piece_has_a_status_of_its_own(telling: ServerProcess) -> None:
    assert telling.http.post("/v1/chat/completions", json=body(" ", "empty")).status_code == 400
    assert telling.http.post("/v1/chat/completions", json=body("fail", "at-once")).status_code == 500


def test_told_to_stop_it_cancels_what_would_go_on_for_long(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, script=TELL) as server:
        with server.http.stream("POST", "/v1/chat/completions", json=body(LONG, "stopped")) as answer:
            lines = answer.iter_lines()
            while "word5" not in next(lines):
                pass
            server.process.terminate()
            assert server.process.wait(timeout=15) == 0 or server.process.returncode is not None
        stored = Memory.open(tmp_path).responses.last_of("stopped")
        assert stored is not None and stored.text.startswith("word0 word1 word2 word3 word4 word5")
