"""Progress of long work, on stderr: a bar where a person watches, a line now and then where none does."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

LINE_EVERY = 15.0  # seconds between lines when stderr is not a terminal


@dataclass(frozen=True)
class RunPlace:
    """Where a run is logged: its own folder, somewhere in the folder that all runs share, and the project's name."""

    folder: Path
    runs: Path
    project: str

    @property
    def name(self) -> str:
        """As TensorBoard names it: `0007/support/intent`."""
        return self.folder.relative_to(self.runs).as_posix()


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.0f} rows/s" if task.speed else "… rows/s", style="cyan")


class TrainingProgress:
    """A context manager around long work: `start` a stage, `advance` it, `say` what happened."""

    def __init__(self, quiet: bool = False) -> None:
        self.console = Console(stderr=True, quiet=quiet)
        self._bar = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=self.console,
            disable=quiet or not self.console.is_terminal,
        )
        self._task = self._bar.add_task("", visible=False, note="")
        self._last_line_at = time.monotonic()

    def __enter__(self) -> TrainingProgress:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.update(self._task, visible=False)
        self._bar.stop()

    def start(self, stage: str, total: int, completed: int = 0) -> None:
        """A new stage of `total` rows; the bar of the one before is replaced."""
        self._bar.reset(self._task, description=stage, total=total, completed=completed, visible=True, note="")
        self._started, self._at_start = time.monotonic(), completed

    def advance(self, rows: int, note: str = "") -> None:
        self._bar.update(self._task, advance=rows)
        if note:
            self._bar.update(self._task, note=note)
        now = time.monotonic()
        if not self.console.is_terminal and now - self._last_line_at > LINE_EVERY:
            self._last_line_at = now
            self.console.print(self._line(now), highlight=False)

    def say(self, text: str) -> None:
        self.console.print(text, highlight=False)

    def _line(self, now: float) -> str:
        task = self._bar.tasks[0]
        rate = (task.completed - self._at_start) / max(now - self._started, 1e-9)
        left = ((task.total or 0) - task.completed) / rate if rate else 0.0
        return f"{task.description}: {task.completed:.0f}/{task.total:.0f} rows, {rate:.0f} rows/s, {left:.0f} s left"
