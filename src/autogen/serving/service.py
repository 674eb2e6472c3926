"""What the routes ask for, kept off the event loop: models and database run in worker threads behind bounded queues."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from autogen.agents.agent import Agent, Piece, Response
from autogen.agents.fleet import Fleet
from autogen.agents.messages import Message, check_message
from autogen.feedback.events import Entity, Feedback
from autogen.runtime.batcher import Batcher, run_together
from autogen.serving.conversations import Asked, place
from autogen.serving.generating import Readers
from autogen.serving.metrics import Metrics
from autogen.serving.schemas import FeedbackRequest
from autogen.skills.skill import Reply

Item = TypeVar("Item")
Result = TypeVar("Result")

log = logging.getLogger("autogen.serving")


@dataclass(frozen=True, slots=True)
class Understood:
    """What a text is about, according to which version and skill."""

    version: str
    skill: str
    reply: Reply


class Service:
    """Answers, parses and keeps feedback. `room`: requests of a kind that may wait before more are turned away."""

    def __init__(self, fleet: Fleet, metrics: Metrics, room: int) -> None:
        self.fleet = fleet
        self._metrics = metrics
        self._room = room
        self._reported: Exception | None = None
        self._batchers: list[Batcher[Any, Any]] = []
        self._readers = Readers(room=room)
        self._answers = self.batcher(self._answer_all)
        self._streams = self.batcher(self._stream_all)
        self._parses = self.batcher(self._parse_all)
        self._feedback = self.batcher(self._keep_all, largest=1)  # each is confirmed as soon as it is on disk

    @property
    def champion(self) -> Agent:
        return self.fleet.champion

    def batcher(
        self, work: Callable[[Sequence[Item]], Sequence[Result | Exception]], largest: int = 32
    ) -> Batcher[Item, Result]:
        """`work` in a thread of its own, for what arrives together; closed when the server stops."""
        made = Batcher(work, largest, self._room)
        self._batchers.append(made)
        return made

    async def answer(self, asked: Asked) -> Response:
        """Raises UsageError, Overloaded, StorageError."""
        check_message(Message(asked.text, asked.conversation_id))
        response = await self._answers.submit(asked, asked.conversation_id)
        self._metrics.answers.labels(response.action, response.version).inc()
        return response

    async def stream(self, asked: Asked) -> AsyncGenerator[Piece, None]:
        """An answer in pieces; closing this cancels it. Raises UsageError, Overloaded, StorageError."""
        check_message(Message(asked.text, asked.conversation_id))
        pieces = await self._streams.submit(asked, asked.conversation_id)
        last: Piece | None = None
        async with aclosing(self._readers.read(pieces)) as reading:
            async for last in reading:
                yield last
        if last is not None:
            self._metrics.answers.labels(last.response.action, last.response.version).inc()

    async def parse(self, text: str) -> Understood:
        """Raises UsageError, Overloaded."""
        check_message(Message(text))
        return await self._parses.submit(text)

    async def keep(self, given: FeedbackRequest) -> Feedback:
        """On disk when this returns. Raises UnknownResponse, UsageError, Overloaded, StorageError."""
        feedback = await self._feedback.submit(given)
        self._metrics.feedback.inc()
        return feedback

    @asynccontextmanager
    async def running(self, refresh_seconds: float) -> AsyncIterator[None]:
        """Follow promotions and rollbacks meanwhile; close everything at the end."""
        watch = asyncio.create_task(self._watch(refresh_seconds))
        try:
            yield
        finally:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch
            for batcher in self._batchers:
                await asyncio.to_thread(batcher.close)
            await asyncio.to_thread(self._readers.close)

    async def _watch(self, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await asyncio.to_thread(self._refresh)
            except Exception:  # whatever it was, the champion in memory goes on answering, and the next try may work
                log.exception("looking for a new champion failed")

    def _refresh(self) -> None:
        if self.fleet.refresh():
            log.info("version %s answers now", self.fleet.champion.version)
        error = self.fleet.last_error
        if error is not None and error is not self._reported:
            log.error("version %s goes on answering: %s", self.fleet.champion.version, error)
        self._reported = error

    def _answer_all(self, asked: Sequence[Asked]) -> list[Response | Exception]:
        return self._by_agent(asked, Agent.respond_all)

    def _stream_all(self, asked: Sequence[Asked]) -> list[Generator[Piece, None, None] | Exception]:
        return self._by_agent(asked, Agent.stream_all)

    def _by_agent(
        self, asked: Sequence[Asked], answer: Callable[[Agent, Sequence[Message]], Sequence[Result]]
    ) -> list[Result | Exception]:
        """Each agent answers its messages together; the answers are in the messages' order."""
        self._metrics.batch_size.observe(len(asked))
        placed = [place(one, self.fleet.memory.responses) for one in asked]
        agents = [self.fleet.agent_for(one.begun) for one in placed]
        found: dict[int, Result | Exception] = {}
        for agent in {id(agent): agent for agent in agents}.values():
            places = [at for at, one in enumerate(agents) if one is agent]
            messages = [placed[at].message for at in places]
            found.update(zip(places, run_together(partial(answer, agent), messages), strict=True))
        return [found[at] for at in range(len(placed))]

    def _parse_all(self, texts: Sequence[str]) -> list[Understood | Exception]:
        champion = self.fleet.champion

        def parse(some: Sequence[str]) -> list[Understood]:
            return [Understood(champion.version, skill, reply) for skill, reply in champion.parse(some)]

        return run_together(parse, texts)

    def _keep_all(self, given: Sequence[FeedbackRequest]) -> list[Feedback | Exception]:
        return run_together(self._keep, given)

    def _keep(self, given: Sequence[FeedbackRequest]) -> list[Feedback]:
        return [
            self.fleet.memory.feedback.record(
                one.response_id,
                trusted=False,  # whoever reaches the port may say anything, and under any name
                source="http",
                rating=one.rating,
                label=one.label,
                answer=one.text,
                comment=one.comment,
                user=one.user,
                entities=_entities(one),
            )
            for one in given
        ]


def _entities(given: FeedbackRequest) -> list[Entity] | None:
    return None if given.entities is None else [Entity(one.start, one.end, one.label) for one in given.entities]
