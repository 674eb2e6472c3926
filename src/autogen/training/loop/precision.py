"""bf16 where it pays: without native support it is far slower than fp32, with it that is measured once at start-up."""

from __future__ import annotations

import time
from functools import cache

import torch
from torch import nn

from autogen.errors import ConfigError
from autogen.training.loop.distributed import with_deepspeed

PROBES, ENOUGH = 22, 3
PAYS = 1.2  # how much faster bf16 must be to be worth its lost digits
LOST = 0.5  # so much slower that no further pair would make it pay


@cache
def bf16_speedup() -> float:
    """fp32 seconds ÷ bf16 seconds for the layer that an encoder spends its time in, forward and backward."""
    layer = nn.Sequential(nn.Linear(384, 1536), nn.GELU(), nn.Linear(1536, 384))
    rows = torch.ones(512, 384)

    def seconds(enabled: bool) -> float:
        start = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            layer(rows).sum().backward()
        return time.perf_counter() - start

    # one thread, in turn, and the best of many: the answer must not depend on what else the machine is doing, or the
    # same seed would not give the same result
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        fp32, bf16 = seconds(False), seconds(True)
        for pair in range(1, PROBES):
            if pair >= ENOUGH and fp32 / bf16 < LOST:
                break
            fp32, bf16 = min(fp32, seconds(False)), min(bf16, seconds(True))
    finally:
        torch.set_num_threads(threads)
    return fp32 / bf16


def choose_precision(precision: str) -> str:
    """`fp32` or `bf16`; `auto` is decided by the probe on a CPU and by the card's own word on a GPU. Raises ConfigError
    where DeepSpeed would round the weights themselves."""
    if with_deepspeed():
        if precision == "bf16":
            raise ConfigError('Expected precision = "fp32" or "auto" under DeepSpeed, found "bf16".')
        return "fp32"
    if precision != "auto":
        return precision
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    return "bf16" if can_compute_bf16() and bf16_speedup() >= PAYS else "fp32"


def can_compute_bf16() -> bool:
    """Whether oneDNN has bf16 kernels for this processor; true where torch does not say, so that the probe decides."""
    supported = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)
    return supported is None or bool(supported())
