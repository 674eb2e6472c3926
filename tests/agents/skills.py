"""Small skills of the tests' own, for what the agent does with any skill."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from autogen.agents.agent import Agent
from autogen.data.rows import Row
from autogen.feedback.events import Feedback
from autogen.feedback.memory import Memory
from autogen.skills.skill import Offer, Reply, Skill, Turn
from autogen.versions.manifest import Manifest


@dataclass
class Counting:
    """Counts, in its state, the turns that it has answered in a conversation; it is as sure as it is told to be."""

    confidence: float = 0.5
    in_scope: bool = True
    turns: list[Turn] = field(default_factory=list)  # those that it has answered

    @property
    def models(self) -> Mapping[str, Any]:
        return {}

    def consider(self, turns: Sequence[Turn]) -> list[Offer]:
        return [Offer(self.in_scope, self.confidence, partial(self.reply, turn)) for turn in turns]

    def reply(self, turn: Turn) -> Reply:
        self.turns.append(turn)
        count = turn.state.get("count", 0) + 1
        return Reply(
            text=f"turn {count}",
            action="act",
            confidence=self.confidence,
            state={"count": count},
            details={"entities": [{"start": 0, "end": len(turn.text), "label": "all"}]},
            log={"secret": turn.text},
        )

    def predict(self, rows: Sequence[Row]) -> list[Mapping[str, object]]:
        return [{"prediction": "", "confidence": self.confidence} for _ in rows]

    def note_on(self, feedback: Feedback) -> str | None:
        return f"{feedback.label} is noted" if feedback.label else None


@dataclass
class Telling(Counting):
    """Tells what it was told, word by word; "fail" in the place of a word makes it fail there."""

    wait: float = 0.0  # seconds before each word
    spoken_words: list[str] = field(default_factory=list)  # words that were asked for
    ended: list[str] = field(default_factory=list)  # how each stream ended

    def consider(self, turns: Sequence[Turn]) -> list[Offer]:
        return [
            Offer(self.in_scope, self.confidence, partial(self.whole, turn), stream=partial(self.stream, turn))
            for turn in turns
        ]

    def whole(self, turn: Turn) -> Reply:
        return list(self.stream(turn))[-1]

    def stream(self, turn: Turn) -> Generator[Reply, None, None]:
        words = turn.text.split()
        try:
            for at, word in enumerate(words):
                time.sleep(self.wait)
                if word == "fail":
                    raise RuntimeError("it failed")
                self.spoken_words.append(word)
                details = {"words": at + 1, "entities": [{"start": 0, "end": len(words[0]), "label": "first"}]}
                yield Reply(" ".join(words[: at + 1]), "answer", 1.0, state={"at": at}, details=details)
        except GeneratorExit:
            self.ended.append("cancelled")
            raise
        except RuntimeError:
            self.ended.append("failed")
            raise
        self.ended.append("whole")


@dataclass
class TakingBack(Telling):
    """Says something, and then something else."""

    def stream(self, turn: Turn) -> Generator[Reply, None, None]:  # noqa: ARG002 as every skill streams
        yield Reply("It is so", "answer", 1.0)
        yield Reply("No", "answer", 1.0)


@dataclass
class Mute(Telling):
    """Streams nothing."""

    def stream(self, turn: Turn) -> Generator[Reply, None, None]:  # noqa: ARG002
        yield from ()


def agent_of(memory: Memory, **skills: Skill) -> Agent:
    """An agent with these skills."""
    manifest = Manifest(
        version="0001",
        agent="tests",
        created_at="2026-01-31T09:30:00+00:00",
        made_by="train",
        parent=None,
        config={},
        skills={},
    )
    return Agent(manifest, skills, memory)
