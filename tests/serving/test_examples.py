"""The examples of the server's own description are answered as it says."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.serving.process import ServerProcess

ASKED = ("/v1/chat/completions", "/v1/parse", "/v1/models", "/healthz", "/readyz")


@pytest.fixture(scope="module")
def films(trained_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(Path(shutil.copytree(trained_shop, tmp_path_factory.mktemp("films") / "project"))) as running:
        yield running


def examples(server: ServerProcess, path: str) -> tuple[str, Any, Any]:
    """The method of a route, and the examples of its body (None where it has none) and of its answer."""
    described = server.http.get("/openapi.json").json()
    ((method, operation),) = described["paths"][path].items()

    def example(content: Mapping[str, Any]) -> Any:
        name = content["application/json"]["schema"]["$ref"].rpartition("/")[2]
        return described["components"]["schemas"][name]["examples"][0]

    body = example(operation["requestBody"]["content"]) if "requestBody" in operation else None
    return method, body, example(operation["responses"]["200"]["content"])


def answered(server: ServerProcess, path: str, **other: Any) -> tuple[Any, Any]:
    """The answer to a route's example (with `other` fields), and the answer that its description shows."""
    method, body, shown = examples(server, path)
    answer = server.http.request(method, path, json=None if body is None else {**body, **other})
    assert answer.status_code == 200, answer.text
    return answer.json(), shown


def missing(shown: Any, answer: Any, at: str = "") -> list[str]:
    """Fields that the answer shown has and the answer given has not."""
    if isinstance(shown, dict) and isinstance(answer, dict):
        gone = [f"{at}.{name}" for name in shown if name not in answer and at != ".items.attributes"]
        return gone + [
            one for name in shown if name in answer for one in missing(shown[name], answer[name], f"{at}.{name}")
        ]
    if isinstance(shown, list) and isinstance(answer, list) and shown and answer:
        return missing(shown[0], answer[0], at)
    return []


@pytest.mark.parametrize("path", ASKED)
def test_an_example_is_answered_as_the_description_shows(server: ServerProcess, path: str) -> None:
    answer, shown = answered(server, path)
    assert not missing(shown, answer)


def test_the_example_of_feedback_is_taken(server: ServerProcess) -> None:
    given = server.say("lost card")["id"]
    answer, shown = answered(server, "/v1/feedback", response_id=given)
    assert not missing(shown, answer)


def test_the_example_of_a_recommendation_is_answered(films: ServerProcess) -> None:
    answer, shown = answered(films, "/v1/recommendations")
    assert len(answer["items"]) == 1 and not missing(shown, answer)


def test_every_route_with_a_body_has_an_example_that_is_tried(server: ServerProcess) -> None:
    described = server.http.get("/openapi.json").json()["paths"]
    tried = {*ASKED, "/v1/feedback", "/v1/recommendations", "/metrics"}
    assert tried == {*described}


def test_a_field_that_an_answer_lacks_is_noticed() -> None:
    assert missing({"a": [{"b": 1, "c": 2}]}, {"a": [{"b": 1}]}) == [".a.c"]
