"""The learning rate over a run: warm-up, then linear decay, by the steps or, under a time limit, by the clock."""

from __future__ import annotations

import math
import time


class Schedule:
    """The factor of the learning rate after so many steps, for torch's LambdaLR, which keeps an object's attributes in
    its checkpoint.

    With a time limit in seconds, a run is as far as its clock where that is ahead of its steps: so the rate reaches 0
    when the time is over, however fast the machine is, and no estimate of it is needed (budgeted training, Li et al.
    2020, arXiv 1905.04753). What an interrupted run has spent counts.
    """

    def __init__(self, steps: int, warmup_share: float, time_limit: float | None = None) -> None:
        self.steps, self.time_limit = steps, time_limit
        self.warmup = math.ceil(steps * warmup_share)
        self.before, self.seconds = 0.0, 0.0
        self._began = time.monotonic()

    def __call__(self, step: int) -> float:
        self.seconds = self.before + time.monotonic() - self._began
        position = max(float(step), self.share_of_time() * self.steps)
        if position < self.warmup:  # never 0: a run of few steps would lose one of them
            return (position + 1) / (self.warmup + 1)
        return max(0.0, (self.steps - position) / max(1, self.steps - self.warmup))

    def share_of_time(self) -> float:
        return self.seconds / self.time_limit if self.time_limit else 0.0

    @property
    def is_over(self) -> bool:
        return self.share_of_time() >= 1.0

    def go_on(self, time_limit: float | None) -> None:
        """After what a checkpoint held was put in: its clock goes on, under this run's limit."""
        self.before, self.time_limit, self._began = self.seconds, time_limit, time.monotonic()
