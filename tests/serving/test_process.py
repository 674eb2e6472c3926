"""The server as a process: versions change under it, it is stopped, it is killed."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

import httpx
import pytest

from autogen.feedback.memory import Memory
from autogen.storage.files import write_json
from autogen.versions.registry import Versions
from tests.serving.process import ONE, TWO, ServerProcess, until, words

REQUEST = b'{"messages": [{"role": "user", "content": "lost card"}]}'
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


def champion(server: ServerProcess) -> str:
    version: str = server.http.get("/readyz").json()["version"]
    return version


def test_promote_and_roll_back_lose_no_request_under_load(project: Path) -> None:
    versions, stop, seen, failed = Versions(project), threading.Event(), [], []

    def ask(server: ServerProcess) -> None:
        with httpx.Client(base_url=server.url, timeout=30) as http:
            while not stop.is_set():
                answer = http.post(
                    "/v1/chat/completions", content=REQUEST, headers={"Content-Type": "application/json"}
                )
                if answer.status_code != 200:
                    failed.append(answer.text)
                    return
                seen.append((answer.json()["autogen"]["version"], words(answer.json())))

    with ServerProcess(project, refresh_seconds=0.1) as server:
        threads = [threading.Thread(target=ask, args=(server,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        until(lambda: len(seen) > 20)
        versions.promote(TWO)
        until(lambda: seen[-1][0] == TWO)
        versions.rollback()
        until(lambda: seen[-1][0] == ONE)
        stop.set()
        for thread in threads:
            thread.join()
        server.stop()
    assert not failed
    assert {version for version, _ in seen} == {ONE, TWO}
    assert all(text.endswith("version one" if version == ONE else "version two") for version, text in seen)


def test_running_conversations_stay_on_their_version(project: Path) -> None:
    versions = Versions(project)
    with ServerProcess(project, refresh_seconds=0.1) as server:
        first = [{"role": "user", "content": "lost card"}]
        opening = server.chat(first)
        server.say("lost card", "ann")
        versions.promote(TWO)
        until(lambda: champion(server) == TWO)
        assert words(server.say("lost card", "bob")).endswith("version two")
        assert words(server.say("lost card", "ann")).endswith("version one")
        messages = [*first, {"role": "assistant", "content": words(opening)}, {"role": "user", "content": "lost card"}]
        assert words(server.chat(messages)).endswith("version one")
        models = server.http.get("/v1/models").json()["data"]
        assert [(model["id"], model["autogen"]["champion"]) for model in models] == [
            (f"tiny-{TWO}", True),
            (f"tiny-{ONE}", False),
        ]
        versions.rollback()
        until(lambda: champion(server) == ONE)
        assert words(server.say("lost card", "bob")).endswith("version two")
        assert words(server.say("lost card", "cid")).endswith("version one")


def test_a_champion_that_cannot_be_loaded_is_reported_and_the_old_one_answers(project: Path) -> None:
    versions = Versions(project)
    next((versions.folder / TWO).rglob("model.onnx")).write_bytes(b"broken")
    with ServerProcess(project, refresh_seconds=0.05) as server:
        write_json(versions.alias_file, {"champion": TWO, "history": [ONE]})
        until(lambda: server.http.get("/readyz").status_code == 503)
        reason = server.http.get("/readyz").json()
        assert reason["version"] == ONE and "model.onnx was altered" in reason["error"]["message"]
        assert words(server.say("lost card")).endswith("version one")
        assert server.http.get("/healthz").status_code == 200
        write_json(versions.alias_file, {"champion": ONE, "history": []})
        until(lambda: server.http.get("/readyz").status_code == 200)
        assert "model.onnx was altered" in server.log()


def test_what_was_acknowledged_outlives_a_killed_process(project: Path) -> None:
    with ServerProcess(project) as server:
        response = server.say("lost card")
        feedback_id = server.http.post(
            "/v1/feedback", json={"response_id": response["id"], "label": "lost_card"}
        ).json()["id"]
        later = server.say("exchange rate")
        server.process.kill()
        server.process.wait()
    memory = Memory.open(project)
    assert [entry.id for entry in memory.feedback.all()] == [feedback_id]
    assert memory.responses.get(later["id"]).text == words(later)
    with ServerProcess(project) as again:
        answer = again.http.post("/v1/feedback", json={"response_id": later["id"], "rating": "up"})
        assert answer.status_code == 200


def test_a_conversation_without_an_id_goes_on_after_a_restart(project: Path) -> None:
    Versions(project).promote("0004")
    messages = [{"role": "user", "content": "lost card"}]
    with ServerProcess(project) as server:
        question = server.chat(messages)
    messages += [{"role": "assistant", "content": words(question)}, {"role": "user", "content": "2"}]
    with ServerProcess(project) as server:
        assert server.chat(messages)["autogen"]["intent"] == question["autogen"]["alternatives"][1]["name"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_finishes_what_it_has_begun(project: Path, number: int) -> None:
    with ServerProcess(project) as server, server.open_socket() as busy, server.open_socket() as idle:
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        until(lambda: b"alive" in idle.recv(4096))
        busy.sendall(HEAD % len(REQUEST) + REQUEST[:10])
        time.sleep(0.2)  # until it has been read
        server.process.send_signal(number)
        assert idle.recv(4096) == b""  # closed: it has begun to stop
        busy.sendall(REQUEST[10:])
        answer = b"".join(iter(lambda: busy.recv(4096), b""))
        assert answer.startswith(b"HTTP/1.1 200 ") and b"version one" in answer
        assert server.process.wait(timeout=20) == 0, server.log()


def test_told_to_stop_it_waits_for_a_dawdler_only_so_long(project: Path) -> None:
    with ServerProcess(project, stop_seconds=1) as server, server.open_socket() as slow:
        slow.sendall(HEAD % len(REQUEST) + REQUEST[:10])
        time.sleep(0.2)
        server.stop()


def test_the_serving_process_loads_nothing_of_the_learning_wing(project: Path) -> None:
    with ServerProcess(project) as server:
        server.say("lost card")
        server.http.post("/v1/parse", json={"text": "lost card"})
        assert server.http.get("/metrics").status_code == 200
        assert server.stop() == []
