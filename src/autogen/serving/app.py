"""The HTTP interface: routes, and nothing that a route's function does itself."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Literal

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response as HttpResponse

from autogen.agents.agent import Agent, Response
from autogen.agents.fleet import Fleet
from autogen.feedback.events import MAX_TEXT_LENGTH
from autogen.plugins import skills
from autogen.serving import failures
from autogen.serving.conversations import IncomingMessage
from autogen.serving.failures import RequestRefused, too_long
from autogen.serving.guard import Guard
from autogen.serving.metrics import ServerMetrics
from autogen.serving.schemas import (
    Alive,
    Answer,
    ChatCompletion,
    ChatRequest,
    Choice,
    Details,
    ErrorBody,
    FeedbackKept,
    FeedbackRequest,
    Intent,
    Model,
    ModelDetails,
    ModelList,
    Parsed,
    ParseRequest,
    Ready,
)
from autogen.serving.security import ApiKey, KnownHosts
from autogen.serving.service import Service
from autogen.serving.stream import EventStream

log = logging.getLogger("autogen.serving")

Precision = Literal["exact", "rounded", "off"]
Rounding = Callable[[float], float]
ROUNDINGS: Mapping[Precision, Rounding] = {
    "exact": lambda confidence: confidence,
    "rounded": lambda confidence: round(confidence, 1),
    "off": lambda _: 0.0,
}


@dataclass(frozen=True)
class ServerSettings:
    """Who may ask, how much, and how exactly they are told how sure the agent is. Sizes in bytes, times in seconds."""

    api_key: str | None = None
    confidence: Precision = "exact"  # for callers who show no key
    hosts: tuple[str, ...] = ()  # names beside this machine's own by which they may ask
    origins: tuple[str, ...] = ()  # sites whose pages may ask
    body_bytes: int = 2**20
    body_seconds: float = 30.0  # a whole body must arrive within
    waiting: int = 512  # requests that may wait; more are told to come back
    refresh_seconds: float = 0.5  # between looks for a new champion
    stop_seconds: int = 8  # for requests in flight when told to stop


def create_app(fleet: Fleet, settings: ServerSettings) -> FastAPI:
    """The ASGI app that answers with this fleet. It serves no pages, so nothing is fetched from elsewhere. Every
    kind of skill adds its own routes (see `skills.hosts`)."""
    metrics = ServerMetrics(fleet)
    service = Service(fleet, metrics, settings.waiting, callers_known=settings.api_key is not None)
    key = ApiKey(settings.api_key)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with service.running(settings.refresh_seconds):
            yield

    app = FastAPI(
        title=fleet.champion.name,
        version="1",  # of the interface: the routes begin with it
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    answering = _answering_routes(service, ROUNDINGS["exact" if settings.api_key else settings.confidence])
    adding, errors = skills().loaded("routes")
    for add in adding:
        add(answering, service)
    for error in errors:
        log.warning("%s", error)
    for router in (answering, _monitoring_routes(fleet, metrics, key)):
        app.include_router(router, responses={"4XX": {"model": ErrorBody}, "5XX": {"model": ErrorBody}})
    failures.install(app)
    routes = frozenset(app.openapi()["paths"]) | {"/openapi.json"}
    app.add_middleware(
        Guard,
        key=key,
        hosts=KnownHosts(frozenset(map(str.lower, settings.hosts)), frozenset(settings.origins)),
        metrics=metrics,
        routes=routes,
        body_bytes=settings.body_bytes,
        body_seconds=settings.body_seconds,
    )
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=("GET", "POST"),
            allow_headers=("Authorization", "Content-Type"),
        )
    return app


def _answering_routes(service: Service, rounded: Rounding) -> APIRouter:
    router = APIRouter(prefix="/v1")
    completion = partial(_completion, rounded=rounded)

    @router.post("/chat/completions", response_model=ChatCompletion)
    async def chat_completions(request: ChatRequest) -> Any:
        """Answer a message, in the shape of OpenAI's API.

        Fields that only OpenAI's models heed are passed over; what would give the answer another shape (`n`, `tools`,
        `response_format`) is refused. With `"stream": true` the answer comes as server-sent
        events, OpenAI's chunks: the role, the text in pieces, then `finish_reason` together with `autogen`, and
        `[DONE]`. An answer that breaks off ends with an event `error`.
        """
        incoming = _incoming_message(request)
        if not request.stream:
            return completion(await service.answer(incoming), agent=service.champion.name)
        chunks = service.stream(incoming)
        first = await anext(chunks)  # what goes wrong before it still has a status of its own
        options = request.stream_options
        include_usage = options is not None and options.include_usage
        return EventStream(first, chunks, partial(completion, agent=service.champion.name), include_usage)

    unknown = {"model": ErrorBody, "description": "`unknown_response`: no response has this `response_id`."}

    @router.post("/feedback", response_model_exclude_none=True, responses={404: unknown})
    async def feedback(request: FeedbackRequest) -> FeedbackKept:
        """Keep what a person says of a response.

        At least one of `rating`, `label`, `entities`, `text` and `comment` is needed. It is on disk before it is
        confirmed. A caller's key vouches for the `user` that it names; without a key the name is nobody's. Corrections
        wait for review, unless the project's `[feedback] learn_from` says otherwise. A click counts at once for an item
        that the answer showed: for the user who is vouched for, else for that conversation alone.
        """
        stored = await service.keep(request)
        return FeedbackKept(id=stored.id, note=service.champion.note_on(stored))

    @router.post("/parse")
    async def parse(request: ParseRequest) -> Parsed:
        """Tell the intent of a text, as Rasa's `/model/parse` does, and what the agent would do.

        Nothing is kept, and no conversation goes on.
        """
        parsed = await service.parse(request.text)
        return Parsed(
            text=request.text,
            message_id=request.message_id,
            intent=Intent(name=parsed.reply.intent, confidence=rounded(parsed.reply.confidence)),
            intent_ranking=[(name, rounded(confidence)) for name, confidence in parsed.reply.alternatives],
            entities=parsed.reply.details.get("entities", []),
            action=parsed.reply.action,
            skill=parsed.skill,
            version=parsed.version,
        )

    return router


def _monitoring_routes(fleet: Fleet, metrics: ServerMetrics, key: ApiKey) -> APIRouter:
    router = APIRouter()

    @router.get("/v1/models")
    async def models() -> ModelList:
        """List the versions in memory, the champion first."""
        champion = fleet.champion
        others = [agent for agent in fleet.loaded if agent is not champion]
        return ModelList(data=[_model(agent, agent is champion) for agent in (champion, *reversed(others))])

    @router.head("/healthz", include_in_schema=False)
    @router.get("/healthz")
    async def healthz() -> Alive:
        """Tell whether the process lives."""
        return Alive()

    degraded = {"description": "`champion_not_loaded`: an earlier version answers; `status` is `degraded`."}

    @router.head("/readyz", include_in_schema=False)
    @router.get("/readyz", response_model=Ready, responses={503: degraded})
    async def readyz(request: Request) -> Any:
        """Tell whether the champion answers."""
        version, error = fleet.champion.version, fleet.last_error
        if error is None:
            return Ready(version=version)
        # the reason may name paths, which are for those who hold the key
        reason = str(error) if key.admits(request.scope["headers"]) else "The reason is in the server's log."
        message = f"Version {version} answers, because the champion could not be loaded. {reason}"
        value = failures.error_value(503, "champion_not_loaded", message)
        return JSONResponse({"status": "degraded", "version": version, "error": value}, 503)

    @router.get("/metrics", response_class=HttpResponse)
    async def prometheus() -> HttpResponse:
        """Give the server's metrics in Prometheus' text format."""
        return HttpResponse(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return router


def _incoming_message(request: ChatRequest) -> IncomingMessage:
    """The last user message, and what was said before it; instructions to a model (`system`) say nothing to us."""
    lines = [(message.role, message.content) for message in request.messages if message.role in ("user", "assistant")]
    while lines and lines[-1][0] != "user":
        lines.pop()
    if not lines:
        message = "Expected at least one message with the role user, found none."
        raise RequestRefused(400, "invalid_field", message, "messages")
    text = lines.pop()[1]
    if len(text) > MAX_TEXT_LENGTH:
        raise too_long(len(text), "messages")
    return IncomingMessage(
        text, request.metadata.conversation_id if request.metadata else None, tuple(lines), request.user
    )


def _completion(response: Response, agent: str, rounded: Rounding) -> ChatCompletion:
    alternatives = tuple((name, rounded(confidence)) for name, confidence in response.alternatives)
    response = replace(response, confidence=rounded(response.confidence), alternatives=alternatives)
    return ChatCompletion(
        id=response.id,
        created=int(time.time()),
        model=_model_id(agent, response.version),
        choices=[Choice(message=Answer(content=response.text))],
        autogen=Details.model_validate(response),
    )


def _model(agent: Agent, champion: bool) -> Model:
    return Model(
        id=_model_id(agent.name, agent.version),
        created=int(datetime.fromisoformat(agent.manifest.created_at).timestamp()),
        autogen=ModelDetails(version=agent.version, champion=champion),
    )


def _model_id(agent: str, version: str) -> str:
    return f"{agent}-{version}"
