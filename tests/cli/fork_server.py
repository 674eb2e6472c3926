"""Starts commands of their own process, quickly: libraries are imported once, and every command is forked from there.

Importing what learning needs takes ten seconds of processor time, and hundreds of tests run a command. A command has
its own process, files, folder, environment, exit code and signals; who kills its client kills it. Standard input is
the life of the server: it ends when that is closed.

    python fork_server.py SOCKET      the server
    fork_client.py SOCKET PROGRAM …   a client: the program, forked
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import threading
import traceback
from dataclasses import dataclass, field
from typing import Any

ANSWERING = ("autogen.cli.main", "autogen.agents", "autogen.serving.server", "autogen.reports.report")
LEARNING = (
    "autogen.project",
    "autogen.tasks.text_classification.learning.learner",
    "autogen.tasks.recommendation.learning.learner",
    "autogen.training.loop.distributed",
    "matplotlib.backends.backend_agg",
)
LEARN = {"train", "improve", "tune", "discover"}  # commands that import what learning needs


@dataclass
class ForkServer:
    listener: socket.socket
    life: int  # a file that is at its end when the server is to end
    clients: dict[int, socket.socket] = field(default_factory=dict)  # by the process that was forked for it
    learns: bool = False

    def run(self) -> None:
        woken, wake = socket.socketpair()
        for end in (woken, wake):
            end.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        with selectors.DefaultSelector() as selector:
            for source in (self.listener, self.life, woken):
                selector.register(source, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is self.life or key.fd == self.life:
                        return
                    if key.fileobj is self.listener:
                        self._fork(selector)
                    elif key.fileobj is woken:
                        woken.recv(4096)
                    else:
                        self._pass_on(selector, key.fileobj)
                self._say_what_ended(selector)

    def _fork(self, selector: selectors.BaseSelector) -> None:
        client, _ = self.listener.accept()
        request, files = read_request(client)
        if not self.learns and LEARN & set(request["words"][:1]):
            self.learns = True
            import_all(LEARNING)
        pid = os.fork()
        if not pid:
            signal.set_wakeup_fd(-1)
            for other in (self.listener, client, *self.clients.values()):
                other.close()
            os.close(self.life)
            run_forked(request, files)
        for file in files:
            os.close(file)
        self.clients[pid] = client
        selector.register(client, selectors.EVENT_READ)

    def _pass_on(self, selector: selectors.BaseSelector, client: Any) -> None:
        """A signal's number; nothing where the client is gone, and its process with it."""
        pid = next(pid for pid, other in self.clients.items() if other is client)
        numbers = client.recv(64)
        if not numbers:
            selector.unregister(client)
        for number in numbers or [signal.SIGKILL]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _say_what_ended(self, selector: selectors.BaseSelector) -> None:
        while self.clients:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            client = self.clients.pop(pid)
            with contextlib.suppress(KeyError, ValueError):
                selector.unregister(client)
            with contextlib.suppress(BrokenPipeError):
                client.sendall(str(os.waitstatus_to_exitcode(status)).encode())
            client.close()


def read_request(client: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """What to run, and the files that are its standard input, output and errors."""
    data, files, _, _ = socket.recv_fds(client, 65_536, 3)
    while not data.endswith(b"\n"):
        data += client.recv(65_536)
    return json.loads(data), files


def run_forked(request: dict[str, Any], files: list[int]) -> None:
    """In the new process: what a fresh interpreter would do with `-c PROGRAM WORDS`."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(request["folder"])
    paths = python_path()
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.path[:] = [*python_path(), *(path for path in sys.path if path not in paths)]
    sys.argv = ["-c", *request["words"]]
    code = 0
    try:
        exec(request["program"], {"__name__": "__main__"})
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 whatever it is, an interpreter shows it and ends with 1
        traceback.print_exc()
        code = 1
    finally:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def python_path() -> list[str]:
    return [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]


def import_all(names: tuple[str, ...]) -> None:
    for name in names:
        importlib.import_module(name)
    gc.freeze()


def main() -> None:
    life = os.dup(0)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(sys.argv[1])
        listener.listen()
        import_all(ANSWERING)
        ForkServer(listener, life).run()


if __name__ == "__main__":
    main()
