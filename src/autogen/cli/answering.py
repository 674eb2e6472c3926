"""chat and serve: they never import torch."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from autogen.cli.app import app
from autogen.cli.versions import open_versions
from autogen.errors import AutoGenError
from autogen.terminal import JsonOption, ProjectOption, Terminal, VersionOption, escape, open_terminal

HELP = "/up, /down [CARD], /label NAME, /answer TEXT, /comment TEXT: feedback on the last answer · /new · /quit"


@app.command(epilog="Example: autogen chat -p bank")
def chat(project: ProjectOption = Path(), version: VersionOption = None, as_json: JsonOption = False) -> None:
    """Talk to the agent, and tell it what was right or wrong. With --json, one object per message of stdin."""
    from autogen.agents.agent import Agent

    open_versions(project)
    _let_bad_bytes_through(sys.stdin)
    agent = Agent.load(project, version)
    conversation = _Conversation(agent, open_terminal(project, as_json))
    conversation.greet()
    while (line := conversation.listen()) is not None:
        try:
            conversation.take(line)
        except AutoGenError as error:
            conversation.refuse(error)


def _let_bad_bytes_through(stdin: Any) -> None:
    """A line that is not UTF-8 is then refused as a message, where it would end the conversation."""
    if hasattr(stdin, "reconfigure"):
        stdin.reconfigure(errors="surrogateescape")


class _Conversation:
    """One conversation at the terminal."""

    def __init__(self, agent: Any, terminal: Terminal) -> None:
        self.agent, self.terminal = agent, terminal
        self.conversation: str | None = None
        self.last: str | None = None
        self.cards: tuple[str, ...] = ()  # ids of the items shown last

    def greet(self) -> None:
        self.terminal.say(f"[bold]{escape(self.agent.name)}[/], version {self.agent.version}. {HELP}")

    def listen(self) -> str | None:
        """The next line, or None when the person leaves."""
        if sys.stdin.isatty():
            self.terminal.out.print("[bold cyan]you[/] ", end="")
        line = sys.stdin.readline()
        text = line.strip()
        return None if not line or text == "/quit" else text

    def take(self, line: str) -> None:
        if not line:
            return
        if (card := self._card(line)) is not None:
            self._click(card)
            return
        if line == "/new":
            self.conversation, self.last, self.cards = None, None, ()
        elif line.startswith("/"):
            self._feedback(line)
        else:
            self._answer(line)

    def refuse(self, error: AutoGenError) -> None:
        """Say why a message has no answer; the conversation goes on."""
        self.terminal.note(f"error: {error}")
        self.terminal.result({"error": str(error)})

    def _answer(self, line: str) -> None:
        response = self.agent.respond(line, self.conversation)
        self.conversation, self.last = response.conversation_id, response.id
        self.terminal.plain(f"{self.agent.name}: {response.text}")
        items = response.details.get("items")
        self.cards = tuple(item["item"] for item in items or ())
        facts = [response.action]
        if self.cards:
            facts.append("a number clicks on an item")
        elif response.intent is not None or response.action == "decline":
            facts.append(escape(response.intent or "out of scope"))
        if items is None:
            facts.append(f"{response.confidence:.0%}")
        self.terminal.say(f"[dim]{' · '.join(facts)}[/]")
        self.terminal.result(asdict(response))

    def _card(self, line: str) -> str | None:
        """The item that was shown under this number; None where none was."""
        is_number = line.isdecimal() and 0 < int(line) <= len(self.cards)
        return self.cards[int(line) - 1] if is_number else None

    def _click(self, item: str) -> None:
        feedback = self.agent.feedback(self.last, source="cli", label=item, rating="up")
        self.terminal.say(f"[dim]clicked {escape(item)}; what comes next takes it into account[/]")
        self.terminal.result({"feedback": feedback.id, "item": item})

    def _feedback(self, line: str) -> None:
        word, _, rest = line[1:].partition(" ")
        card = self._card(rest.strip())
        kinds: dict[str, dict[str, Any]] = {
            "up": {"rating": "up", "label": card},
            "down": {"rating": "down", "label": card},
            "label": {"label": rest.strip()},
            "answer": {"text": rest.strip()},
            "comment": {"comment": rest.strip()},
        }
        fields = kinds.get(word)
        if fields is not None and rest.strip() and word in ("up", "down") and self.cards and card is None:
            self.terminal.note(
                f"Expected a number from 1 to {len(self.cards)} after /{word}, found {escape(rest.strip())}."
            )
            return
        if fields is None or self.last is None:
            self.terminal.note(HELP if fields is None else "There is no answer to rate yet.")
            return
        feedback = self.agent.feedback(self.last, source="cli", **fields)
        self.terminal.say("[dim]kept, thank you[/]")
        if note := self.agent.note_on(feedback):
            self.terminal.say(f"[dim]{escape(note)}[/]")
        self.terminal.result({"feedback": feedback.id})


@app.command(epilog="Example: autogen serve -p bank --port 8000")
def serve(
    project: ProjectOption = Path(),
    host: Annotated[str, typer.Option("--host", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535)] = 8000,
    as_json: JsonOption = False,
) -> None:
    """Answer over HTTP, in OpenAI's shape. Elsewhere than on loopback it needs AUTOGEN_API_KEY."""
    from autogen.serving.server import describe_feedback
    from autogen.serving.server import serve as run_server

    terminal = open_terminal(project, as_json)
    open_versions(project)
    key = os.environ.get("AUTOGEN_API_KEY")

    def ready(url: str) -> None:
        if words := describe_feedback(project, key):
            terminal.say(escape(words))
        terminal.say(f"Ready on [bold]{url}[/] (Ctrl-C stops it).")
        terminal.result({"url": url})

    run_server(project, host=host, port=port, api_key=key, on_ready=ready)
