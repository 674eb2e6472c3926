"""A completion as server-sent events: OpenAI's chunks."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from autogen.agents.agent import Response, ResponseChunk
from autogen.errors import AutoGenError
from autogen.serving.failures import error_value
from autogen.serving.schemas import ChatCompletion

Completed = Callable[[Response], ChatCompletion]

log = logging.getLogger("autogen.serving")


class EventStream(StreamingResponse):
    """Chunks of an answer, written as they come. When the client goes away, they are closed."""

    def __init__(
        self, first: ResponseChunk, more: AsyncGenerator[ResponseChunk, None], completed: Completed, include_usage: bool
    ) -> None:
        self._more = more
        super().__init__(
            _events(first, more, completed, include_usage),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-cache"},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._more):
            await super().__call__(scope, receive, send)


async def _events(
    first: ResponseChunk, more: AsyncIterator[ResponseChunk], completed: Completed, include_usage: bool
) -> AsyncIterator[str]:
    """The role, the text as it comes, the end, perhaps the usage; then `[DONE]`. An error ends it where it stands."""
    completion = completed(first.response)
    yield _chunk(completion, choices=[_choice({"role": "assistant", "content": ""})])
    yield _chunk(completion, choices=[_choice({"content": first.text})])
    last = first
    try:
        async for chunk in more:
            last = chunk
            yield _chunk(completion, choices=[_choice({"content": chunk.text})])
    except Exception as error:  # the status is sent already: what remains is to say so, and to log it
        log.error("an answer broke off: %s", error, exc_info=not isinstance(error, AutoGenError))
        message = "The agent could not finish; the reason is in the server's log."
        yield _event({"error": error_value(500, "internal_error", message)})
        return
    details = completed(last.response).autogen.model_dump(mode="json")
    finish = completion.choices[0].finish_reason
    yield _chunk(completion, choices=[_choice({}, finish)], autogen=details)
    if include_usage:
        yield _chunk(completion, choices=[], usage=completion.usage.model_dump())
    yield "data: [DONE]\n\n"


def _chunk(completion: ChatCompletion, **own: Any) -> str:
    shared = {"id": completion.id, "created": completion.created, "model": completion.model}
    return _event({**shared, "object": "chat.completion.chunk", **own})


def _event(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value)}\n\n"


def _choice(delta: dict[str, str], finish_reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
