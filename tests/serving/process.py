"""A real server process, and what a test does with it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

ONE, TWO, ASKS = "0002", "0003", "0004"  # versions, see conftest

SERVE = """
import json, sys
from pathlib import Path
from autogen.serving.app import ServerSettings
from autogen.serving.server import serve

arguments = json.loads(sys.argv[1])
serve(
    Path(arguments["project"]),
    host=arguments["host"],
    port=0,
    settings=ServerSettings(**arguments["settings"]),
    on_ready=lambda url: print(url, flush=True),
)
heavy = ("torch", "transformers", "autogen.training", "autogen.models", "autogen.project", "scipy", "pandas")
print(json.dumps([name for name in heavy if name in sys.modules]))
"""


class ServerProcess:
    """`autogen serve` on a free port; killed at the end if it has not been stopped. `script`: how it is served."""

    def __init__(
        self,
        project: Path,
        host: str = "127.0.0.1",
        api_key: str | None = None,
        script: str = SERVE,
        **settings: Any,
    ) -> None:
        self.project = project
        environment = {name: value for name, value in os.environ.items() if name != "AUTOGEN_API_KEY"}
        arguments = json.dumps({"project": str(project), "host": host, "settings": settings})
        self._errors = (project / "server.log").open("w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [sys.executable, "-c", script, arguments],
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env={**environment, **({"AUTOGEN_API_KEY": api_key} if api_key else {})},
        )
        assert self.process.stdout is not None
        self._out = self.process.stdout
        self.url = self._out.readline().strip().replace("0.0.0.0", "127.0.0.1")
        assert self.url.startswith("http://"), self.log()
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self.http = httpx.Client(base_url=self.url, headers=headers, timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None) -> None:
        self.http.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._out.close()
        self._errors.close()

    def log(self) -> str:
        self._errors.seek(0)
        return self._errors.read()

    def say(self, text: str, conversation_id: str | None = None) -> dict[str, Any]:
        """One message; the completion."""
        metadata = {"conversation_id": conversation_id} if conversation_id else None
        return self.chat([{"role": "user", "content": text}], metadata=metadata)

    def chat(self, messages: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        answer = self.http.post("/v1/chat/completions", json={"messages": messages, **more})
        assert answer.status_code == 200, answer.text
        completion: dict[str, Any] = answer.json()
        return completion

    def open_socket(self) -> socket.socket:
        address = urlsplit(self.url)
        assert address.hostname is not None
        return socket.create_connection((address.hostname, address.port or 80), timeout=20)

    def stop(self, number: int = signal.SIGTERM) -> list[str]:
        """Ask it to stop, and wait: which modules of the learning wing it had loaded."""
        self.process.send_signal(number)
        assert self.process.wait(timeout=20) == 0, self.log()
        loaded: list[str] = json.loads(self._out.read())
        return loaded


def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until it holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to hold"
        time.sleep(0.02)


def words(completion: dict[str, Any]) -> str:
    text: str = completion["choices"][0]["message"]["content"]
    return text
