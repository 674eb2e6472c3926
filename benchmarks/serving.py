"""`autogen serve`: how soon it is ready, how much memory it holds, how fast it answers.

Start: from starting the command to `/readyz` answering 200, the median of some starts. Memory: VmRSS after 200
requests. Speed: requests per second and p50/p99 through `/v1/chat/completions` (each client in a conversation of its
own) and `/v1/parse`, with several clients at once, each on one kept-alive connection. The clients are threads of this
process, the server is another process on the same machine, so they share its cores: the server's CPU time per request
is shown too. Every level ends after --requests or --seconds, whichever comes first. Linux only (/proc).

    python benchmarks/serving.py --project DIR
    python benchmarks/serving.py                  trains a project on the packaged template, for one epoch
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from measuring import AUTOGEN, options, quantile, report, say
from rows import file_of, read_rows, template_rows, trained_project

CHAT, PARSE = "/v1/chat/completions", "/v1/parse"
BEFORE_MEMORY = 200  # requests
STARTS_WITHIN = 60.0  # seconds, or it counts as failed
TARGET_SECONDS, TARGET_MB = 3.0, 400


def parse() -> argparse.Namespace:
    parser = options(__doc__)
    parser.add_argument("--project", type=Path, metavar="DIR", help="a trained project; a copy of it is served")
    parser.add_argument(
        "--data", type=Path, metavar="PATH", help="queries (text, label); else the template's customers"
    )
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16], metavar="N", help="clients at once")
    parser.add_argument("--requests", type=int, default=2_000, help="of each level, at most")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each level, at most")
    parser.add_argument("--base-model", default="minilm", help="of the project that is trained without --project")
    return parser.parse_args()


class Server:
    """`autogen serve` on a free port, ready when the object is."""

    def __init__(self, project: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        environment = {name: value for name, value in os.environ.items() if name != "AUTOGEN_API_KEY"}
        command = [AUTOGEN, "serve", "-p", str(project), "--port", str(port)]
        started = time.perf_counter()
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        try:
            self._wait(started)
        except BaseException:
            self.stop()
            raise
        self.start_seconds = time.perf_counter() - started

    def _wait(self, started: float) -> None:
        with httpx.Client(base_url=self.url, trust_env=False) as client:
            while time.perf_counter() - started < STARTS_WITHIN:
                if self.process.poll() is not None:
                    sys.exit(f"autogen serve ended with exit code {self.process.returncode}.")
                try:
                    if client.get("/readyz").status_code == 200:
                        return
                except httpx.TransportError:
                    time.sleep(0.005)  # it does not listen yet
        sys.exit(f"autogen serve was not ready within {STARTS_WITHIN:.0f} s.")

    def memory_mb(self) -> float:
        lines = Path(f"/proc/{self.process.pid}/status").read_text("ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024

    def cpu_seconds(self) -> float:
        """Spent by all its threads so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def serving(project: Path) -> Iterator[Server]:
    server = Server(project)
    try:
        yield server
    finally:
        server.stop()


def body(path: str, text: str, conversation: str) -> dict[str, Any]:
    if path == PARSE:
        return {"text": text}
    messages = [{"role": "user", "content": text}]
    return {"model": "any", "messages": messages, "metadata": {"conversation_id": conversation}}


def client(url: str, path: str, queries: Sequence[str], conversation: str, until: float) -> list[float]:
    """Ask one query after the other on one connection: seconds of each. Exits when one is refused."""
    taken: list[float] = []
    with httpx.Client(base_url=url, timeout=30, trust_env=False) as connection:
        for text in queries:
            start = time.perf_counter()
            if start > until:
                break
            answer = connection.post(path, json=body(path, text, conversation))
            taken.append(time.perf_counter() - start)
            if answer.status_code != 200:
                sys.exit(f"{path}: {answer.status_code} {answer.text[:300]}")
    return taken


@dataclass(frozen=True)
class Level:
    path: str
    clients: int
    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float
    server_cpu_ms: float  # per request

    def line(self) -> list[object]:
        figures = (self.p50_ms, self.p99_ms, self.server_cpu_ms)
        return [self.path, self.clients, self.requests, f"{self.per_second:.0f}", *(f"{one:.2f}" for one in figures)]


def level(server: Server, path: str, clients: int, queries: Sequence[str], seconds: float) -> Level:
    """So many clients at once, the queries shared out among them."""
    until = time.perf_counter() + seconds
    shares = [queries[at::clients] for at in range(clients)]
    cpu, start = server.cpu_seconds(), time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        jobs = [
            pool.submit(client, server.url, path, share, f"benchmark-{clients}-{at}", until)
            for at, share in enumerate(shares)
        ]
        taken = [one for job in jobs for one in job.result()]
    wall, spent = time.perf_counter() - start, server.cpu_seconds() - cpu
    found = Level(
        path=path,
        clients=clients,
        requests=len(taken),
        per_second=len(taken) / wall,
        p50_ms=median(taken) * 1e3,
        p99_ms=quantile(taken, 0.99) * 1e3,
        server_cpu_ms=spent / len(taken) * 1e3,
    )
    say(f"{path}, {clients} clients: {found.per_second:.0f} requests/s, p50 {found.p50_ms:.1f} ms")
    return found


def starts(project: Path, count: int) -> list[float]:
    found = []
    for number in range(count):
        with serving(project) as server:
            found.append(server.start_seconds)
        say(f"start {number + 1}: ready after {found[-1]:.2f} s")
    return found


def texts(given: argparse.Namespace) -> list[str]:
    rows = read_rows(file_of(given.data, "test", "dev")) if given.data else template_rows("customers")
    return [row.text for row in rows]


def memory_and_speed(given: argparse.Namespace, project: Path) -> tuple[dict[str, float], list[Level]]:
    """VmRSS in MB at three moments, and every level."""
    requests = min(given.requests, given.limit or given.requests)
    queries = list(islice(cycle(texts(given)), max(requests, BEFORE_MEMORY)))
    with serving(project) as server:
        memory = {"when ready": server.memory_mb()}
        client(server.url, CHAT, queries[:BEFORE_MEMORY], "benchmark-memory", time.perf_counter() + given.seconds)
        memory[f"after {BEFORE_MEMORY} requests"] = server.memory_mb()
        paths = [(path, clients) for path in (CHAT, PARSE) for clients in given.clients]
        levels = [level(server, path, n, queries[:requests], given.seconds) for path, n in paths]
        memory["at the end"] = server.memory_mb()
    return memory, levels


def main() -> None:
    given = parse()
    with tempfile.TemporaryDirectory() as scratch:
        project = Path(scratch) / "project"
        if given.project:
            shutil.copytree(given.project, project)
        else:
            trained_project(project, given.base_model, given.limit)
        ready = starts(project, given.starts)
        memory, levels = memory_and_speed(given, project)
    held = ", ".join(f"{mb:.0f} MB {when}" for when, mb in memory.items())
    print(
        f"\nReady after {median(ready):.2f} s, median of {len(ready)} starts (target: at most {TARGET_SECONDS:.0f} s)."
    )
    print(f"VmRSS: {held} (target: below {TARGET_MB} MB).")
    header = ("path", "clients", "requests", "requests/s", "p50 ms", "p99 ms", "server CPU ms each")
    kept = [asdict(one) for one in levels]
    lines = [one.line() for one in levels]
    report("autogen serve", given, header, lines, start_seconds=ready, memory_mb=memory, levels=kept)


if __name__ == "__main__":
    main()
