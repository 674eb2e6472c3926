"""The command line as people run it: a process of its own, its exit code, what it printed."""

from __future__ import annotations

import atexit
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from autogen.cli.main import main

HERE = Path(__file__).resolve().parent
MAIN = "from autogen.cli.main import main; main()"

# Root may write anywhere: without the capabilities CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH and CAP_SYS_RESOURCE the
# program obeys permissions as anybody does. For others nothing changes.
WITHOUT_PRIVILEGES = f"""
import ctypes
libc = ctypes.CDLL(None)
if hasattr(libc, "capset"):
    version = (ctypes.c_uint32 * 2)(0x20080522, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted and inheritable ones, of low numbers and of high ones
    assert libc.capget(version, sets) == 0
    for at in (0, 1):
        sets[at] &= ~(1 << 1 | 1 << 2 | 1 << 24)
    assert libc.capset(version, sets) == 0
{MAIN}
"""


@dataclass(frozen=True)
class FinishedCommand:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON object that stdout must hold with --json."""
        lines = self.out.splitlines()
        assert len(lines) == 1, self.out
        value = json.loads(lines[0])
        assert isinstance(value, dict)
        return value

    @property
    def objects(self) -> list[Any]:
        """All JSON objects on stdout, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]


def command(*words: object, program: str = MAIN, fresh: bool = False) -> list[str]:
    """What runs a program in a process of its own. `fresh`: in an interpreter of its own too, which takes seconds to
    start; elsewhere it is forked from one that has imported the libraries."""
    if fresh or sys.platform != "linux":
        return [sys.executable, "-c", program, *map(str, words)]
    return [sys.executable, "-ISE", str(HERE / "fork_client.py"), fork_server(), program, *map(str, words)]


@cache
def fork_server() -> str:
    """The socket of this process's server."""
    path = f"{tempfile.mkdtemp(prefix='autogen-tests-')}/socket"
    server = subprocess.Popen([sys.executable, HERE / "fork_server.py", path], stdin=subprocess.PIPE)
    atexit.register(_stop, server, path)
    until(lambda: Path(path).exists() or server.poll() is not None, 60)
    return path


def _stop(server: subprocess.Popen[bytes], path: str) -> None:
    assert server.stdin is not None
    server.stdin.close()
    server.wait(10)
    shutil.rmtree(Path(path).parent)


def limited_to(file_bytes: int) -> str:
    """The program for a process that can write no file longer than this, as on a disk that is full."""
    limit = f"resource.setrlimit(resource.RLIMIT_FSIZE, ({file_bytes}, {file_bytes}))"
    return f"import resource; {limit}; {MAIN}"


def autogen(
    *words: object, typed: str | bytes = "", program: str = MAIN, cwd: Path | None = None, fresh: bool = False
) -> FinishedCommand:
    """Run a command to its end. Whatever happens, no traceback may be shown."""
    stdin = typed.encode() if isinstance(typed, str) else typed
    process = subprocess.run(
        command(*words, program=program, fresh=fresh),
        input=stdin,
        capture_output=True,
        timeout=300,
        cwd=cwd,
        check=False,
    )
    out, err = process.stdout.decode(), process.stderr.decode()
    assert "Traceback" not in out + err, err
    return FinishedCommand(process.returncode, out, err)


def called(*words: object, typed: str = "", cwd: Path | None = None) -> FinishedCommand:
    """The same command in this process, which spares its start: for long lists of input that must be refused."""
    stdin = io.TextIOWrapper(io.BytesIO(typed.encode()), encoding="utf-8")
    stdout, stderr = io.StringIO(), io.StringIO()
    before = sys.argv, sys.stdin
    sys.argv, sys.stdin = ["autogen", *map(str, words)], stdin
    try:
        with redirect_stdout(stdout), redirect_stderr(stderr), chdir(cwd or Path.cwd()):
            main()
    except SystemExit as end:
        code = end.code
    finally:
        sys.argv, sys.stdin = before
    assert isinstance(code, int)
    assert "Traceback" not in stdout.getvalue() + stderr.getvalue()
    return FinishedCommand(code, stdout.getvalue(), stderr.getvalue())


def started(*words: object) -> subprocess.Popen[str]:
    """A command that goes on while the test does."""
    pipe = subprocess.PIPE
    return subprocess.Popen(command(*words), stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True)


def until(holds: Callable[[], bool], seconds: float) -> None:
    """Wait until it holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to hold"
        time.sleep(0.02)


def answers(project: Path) -> bool:
    """Whether the project's champion answers a person."""
    command_result = autogen("chat", "-p", project, "--json", typed="my card was stolen\n")
    return command_result.code == 0 and bool(command_result.json["text"])


def refused(command_result: FinishedCommand, code: int, *words: str) -> None:
    """It ended with this code and one message on stderr, which says these words; stdout is empty, or with --json one
    object that says the same."""
    assert command_result.code == code, command_result.err
    assert len(re.findall(r"^error:|^Error:", command_result.err, re.MULTILINE)) == 1, command_result.err
    assert "AUTOGEN_DEBUG" not in command_result.err, command_result.err  # that is for what nobody foresaw
    assert not command_result.out or command_result.json["error"]
    for word in words:
        assert word in command_result.err, command_result.err


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nothing in the folder may be written, as on a disk that somebody else owns."""
    modes = {path: path.stat().st_mode for path in (folder, *folder.rglob("*"))}
    for path, mode in modes.items():
        path.chmod(mode & 0o555)
    try:
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file's bytes, by its path."""
    return {
        os.fspath(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith((".lock", "-shm", "-wal"))
    }
