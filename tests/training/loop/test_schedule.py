from __future__ import annotations

import time

import numpy as np
import pytest

from autogen.training.loop.schedule import Schedule


def test_without_a_time_limit_the_rate_rises_and_falls_along_lines() -> None:
    schedule = Schedule(50, 0.1)
    rates = [schedule(step) for step in range(51)]
    assert rates[:6] == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1])
    assert np.diff(rates[5:]) == pytest.approx(-1 / 45)
    assert rates[-1] == 0 and not schedule.is_over


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_every_step_of_a_short_run_learns(steps: int) -> None:
    schedule = Schedule(steps, 0.1)
    assert all(schedule(step) > 0 for step in range(steps))


def test_under_a_time_limit_the_rate_reaches_nothing_when_the_time_is_over() -> None:
    schedule = Schedule(1_000_000, 0.1, time_limit=0.2)
    rates = []
    while not schedule.is_over:
        rates.append(schedule(len(rates)))
        time.sleep(0.002)
    top = max(rates)
    assert top > 0.8 and rates[0] < 0.1 and rates[-1] < 0.2
    assert rates.index(top) < len(rates) / 3


def test_a_run_that_goes_on_has_spent_what_it_had_spent() -> None:
    schedule = Schedule(100, 0.0, time_limit=0.2)
    time.sleep(0.1)
    schedule(1)
    later = Schedule(100, 0.0, time_limit=0.2)
    later.__dict__.update(schedule.__dict__)  # as torch does
    time.sleep(0.15)  # between the runs
    later.go_on(0.2)
    later(1)
    assert not later.is_over and later.seconds >= 0.1
