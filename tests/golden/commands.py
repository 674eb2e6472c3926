"""The product's public surfaces, run on a clock of the test's own: `python -m autogen` in this process, and the server.

Nothing here knows where in `autogen` a command or a route lives.
"""

from __future__ import annotations

import io
import json
import os
import runpy
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

# `python -m autogen` whose clock stands behind the real one by as many seconds as the first word says.
LATE = """
import runpy, sys, time

real, behind = time.time, float(sys.argv.pop(1))
time.time = lambda: real() - behind
runpy.run_module("autogen", run_name="__main__", alter_sys=True)
"""


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[Any]:
        """The JSON objects on stdout, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def json(self) -> Any:
        """The one JSON object that `--json` prints."""
        (value,) = self.objects
        return value


@contextmanager
def clock_at(moment: float | None) -> Iterator[None]:
    """Let `time.time` go on from `moment` (Unix seconds): what trends in a recommender fades as the clock goes on."""
    if moment is None:
        yield
        return
    real = time.time
    behind = real() - moment
    time.time = lambda: real() - behind
    try:
        yield
    finally:
        time.time = real


def run(*words: object, typed: str = "", folder: Path | None = None, moment: float | None = None) -> Done:
    """Run `python -m autogen WORDS` in this process, which spares its start, in the folder `folder`."""
    stdin = io.TextIOWrapper(io.BytesIO(typed.encode()), encoding="utf-8")
    stdout, stderr = io.StringIO(), io.StringIO()
    before = sys.argv, sys.stdin
    sys.argv, sys.stdin = ["autogen", *map(str, words)], stdin
    try:
        with redirect_stdout(stdout), redirect_stderr(stderr), chdir(folder or Path.cwd()), clock_at(moment):
            runpy.run_module("autogen", run_name="__main__")
        code: object = 0
    except SystemExit as end:
        code = end.code or 0
    finally:
        sys.argv, sys.stdin = before
    assert isinstance(code, int), stderr.getvalue()
    assert "Traceback" not in stdout.getvalue() + stderr.getvalue(), stderr.getvalue()
    return Done(code, stdout.getvalue(), stderr.getvalue())


@contextmanager
def serving(project: Path, moment: float | None = None) -> Iterator[httpx.Client]:
    """`python -m autogen serve` on a free port, as a process of its own; a client of it."""
    behind = 0.0 if moment is None else time.time() - moment
    environment = {name: value for name, value in os.environ.items() if name != "AUTOGEN_API_KEY"}
    words = ["serve", "-p", str(project), "--port", "0", "--json"]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", LATE, str(behind), *words],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=environment,
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            log.seek(0)
            assert "url" in line, line + log.read()
            with httpx.Client(base_url=json.loads(line)["url"], timeout=30) as client:
                yield client
        finally:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
