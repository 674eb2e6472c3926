from __future__ import annotations

import time

import pytest
import torch

from autogen.training.schedule import Schedule


def test_without_a_time_limit_the_rate_is_the_usual_one() -> None:
    from transformers import get_linear_schedule_with_warmup

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    usual = get_linear_schedule_with_warmup(optimizer, num_warmup_steps=5, num_training_steps=50)
    schedule = Schedule(50, 0.1)
    assert [schedule(step) for step in range(51)] == pytest.approx([usual.lr_lambdas[0](step) for step in range(51)])
    assert not schedule.is_over


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
