from __future__ import annotations

import pytest
import torch

from autogen.training.loop.precision import PAYS, bf16_speedup, can_compute_bf16, choose_precision


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_precision_that_was_asked_for_is_taken(precision: str) -> None:
    assert choose_precision(precision) == precision


def test_left_open_it_is_bf16_where_the_probe_shows_that_it_pays() -> None:
    threads = torch.get_num_threads()
    chosen = choose_precision("auto")
    assert chosen in {"bf16", "fp32"}
    assert torch.get_num_threads() == threads
    if not torch.cuda.is_available():
        assert (chosen == "bf16") == (can_compute_bf16() and bf16_speedup() >= PAYS)
        assert choose_precision("auto") == chosen  # measured once
