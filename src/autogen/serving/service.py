"""What the routes ask for, kept off the event loop: models and database run in worker threads behind bounded queues."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from autogen.agents.agent import Agent, Message, Recommendation, Response, check_message
from autogen.agents.fleet import Fleet
from autogen.feedback.events import Feedback
from autogen.runtime.batcher import Batcher, together
from autogen.serving.conversations import Asked, Placed, place
from autogen.serving.metrics import Metrics
from autogen.serving.schemas import FeedbackRequest
from autogen.skills.recommendation.reading import wanted
from autogen.skills.recommendation.routes import RecommendationRequest
from autogen.skills.skill import Reply

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
        self._reported: Exception | None = None
        self._answers = Batcher(self._answer_all, room=room)
        self._parses = Batcher(self._parse_all, room=room)
        self._recommendations = Batcher(self._recommend_all, room=room)
        self._feedback = Batcher(self._keep_all, largest=1, room=room)  # each is confirmed as soon as it is on disk

    async def answer(self, asked: Asked) -> Response:
        """Raises UsageError, Overloaded, StorageError."""
        check_message(Message(asked.text, asked.conversation_id))
        response = await self._answers.submit(asked, asked.conversation_id)
        self._metrics.answers.labels(response.action, response.version).inc()
        return response

    async def parse(self, text: str) -> Understood:
        """Raises UsageError, Overloaded."""
        check_message(Message(text))
        return await self._parses.submit(text)

    async def recommend(self, given: RecommendationRequest) -> tuple[Recommendation, tuple[str, ...]]:
        """Items, and notes on what was understood. Raises UsageError, Overloaded, StorageError."""
        return await self._recommendations.submit(given)

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
            for batcher in (self._answers, self._parses, self._recommendations, self._feedback):
                await asyncio.to_thread(batcher.close)

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
        self._metrics.batch_size.observe(len(asked))
        placed = [place(one, self.fleet.memory.responses) for one in asked]
        agents = [self.fleet.agent_for(one.begun) for one in placed]
        return _by_agent(agents, placed)

    def _parse_all(self, texts: Sequence[str]) -> list[Understood | Exception]:
        champion = self.fleet.champion

        def parse(some: Sequence[str]) -> list[Understood]:
            return [Understood(champion.version, skill, reply) for skill, reply in champion.parse(some)]

        return together(parse, texts)

    def _recommend_all(
        self, given: Sequence[RecommendationRequest]
    ) -> list[tuple[Recommendation, tuple[str, ...]] | Exception]:
        champion = self.fleet.champion

        def recommend(some: Sequence[RecommendationRequest]) -> list[tuple[Recommendation, tuple[str, ...]]]:
            found = []
            for one in some:
                recommender = champion.recommender(one.skill)
                asked = wanted(recommender, one.user, one.history, one.query, one.filters, one.k, one.exclude)
                found.append((champion.recommend(asked.wanted, one.skill), asked.notes))
            return found

        return together(recommend, given)

    def _keep_all(self, given: Sequence[FeedbackRequest]) -> list[Feedback | Exception]:
        return together(self._keep, given)

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
            )
            for one in given
        ]


def _by_agent(agents: Sequence[Agent], placed: Sequence[Placed]) -> list[Response | Exception]:
    """Each agent answers its messages together; the answers are in the messages' order."""
    found: dict[int, Response | Exception] = {}
    for agent in {id(agent): agent for agent in agents}.values():
        places = [at for at, one in enumerate(agents) if one is agent]
        messages = [placed[at].message for at in places]
        found.update(zip(places, together(agent.respond_all, messages), strict=True))
    return [found[at] for at in range(len(placed))]
