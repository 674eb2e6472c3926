"""The server process: from a project's folder to an open port, and back."""

from __future__ import annotations

import errno
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import uvicorn

from autogen.agents.fleet import Fleet
from autogen.config.project import ProjectConfig, load_config
from autogen.config.settings import CONFIG_NAME
from autogen.errors import ConfigError, UsageError
from autogen.feedback.review import describe_whose_feedback
from autogen.plugins import skill_settings
from autogen.serving.app import ServerSettings, create_app
from autogen.serving.security import KEY_VARIABLE, check_address, find_api_key

log = logging.getLogger("autogen.serving")

KEEP_ALIVE_SECONDS = 30  # longer than clients keep an idle connection, so that it is they who close it


def serve(
    project: Path,
    host: str = "127.0.0.1",
    port: int = 8000,
    api_key: str | None = None,
    *,
    settings: ServerSettings | None = None,
    access_log: bool = False,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Answer over HTTP until SIGTERM or SIGINT, and return when the requests in flight are answered.

    Without `api_key`, the environment's AUTOGEN_API_KEY is the key. Port 0 takes any free one. Without `settings`,
    callers are told what `agent.toml` says under `[server]`. `on_ready` is called with the server's URL. `access_log`
    writes a line per request to stderr.

    Raises UsageError when the address is taken or would need a key, ProjectNotFound, VersionDamaged, StorageError.
    """
    settings = settings or settings_of(project)
    settings = replace(settings, api_key=find_api_key(api_key if api_key is not None else settings.api_key))
    check_address(host, settings.api_key)
    with _bind(host, port) as listener:
        fleet = Fleet(project)
        with closing(fleet.memory.database):
            server = _Server(_config(create_app(fleet, settings), settings, access_log), on_ready, _url(listener))
            with server.stopped_by_signals():
                server.run(sockets=[listener])


def describe_feedback(project: Path, api_key: str | None) -> str:
    """Whose feedback the project learns, and who vouches for whom; empty where it has no `agent.toml` to learn by."""
    try:
        config = _config_of(project)
    except ConfigError as error:
        return f"Feedback is kept, but nothing can be learnt until {CONFIG_NAME} is mended. {error}"
    if config is None:
        return ""
    callers = (
        "Callers show a key, and vouch for the `user` that they name."
        if find_api_key(api_key)
        else f"Callers show no key ({KEY_VARIABLE} is not set), so nobody vouches for the `user` that they name."
    )
    return f"{describe_whose_feedback(config.feedback.learn_from)} {callers}"


def settings_of(project: Path) -> ServerSettings:
    """What `agent.toml` says: what cannot be read gives nothing away, and stops no answers."""
    try:
        config = _config_of(project)
    except ConfigError as error:
        log.warning("confidence is rounded for callers without a key, and no other hosts are known: %s", error)
        return ServerSettings(confidence="rounded")
    if config is None:
        return ServerSettings()
    server = config.server
    confidence = server.confidence_where(config.feedback.learn_from)
    return ServerSettings(confidence=confidence, hosts=server.hosts, origins=server.origins)


def _config_of(project: Path) -> ProjectConfig | None:
    """What `agent.toml` says; None where there is none: a project's versions answer without it. Raises ConfigError."""
    return load_config(project, skill_settings()) if (project / CONFIG_NAME).is_file() else None


class _Server(uvicorn.Server):
    """uvicorn, which says when it is ready, and for which being told to stop is no failure."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[str], None] | None, url: str) -> None:
        super().__init__(config)
        self._on_ready, self._url = on_ready, url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._on_ready is not None:
            self._on_ready(self._url)

    @contextmanager
    def stopped_by_signals(self) -> Iterator[None]:
        """uvicorn raises the signals that it stopped for again, for the handlers that were there before it: these."""
        if threading.current_thread() is not threading.main_thread():  # only there can signals be handled
            yield
            return
        handlers = {
            signal_number: signal.signal(signal_number, self.handle_exit)
            for signal_number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for signal_number, handler in handlers.items():
                signal.signal(signal_number, handler)


def _config(app: object, settings: ServerSettings, access_log: bool) -> uvicorn.Config:
    if access_log:
        lines = logging.getLogger("uvicorn.access")
        lines.addHandler(logging.StreamHandler())
        lines.setLevel(logging.INFO)
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        http="h11",
        loop="asyncio",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=access_log,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=settings.stop_seconds,
    )


def _bind(host: str, port: int) -> socket.socket:
    """A socket that has the address, before anything is loaded. Raises UsageError."""
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise UsageError(f"Expected an address of this machine to listen on, found {host!r}: {error}.") from None
    family, kind, protocol, _, address = addresses[0]
    listener = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":  # elsewhere it would let two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise UsageError(f"{host} port {port} cannot be listened on: {_advice(error)}") from None
    return listener


def _advice(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "another program does so already. Stop it, or choose another port with --port."
    if error.errno == errno.EACCES:
        return "this user may not. Choose a port above 1023 with --port."
    if error.errno == errno.EADDRNOTAVAIL:
        return "this machine does not have that address. Choose another with --host."
    return f"{error.strerror}. Choose another address with --host and --port."


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
