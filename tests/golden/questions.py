"""What each kept project is asked, by `record.py` and by the tests alike."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import httpx

from tests.golden.commands import Done, clock_at, run
from tests.golden.comparing import masked, without_path

HERE = Path(__file__).parent
PROJECTS, EXPECTED = HERE / "projects", HERE / "expected"
TRAINED = ("support", "few", "films", "both", "saved")  # kept projects with versions


@dataclass(frozen=True)
class Command:
    """A command on a project, its words after `-p PROJECT`; `typed` is what stdin says."""

    words: tuple[str, ...]
    typed: str = ""
    by_chance: bool = False  # whether its answer has ids and times that are others each time


def _commands(**more: Command) -> dict[str, Command]:
    """What every project with versions is asked, and more."""
    return {
        "check": Command(("check", "--json")),
        "evaluate": Command(("evaluate", "--no-report", "--json")),
        "evaluate-first": Command(("evaluate", "--version", "1", "--no-report", "--json")),
        "versions": Command(("versions", "--json")),
        "versions-show": Command(("versions", "--show", "0001", "--json")),
        "feedback-list": Command(("feedback", "list", "--json")),
        "feedback-export": Command(("feedback", "export", "--json")),
        "review": Command(("review", "--json")),
        **more,
    }


def _data(name: str, skill: str | None = None) -> Command:
    of = ("--skill", skill) if skill else ()
    return Command(("evaluate", "--data", name, *of, "--no-report", "--json"))


def _chat(*lines: str) -> Command:
    return Command(("chat", "--json"), "".join(f"{line}\n" for line in lines), by_chance=True)


def _recommend(*words: str) -> Command:
    return Command(("recommend", *words, "--json"), by_chance=True)


ABOUT_CARDS = (
    "my card is lost and gone the thief has my wallet",
    "top up add money funds balance please",
    "euro dollar exchange rate today",
    "card post delivery exchange rate currency",
    "1",
    "weather moon football",
    "refund returned payback please",
    "/up",
    "/label nothing_like_it",
    "/down",
)
ABOUT_FILMS = ("a comedy", "cheaper than 10 euros", "something else", "qwerty asdf", "/new", "horror from the eighties")

COMMANDS: dict[str, dict[str, Command]] = {
    "support": _commands(
        **{
            "evaluate-data": _data("support/data/new.csv"),
            "evaluate-rejected": Command(("evaluate", "--version", "0003", "--no-report", "--json")),
            "chat": _chat(*ABOUT_CARDS),
            "chat-first": Command(("chat", "--version", "0001", "--json"), "refund returned\n", by_chance=True),
            "promote-rejected": Command(("promote", "--version", "0003", "--json")),
            "promote-nothing": Command(("promote", "--json")),
            "rollback": Command(("rollback", "--json")),
            "evaluate-unknown-version": Command(("evaluate", "--version", "9", "--json")),
            "evaluate-no-file": Command(("evaluate", "--data", "nowhere.csv", "--json")),
            "recommend": Command(("recommend", "--json")),
            "feedback-import": Command(("feedback", "import", "--input", "support/data/new.csv", "--json")),
        }
    ),
    "few": _commands(**{"evaluate-data": _data("few/data/new.csv"), "chat": _chat(*ABOUT_CARDS)}),
    "films": _commands(
        **{
            "evaluate-data": _data("films/data/later.csv"),
            "chat": _chat(*ABOUT_FILMS, "/down 2", "1"),
            "recommend": _recommend("--user", "u1", "-k", "5"),
            "recommend-stranger": _recommend("--user", "nobody", "-k", "3", "--exclude", "c1"),
            "recommend-wish": _recommend("--query", "a comedy under 10 euros"),
            "recommend-words": _recommend("--user", "u1", "--query", "the missing wallet", "-k", "12"),
            "recommend-history": _recommend(
                "--history", "h2", "--history", "h3", "--filters", '{"year": {"min": 1990}}'
            ),
            "recommend-bad-filter": Command(("recommend", "--filters", '{"colour": "red"}', "--json")),
        }
    ),
    "both": _commands(
        **{
            "evaluate-data": _data("both/data/new.csv", "money"),
            "evaluate-skill": Command(("evaluate", "--skill", "cards", "--no-report", "--json")),
            "chat": _chat(*ABOUT_CARDS, *ABOUT_FILMS),
            "recommend": _recommend("--user", "u1", "-k", "5"),
        }
    ),
    "saved": {
        "versions": Command(("versions", "--json")),
        "feedback-list": Command(("feedback", "list", "--json")),
        "chat": _chat(*ABOUT_CARDS),
        "check": Command(("check", "--json")),
        "improve": Command(("improve", "--json")),
    },
    "broken": {
        "check": Command(("check", "--json")),
        "train": Command(("train", "--json")),
        "chat": Command(("chat", "--json"), "hello\n"),
        "evaluate": Command(("evaluate", "--json")),
        "improve": Command(("improve", "--json")),
    },
}
PREDICTED = {  # the name of a file in data, and other words of the command
    "support": ("questions",),
    "few": ("questions", "--version", "0002"),
    "films": ("users",),
    "both": ("questions", "--skill", "cards"),
}


def command_answer(project: Path, command: Command, moment: float) -> Any:
    """The exit code and all JSON objects that a command on this copy of a project prints."""
    name, *words = command.words
    if name == "feedback":
        name, words = f"{name} {words[0]}", words[1:]
    done = run(*name.split(), "-p", project.name, *words, typed=command.typed, folder=project.parent, moment=moment)
    answer = {"code": done.code, "objects": done.objects, "errors": _error_lines(done)}
    placed = without_path(answer, project.parent.resolve())
    return masked(placed) if command.by_chance else placed


def _error_lines(done: Done) -> list[str]:
    """What stderr says is wrong; progress and paths of pages are not compared."""
    return [line for line in done.err.splitlines() if line.startswith(("error:", "note:"))]


def predicted_rows(project: Path, moment: float) -> list[dict[str, Any]]:
    """The rows that `predict` writes for the project's file of questions, or of users."""
    name, *more = PREDICTED[project.name]
    target = f"{project.name}-predicted.csv"
    words = ["predict", "-p", project.name, "--input", f"{project.name}/data/{name}.csv", "--output", target, *more]
    done = run(*words, folder=project.parent, moment=moment)
    assert done.code == 0, done.err
    with (project.parent / target).open(encoding="utf-8", newline="") as file:
        return [{**row, "confidence": float(row["confidence"])} for row in csv.DictReader(file)]


@dataclass
class Requests:
    """Requests to a server, in order, and what each was answered, by a name."""

    http: httpx.Client
    answers: dict[str, Any]

    def ask(self, name: str, path: str, body: Any = None, **more: Any) -> Any:
        """POST the body, or GET where there is none; the answer's JSON."""
        if body is None and not more:
            answer = self.http.get(path)
        else:
            answer = self.http.post(path, **({"json": body} if body is not None else {}), **more)
        value = answer.json()
        self.answers[name] = masked({"status": answer.status_code, "body": value})
        return value

    def stream(self, name: str, text: str) -> None:
        """A chat completion as server-sent events."""
        body = {"messages": [_user(text)], "stream": True, "stream_options": {"include_usage": True}}
        answer = self.http.post("/v1/chat/completions", json=body)
        lines = [line.removeprefix("data: ") for line in answer.text.split("\n\n") if line]
        self.answers[name] = masked(
            {
                "status": answer.status_code,
                "type": answer.headers["content-type"],
                "chunks": [line if line == "[DONE]" else json.loads(line) for line in lines],
            }
        )

    def say(self, name: str, text: str, conversation: str | None = None) -> Any:
        """One message to the agent; the completion."""
        metadata = {"metadata": {"conversation_id": conversation}} if conversation else {}
        return self.ask(name, "/v1/chat/completions", {"messages": [_user(text)], **metadata})


def _user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def http_answers(project: str, http: httpx.Client) -> dict[str, Any]:
    """Everything that a server of the project is asked, in order, and its answers by name."""
    requests = Requests(http, {})
    _ask_operations(requests)
    for ask in ASKED[project]:
        ask(requests)
    _ask_wrongly(requests)
    return requests.answers


def _ask_operations(to: Requests) -> None:
    for path in ("/healthz", "/readyz", "/v1/models"):
        to.ask(f"GET {path}", path)
    schema = to.http.get("/openapi.json").json()
    to.answers["interface"] = {
        "paths": {path: sorted(methods) for path, methods in schema["paths"].items()},
        "fields": {name: sorted(one.get("properties", ())) for name, one in schema["components"]["schemas"].items()},
    }
    lines = to.http.get("/metrics").text.splitlines()
    to.answers["metrics"] = sorted(line.split()[2] for line in lines if line.startswith("# TYPE autogen_"))


def _ask_about_cards(to: Requests) -> None:
    for number, text in enumerate(ABOUT_CARDS[:7]):
        to.say(f"message {number}", text, "one-conversation")
        to.ask(f"parse {number}", "/v1/parse", {"text": text, "message_id": f"m-{number}"})
    asked = to.say("without an id", ABOUT_CARDS[3])
    lines = [_user(ABOUT_CARDS[3]), {"role": "assistant", "content": asked["choices"][0]["message"]["content"]}]
    to.ask("goes on without an id", "/v1/chat/completions", {"messages": [*lines, _user("2")], "model": "any"})
    to.stream("stream", ABOUT_CARDS[0])
    given = {"response_id": asked["id"]}
    to.ask("feedback: rating", "/v1/feedback", {**given, "rating": "up"})
    to.ask("feedback: all", "/v1/feedback", {**given, "rating": 0.2, "label": "top_up", "text": "So.", "comment": "no"})
    to.ask("feedback: no intent yet", "/v1/feedback", {**given, "label": "top_upp", "user": "ann"})
    to.ask("feedback: bad rating", "/v1/feedback", {**given, "rating": "great"})
    to.ask("feedback: nothing said", "/v1/feedback", given)


def _ask_for_films(to: Requests) -> None:
    path = "/v1/recommendations"
    shown = to.ask("recommendations: user", path, {"user": "u1", "k": 5})
    to.ask("recommendations: stranger", path, {"user": "nobody", "k": 3, "exclude": ["c1", "who knows"]})
    to.ask("recommendations: history", path, {"history": ["h2", "h3", "who knows"], "k": 4})
    to.ask("recommendations: wish", path, {"query": "a comedy under 10 euros", "k": 4})
    to.ask("recommendations: filters", path, {"filters": {"genres": "horror", "price": {"max": 8}}, "exclude": ["h1"]})
    to.ask("recommendations: few", path, {"k": 2, "user": "u2"})
    to.ask("recommendations: nothing passes", path, {"filters": {"price": {"max": -1}}})
    to.ask("recommendations: unknown filter", path, {"filters": {"colour": "red"}})
    for number, text in enumerate(ABOUT_FILMS):
        to.say(f"wish {number}", text, "films")
    to.stream("stream of films", "a comedy")
    given = {"response_id": shown["id"], "user": "u1"}
    # last: a click is dated by the real clock, and what is recommended after it would follow the day of the test
    to.ask("click", "/v1/feedback", {**given, "label": shown["items"][0]["item"], "rating": "up"})
    to.ask("click on nothing", "/v1/feedback", {**given, "label": "no such"})


def _ask_wrongly(to: Requests) -> None:
    chat = "/v1/chat/completions"
    bodies: dict[str, tuple[str, Any]] = {
        "no messages": (chat, {}),
        "empty messages": (chat, {"messages": []}),
        "only instructions": (chat, {"messages": [{"role": "system", "content": "be nice"}]}),
        "empty text": (chat, {"messages": [_user("  ")]}),
        "a picture": (chat, {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]}),
        "a conversation by number": (chat, {"messages": [_user("hi")], "metadata": {"conversation_id": 5}}),
        "too long a text": (chat, {"messages": [_user("x" * 10_001)]}),
        "parse nothing": ("/v1/parse", {}),
        "parse empty text": ("/v1/parse", {"text": ""}),
        "feedback on an unknown response": ("/v1/feedback", {"response_id": "resp-never", "rating": "up"}),
        "feedback without a response": ("/v1/feedback", {"rating": "up"}),
        "recommendations: unknown field": ("/v1/recommendations", {"usr": "u1"}),
        "recommendations: too many": ("/v1/recommendations", {"k": 1000}),
        "recommendations: unknown skill": ("/v1/recommendations", {"skill": "none"}),
        "unknown route": ("/v1/nothing", {}),
    }
    for name, (path, body) in bodies.items():
        to.ask(name, path, body)
    to.ask("broken JSON", "/v1/parse", content=b'{"text": ', headers={"Content-Type": "application/json"})
    to.ask("a form", "/v1/parse", content=b"text=hi", headers={"Content-Type": "text/plain"})
    to.ask("GET a POST", "/v1/parse")


ASKED: Mapping[str, tuple[Callable[[Requests], None], ...]] = {
    "support": (_ask_about_cards,),
    "few": (_ask_about_cards,),
    "films": (_ask_for_films,),
    "both": (_ask_about_cards, _ask_for_films),
    "saved": (_ask_about_cards,),
}


def python_answers(project: Path, moment: float) -> dict[str, Any]:
    """What the classes that `autogen` exports answer about a kept project."""
    with clock_at(moment):
        return json.loads(json.dumps(masked(_asked_of_classes(project))))  # type: ignore[no-any-return]


def _asked_of_classes(project: Path) -> dict[str, Any]:
    from autogen import Agent, AutoGen, Project

    texts = list(ABOUT_CARDS[:4])
    answers: dict[str, Any] = {"agent": [_response(Agent.load(project).respond(text)) for text in texts]}
    if project.name == "saved":
        loaded = AutoGen.load(project, quiet=True)
        answers |= {"labels": list(loaded.labels), "predict": loaded.predict(texts)}
        answers |= {"predict_proba": loaded.predict_proba(texts)}
        answers |= {"evaluate": dict(loaded.evaluate([(text, loaded.labels[0]) for text in texts]))}
    else:
        opened = Project.open(project)
        answers |= {"metrics": {name: one.metrics for name, one in opened.evaluate().skills.items()}}
        answers |= {"problems": [problem.kind for check in opened.check() for problem in check.problems]}
    return answers


def _response(response: Any) -> dict[str, Any]:
    return {name: getattr(response, name) for name in (field.name for field in fields(response))}
