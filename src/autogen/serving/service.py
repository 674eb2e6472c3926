"""What the routes ask for, kept off the event loop: models and database run in worker threads behind bounded queues."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from autogen.agents.agent import Agent, Response, ResponseChunk
from autogen.agents.fleet import Fleet
from autogen.agents.messages import Message, check_message
from autogen.feedback.entities import EntitySpan
from autogen.feedback.events import Feedback
from autogen.runtime.batcher import Batcher, run_together
from autogen.serving.conversations import IncomingMessage, route_message
from autogen.serving.generating import Readers
from autogen.serving.metrics import ServerMetrics
from autogen.serving.schemas import FeedbackRequest
from autogen.skills.skill import Reply

Item = TypeVar("Item")
Result = TypeVar("Result")

log = logging.getLogger("autogen.serving")


@dataclass(frozen=True, slots=True)
class ParsedMessage:
    """What a text is about, according to which version and skill."""

    version: str
    skill: str
    reply: Reply


class Service:
    """Answers, parses and keeps feedback. `room`: requests of a kind that may wait before more are turned away;
    `callers_known`: whether every caller has shown a key, and so vouches for the users that it names."""

    def __init__(self, fleet: Fleet, metrics: ServerMetrics, room: int, callers_known: bool = False) -> None:
        self.fleet = fleet
        self._metrics = metrics
        self._room = room
        self._callers_known = callers_known
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
        """`work` in a thread of its own, for what arrives run_together; closed when the server stops."""
        batcher = Batcher(work, largest, self._room)
        self._batchers.append(batcher)
        return batcher

    async def answer(self, incoming: IncomingMessage) -> Response:
        """Raises UsageError, Overloaded, StorageError."""
        check_message(Message(incoming.text, incoming.conversation_id))
        response = await self._answers.submit(incoming, incoming.conversation_id)
        self._metrics.answers.labels(response.action, response.version).inc()
        return response

    async def stream(self, incoming: IncomingMessage) -> AsyncGenerator[ResponseChunk, None]:
        """An answer in pieces; closing this cancels it. Raises UsageError, Overloaded, StorageError."""
        check_message(Message(incoming.text, incoming.conversation_id))
        chunks = await self._streams.submit(incoming, incoming.conversation_id)
        last: ResponseChunk | None = None
        async with aclosing(self._readers.read(chunks)) as reading:
            async for last in reading:
                yield last
        if last is not None:
            self._metrics.answers.labels(last.response.action, last.response.version).inc()

    async def parse(self, text: str) -> ParsedMessage:
        """Raises UsageError, Overloaded."""
        check_message(Message(text))
        return await self._parses.submit(text)

    async def keep(self, request: FeedbackRequest) -> Feedback:
        """On disk when this returns. Raises UnknownResponse, UsageError, Overloaded, StorageError."""
        feedback = await self._feedback.submit(request)
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

    def _answer_all(self, messages: Sequence[IncomingMessage]) -> list[Response | Exception]:
        return self._by_agent(messages, Agent.respond_all)

    def _stream_all(
        self, messages: Sequence[IncomingMessage]
    ) -> list[Generator[ResponseChunk, None, None] | Exception]:
        return self._by_agent(messages, Agent.stream_all)

    def _by_agent(
        self, incoming: Sequence[IncomingMessage], respond: Callable[[Agent, Sequence[Message]], Sequence[Result]]
    ) -> list[Result | Exception]:
        """Each agent answers its messages run_together; the answers are in the messages' order."""
        self._metrics.batch_size.observe(len(incoming))
        routed = [route_message(message, self.fleet.memory.responses) for message in incoming]
        agents = [self.fleet.agent_for(message.origin_conversation_id) for message in routed]
        results: dict[int, Result | Exception] = {}
        for agent in {id(agent): agent for agent in agents}.values():
            places = [at for at, own_agent in enumerate(agents) if own_agent is agent]
            messages = [routed[at].message for at in places]
            results.update(zip(places, run_together(partial(respond, agent), messages), strict=True))
        return [results[at] for at in range(len(routed))]

    def _parse_all(self, texts: Sequence[str]) -> list[ParsedMessage | Exception]:
        champion = self.fleet.champion

        def parse(batch: Sequence[str]) -> list[ParsedMessage]:
            return [ParsedMessage(champion.version, skill, reply) for skill, reply in champion.parse(batch)]

        return run_together(parse, texts)

    def _keep_all(self, requests: Sequence[FeedbackRequest]) -> list[Feedback | Exception]:
        return run_together(self._keep, requests)

    def _keep(self, requests: Sequence[FeedbackRequest]) -> list[Feedback]:
        return [
            self.fleet.memory.feedback.record(
                request.response_id,
                trusted=False,  # whoever reaches the port may say anything
                vouched=self._callers_known,  # and without a key under any name
                source="http",
                rating=request.rating,
                label=request.label,
                answer=request.text,
                comment=request.comment,
                user=request.user,
                entities=_entities(request),
            )
            for request in requests
        ]


def _entities(request: FeedbackRequest) -> list[EntitySpan] | None:
    return (
        None
        if request.entities is None
        else [EntitySpan(entity.start, entity.end, entity.label) for entity in request.entities]
    )
