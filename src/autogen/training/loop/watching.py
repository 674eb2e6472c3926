"""What watches a training run: progress, Ctrl-C, the clock, and when a checkpoint is due."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from transformers import TrainerCallback

from autogen.progress import TrainingProgress
from autogen.training.loop.checkpoints import SaveClock
from autogen.training.loop.distributed import any_process
from autogen.training.loop.schedule import Schedule


class Watcher(TrainerCallback):  # type: ignore[misc] # transformers is untyped here
    """Reports progress, and turns a Ctrl-C into a saved checkpoint and an orderly stop, and the end of the time that
    there was into an orderly end."""

    def __init__(self, progress: TrainingProgress, rows_per_step: int, saves: SaveClock, measures: bool) -> None:
        self.progress, self.rows_per_step = progress, rows_per_step
        self.saves, self.measures = saves, measures
        self.schedule: Schedule | None = None
        self.stopped = self.out_of_time = False
        self._saved_at = -1

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:  # noqa: ARG002
        self.progress.advance(self.rows_per_step)
        time_is_over = self.schedule is not None and self.schedule.is_over and state.global_step < state.max_steps
        self.stopped, self.out_of_time, due = any_process(
            self.stopped, time_is_over, self.saves.is_due(epoch_ends=False)
        )
        if self.stopped or due:
            control.should_save = True
        if self.out_of_time and not self.stopped:
            control.should_log, control.should_evaluate = True, self.measures
        if self.stopped or self.out_of_time:
            control.should_training_stop = True
        return control

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:  # noqa: ARG002
        if self.stopped or self.out_of_time:  # saved or measured at the step already
            control.should_evaluate = control.should_save = control.should_log = False
            return control
        (due,) = any_process(self.saves.is_due(epoch_ends=True))
        control.should_save = due and state.global_step != self._saved_at
        return control

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        self._saved_at = state.global_step

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:  # noqa: ARG002
        if logs and "loss" in logs:
            self.progress.advance(0, f"loss {logs['loss']:.3f}")
        if logs and "eval_score" in logs:
            self.progress.advance(0, f"held-out {logs['eval_score']:.1%}")


@contextmanager
def catch_interrupts(watcher: Watcher) -> Iterator[None]:
    """The first Ctrl-C stops at the next step; a second one stops at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(signum: int, frame: Any) -> None:  # noqa: ARG001
        if watcher.stopped:
            raise KeyboardInterrupt
        watcher.stopped = True
        watcher.progress.say("Stopping after this step; press Ctrl-C again to stop at once.")

    previous_handler = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous_handler)
