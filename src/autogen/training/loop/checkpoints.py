"""Checkpoints: which are whole, and how often they are worth writing."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

DEAREST = 20  # a checkpoint is written when training has taken this many times as long as writing the last one did
STATE_FILE = "trainer_state.json"
WEIGHTS_FILE, BEST_FILE = "model.safetensors", "best.safetensors"


class SaveClock:
    """When the next checkpoint is due: at the end of an epoch, unless that would cost more than a twentieth of the
    time; within one when `minutes` have passed."""

    def __init__(self, minutes: float) -> None:
        self.interval = 60 * minutes
        self.last_save, self.cost = time.monotonic(), 0.0

    def is_due(self, epoch_ends: bool) -> bool:
        return time.monotonic() - self.last_save >= (DEAREST * self.cost if epoch_ends else self.interval)

    def record(self, seconds: float) -> None:
        self.last_save, self.cost = time.monotonic(), seconds


def last_checkpoint(state: Path) -> Path | None:
    """The newest whole checkpoint."""
    checkpoints = [path for path in state.glob("checkpoint-*") if is_whole(path)]
    return max(checkpoints, key=step_of, default=None)


def step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.rsplit("-", 1)[1])


def is_whole(checkpoint: Path) -> bool:
    """The Trainer writes its state last; a full disk or a killed process may leave half of it."""
    try:
        json.loads((checkpoint / STATE_FILE).read_bytes())
    except (OSError, ValueError):
        return False
    return True


def forget_broken(state: Path) -> None:
    """Remove the checkpoints under `state` that are not whole."""
    for checkpoint in state.glob("**/checkpoint-*"):
        if not is_whole(checkpoint):
            shutil.rmtree(checkpoint, ignore_errors=True)
