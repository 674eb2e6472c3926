"""chat and serve: they never import torch."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from autogen.cli.app import app
from autogen.cli.versions import opened
from autogen.errors import AutoGenError
from autogen.terminal import JsonOption, Output, ProjectOption, VersionOption, escape, output

HELP = "/up, /down [CARD], /label NAME, /answer TEXT, /comment TEXT: feedback on the last answer · /new · /quit"


@app.command(epilog="Example: autogen chat -p bank")
def chat(project: ProjectOption = Path(), version: VersionOption = None, as_json: JsonOption = False) -> None:
    """Talk to the agent, and tell it what was right or wrong. With --json, one object per message of stdin."""
    from autogen.agents.agent import Agent

    opened(project)
    _let_bad_bytes_through(sys.stdin)
    agent = Agent.load(project, version)
    talk = _Talk(agent, output(project, as_json))
    talk.greet()
    while (said := talk.listen()) is not None:
        try:
            talk.take(said)
        except AutoGenError as error:
            talk.refuse(error)


def _let_bad_bytes_through(stdin: Any) -> None:
    """A line that is not UTF-8 is then refused as a message, where it would end the conversation."""
    if hasattr(stdin, "reconfigure"):
        stdin.reconfigure(errors="surrogateescape")


class _Talk:
    """One conversation at the terminal."""

    def __init__(self, agent: Any, to: Output) -> None:
        self.agent, self.to = agent, to
        self.conversation: str | None = None
        self.last: str | None = None
        self.cards: tuple[str, ...] = ()  # ids of the items shown last

    def greet(self) -> None:
        self.to.say(f"[bold]{escape(self.agent.name)}[/], version {self.agent.version}. {HELP}")

    def listen(self) -> str | None:
        """The next line, or None when the person leaves."""
        if sys.stdin.isatty():
            self.to.out.print("[bold cyan]you[/] ", end="")
        line = sys.stdin.readline()
        said = line.strip()
        return None if not line or said == "/quit" else said

    def take(self, said: str) -> None:
        if not said:
            return
        if (card := self._card(said)) is not None:
            self._click(card)
            return
        if said == "/new":
            self.conversation, self.last, self.cards = None, None, ()
        elif said.startswith("/"):
            self._feedback(said)
        else:
            self._answer(said)

    def refuse(self, error: AutoGenError) -> None:
        """Say why a message has no answer; the conversation goes on."""
        self.to.note(f"error: {error}")
        self.to.result({"error": str(error)})

    def _answer(self, said: str) -> None:
        response = self.agent.respond(said, self.conversation)
        self.conversation, self.last = response.conversation_id, response.id
        self.to.plain(f"{self.agent.name}: {response.text}")
        items = response.details.get("items")
        self.cards = tuple(item["item"] for item in items or ())
        about = "a number clicks on an item" if self.cards else escape(response.intent or "out of scope")
        sure = f" · {response.confidence:.0%}" if items is None else ""
        self.to.say(f"[dim]{response.action} · {about}{sure}[/]")
        self.to.result(asdict(response))

    def _card(self, said: str) -> str | None:
        """The item that was shown under this number; None where none was."""
        shown = said.isdecimal() and 0 < int(said) <= len(self.cards)
        return self.cards[int(said) - 1] if shown else None

    def _click(self, item: str) -> None:
        kept = self.agent.feedback(self.last, source="cli", label=item, rating="up")
        self.to.say(f"[dim]clicked {escape(item)}; what comes next takes it into account[/]")
        self.to.result({"feedback": kept.id, "item": item})

    def _feedback(self, said: str) -> None:
        word, _, rest = said[1:].partition(" ")
        card = self._card(rest.strip())
        kinds: dict[str, dict[str, Any]] = {
            "up": {"rating": "up", "label": card},
            "down": {"rating": "down", "label": card},
            "label": {"label": rest.strip()},
            "answer": {"text": rest.strip()},
            "comment": {"comment": rest.strip()},
        }
        given = kinds.get(word)
        if given is not None and rest.strip() and word in ("up", "down") and self.cards and card is None:
            self.to.note(f"Expected a number from 1 to {len(self.cards)} after /{word}, found {escape(rest.strip())}.")
            return
        if given is None or self.last is None:
            self.to.note(HELP if given is None else "There is no answer to rate yet.")
            return
        kept = self.agent.feedback(self.last, source="cli", **given)
        self.to.say("[dim]kept, thank you[/]")
        if note := self.agent.note_on(kept):
            self.to.say(f"[dim]{escape(note)}[/]")
        self.to.result({"feedback": kept.id})


@app.command(epilog="Example: autogen serve -p bank --port 8000")
def serve(
    project: ProjectOption = Path(),
    host: Annotated[str, typer.Option("--host", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535)] = 8000,
    as_json: JsonOption = False,
) -> None:
    """Answer over HTTP, in OpenAI's shape. Elsewhere than on loopback it needs AUTOGEN_API_KEY."""
    from autogen.serving.server import serve as run

    to = output(project, as_json)
    opened(project)

    def ready(url: str) -> None:
        to.say(f"Ready on [bold]{url}[/] (Ctrl-C stops it).")
        to.result({"url": url})

    run(project, host=host, port=port, api_key=os.environ.get("AUTOGEN_API_KEY"), on_ready=ready)
