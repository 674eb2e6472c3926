"""What every request passes before its route: it is counted, must name a host that is known, must
show the key, and has a whole body within bounds."""

from __future__ import annotations

import asyncio
import re

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from autogen.serving.failures import RequestRefused
from autogen.serving.metrics import ServerMetrics
from autogen.serving.security import ApiKey, KnownHosts

OPEN_ROUTES = frozenset({"/healthz", "/readyz"})  # what watches over the server has no key
LINGER_SECONDS = 5.0
JSON_TYPE = re.compile(rb"application/([\w.-]+\+)?json\s*(;.*)?", re.IGNORECASE)


class Guard:
    """ASGI middleware."""

    def __init__(
        self,
        app: ASGIApp,
        key: ApiKey,
        hosts: KnownHosts,
        metrics: ServerMetrics,
        routes: frozenset[str],
        body_bytes: int,
        body_seconds: float,
    ) -> None:
        self.app = app
        self._key, self._hosts, self._metrics, self._routes = key, hosts, metrics, routes
        self._body_bytes, self._body_seconds = body_bytes, body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # unknown paths share one name: a caller must not be able to fill the memory with counters
        route = scope["path"] if scope["path"] in self._routes else "other"
        with self._metrics.request(route) as outcome:

            async def counted(message: Message) -> None:
                if message["type"] == "http.response.start":
                    outcome.status = str(message["status"])
                await send(message)

            try:
                body = await self._admit(scope, receive)
            except RequestRefused as refusal:
                await _refuse(refusal, scope, receive, counted)
            except ClientDisconnect:
                outcome.status = "499"  # as nginx counts it
            else:
                await self.app(scope, _replay(body, receive), counted)

    async def _admit(self, scope: Scope, receive: Receive) -> bytes:
        """The request's body. Raises RequestRefused, ClientDisconnect."""
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        if scope["path"] not in OPEN_ROUTES:
            self._check_caller(headers)
        length = next((value for name, value in headers if name == b"content-length"), b"0")
        if int(length) > self._body_bytes:
            raise self._too_large()
        try:
            async with asyncio.timeout(self._body_seconds):
                body = await self._read(receive)
        except TimeoutError:
            message = f"Expected the whole body within {self._body_seconds:g} seconds: send it again."
            raise RequestRefused(408, "request_timeout", message) from None
        kind = next((value for name, value in headers if name == b"content-type"), b"")
        # a browser sends this type to another site's server only after asking it, so no page can write feedback here
        if body and not JSON_TYPE.fullmatch(kind.strip()):
            message = "Expected a JSON body with the header `Content-Type: application/json`."
            raise RequestRefused(400, "invalid_content_type", message)
        return body

    def _check_caller(self, headers: list[tuple[bytes, bytes]]) -> None:
        if self._key.value is None and (reason := self._hosts.refusal(headers)):
            raise RequestRefused(403, "unknown_host", reason)
        if not self._key.admits(headers):
            raise RequestRefused(
                401,
                "invalid_api_key",
                "Expected the header `Authorization: Bearer KEY` with this server's API key.",
                headers={"WWW-Authenticate": "Bearer"},
            )

    async def _read(self, receive: Receive) -> bytes:
        parts: list[bytes] = []
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > self._body_bytes:
                raise self._too_large()
            more = message.get("more_body", False)
        return b"".join(parts)

    def _too_large(self) -> RequestRefused:
        message = f"Expected a body of at most {self._body_bytes:,} bytes, found a longer one: send less."
        return RequestRefused(413, "body_too_large", message)


def _replay(body: bytes, receive: Receive) -> Receive:
    """`receive` as if nothing had been read."""
    unread = [body]

    async def replayed() -> Message:
        if unread:
            return {"type": "http.request", "body": unread.pop(), "more_body": False}
        return await receive()

    return replayed


async def _refuse(refusal: RequestRefused, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer before the body is read, then read on for a while without keeping it: a connection closed with bytes
    unread is reset, and the caller would lose the answer."""

    async def unfinished(message: Message) -> None:
        await send({**message, "more_body": True} if message["type"] == "http.response.body" else message)

    response = refusal.response()
    response.headers["Connection"] = "close"
    await response(scope, receive, unfinished)
    try:
        async with asyncio.timeout(LINGER_SECONDS):
            while (await receive()).get("more_body", False):
                pass
    except TimeoutError:
        pass
    await send({"type": "http.response.body", "body": b"", "more_body": False})
