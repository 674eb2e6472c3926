"""What all benchmarks share: processes that are timed, the machine described, results printed and kept."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

HERE = Path(__file__).resolve().parent
AUTOGEN = str(Path(sys.executable).with_name("autogen"))
AS_THE_COMMAND_LINE = {"GOMP_SPINCOUNT": "1000"}  # what `autogen` sets for itself
LOAD_BEFORE = round(os.getloadavg()[0], 2)  # before the benchmark adds its own: near 0 on a quiet machine
PACKAGES = ("autogen-loop", "torch", "transformers", "onnxruntime", "tokenizers", "numpy")


@dataclass(frozen=True)
class Child:
    """What a process said in its last line of stdout, a JSON object, and what it cost from its start to its end."""

    result: dict[str, Any]
    wall: float  # seconds
    cpu: float  # seconds, of all its threads
    peak_mb: float


class Running:
    """A Python script in a process of its own, started."""

    def __init__(
        self,
        script: Path,
        arguments: Sequence[object],
        environment: Mapping[str, str] | None = None,
        python: str = sys.executable,
    ) -> None:
        kept = {name: value for name, value in os.environ.items() if name not in AS_THE_COMMAND_LINE}
        self._command = [python, str(script), *map(str, arguments)]
        self._started = time.perf_counter()
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, text=True, env={**kept, **(environment or {})}
        )

    def finish(self) -> Child:
        """Wait for its end. Exits when it failed: its own message is on stderr."""
        assert self._process.stdout is not None
        with self._process.stdout as out:
            said = out.read().splitlines()
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        if self._process.returncode:
            sys.exit(f"{' '.join(self._command)} ended with exit code {self._process.returncode}.")
        unit = 1 if sys.platform == "darwin" else 1024  # bytes on macOS, kilobytes on Linux
        cpu = usage.ru_utime + usage.ru_stime
        return Child(json.loads(said[-1]), time.perf_counter() - self._started, cpu, usage.ru_maxrss * unit / 2**20)


def run(script: Path, arguments: Sequence[object], environment: Mapping[str, str] | None = None) -> Child:
    """Start it and wait for its end."""
    return Running(script, arguments, environment).finish()


def run_peer(name: str, arguments: Sequence[object], environment: Mapping[str, str] | None = None) -> Child:
    """`peers/NAME/train.py`, in that folder's own environment where one was made, else in this one."""
    folder = HERE / "peers" / name
    own = folder / ".venv/bin/python"
    return Running(folder / "train.py", arguments, environment, str(own) if own.exists() else sys.executable).finish()


def machine() -> dict[str, Any]:
    """Processor, cores that this process may use, load before we began, date, versions."""
    return {
        "processor": _processor(),
        "cores": cores(),
        "load": LOAD_BEFORE,
        "date": datetime.now().astimezone().isoformat(timespec="seconds"),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "versions": ", ".join(f"{name} {found}" for name in PACKAGES if (found := _version(name))),
    }


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    about = Path("/proc/cpuinfo")
    lines = about.read_text("utf-8").splitlines() if about.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def options(description: str | None) -> argparse.ArgumentParser:
    """A parser with what every benchmark takes."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result here too")
    parser.add_argument("--limit", type=int, metavar="N", help="a quick trial: at most N rows (or requests)")
    return parser


def say(text: str) -> None:
    """Progress, on stderr."""
    print(f"[{datetime.now():%H:%M:%S}] {text}", file=sys.stderr, flush=True)


def spread(values: Sequence[float], scale: float = 1.0, digits: int = 1) -> str:
    """Mean ± standard deviation; the deviation only of several values."""
    mean = f"{scale * fmean(values):.{digits}f}"
    return f"{mean} ± {scale * stdev(values):.{digits}f}" if len(values) > 1 else mean


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all are not above."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1))]


def report(
    title: str, arguments: argparse.Namespace, header: Sequence[str], rows: Sequence[Sequence[object]], **found: object
) -> None:
    """Print the machine and a table; write them with `found`, the figures behind the table, where --json says."""
    about = machine()
    print(f"\n{title}\n")
    for name, value in about.items():
        print(f"  {name:<10} {value}")
    print(f"\n{table(header, rows)}")
    if arguments.json:
        given = {name: _without_folders(value) for name, value in vars(arguments).items() if name != "json"}
        result = {"benchmark": title, "machine": about, "arguments": given, **found}
        arguments.json.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _without_folders(value: object) -> object:
    if isinstance(value, list):
        return [_without_folders(item) for item in value]
    return value.name if isinstance(value, Path) else value


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table that can be read as it is: the first column to the left, figures to the right."""
    cells = [list(header), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(header))]
    lines = [
        "| " + " | ".join(f"{cell:{'<' if at == 0 else '>'}{widths[at]}}" for at, cell in enumerate(row)) + " |"
        for row in cells
    ]
    rule = "|" + "|".join("-" * (width + 1) + ("-" if at == 0 else ":") for at, width in enumerate(widths)) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])
