"""Several processes: `torchrun` or `accelerate launch` start them, and they learn together as one would.

The first process leads: it alone reads the project, holds its lock, exports and writes. For every model that is to be
fitted it tells the others, who follow, what it fits; each takes its share of every batch, and the loss is that of the
whole batch, so that the result is that of one process up to rounding and dropout.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from autogen.errors import AutoGenError, ConfigError, MissingDependency
from autogen.models.network import pad_tokens

PATIENCE = timedelta(days=2)  # followers wait while the leader exports and measures
_leading = False


def world_size() -> int:
    """How many processes learn together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """This process's number among all: 0 leads."""
    return int(os.environ.get("RANK", "0"))


def is_follower() -> bool:
    return world_size() > 1 and rank() > 0


@contextmanager
def leading() -> Iterator[None]:
    """What is fitted in here, the followers fit along; afterwards they are told that all is done."""
    global _leading
    if world_size() == 1:
        yield
        return
    _whole_models_only()
    _join()
    _leading = True
    try:
        yield
    finally:
        _leading = False
        _broadcast(None)
        dist.destroy_process_group()


def send_job(job: object) -> None:
    """Tell the followers, if there are any, of a job: an object with `run()`."""
    if _leading:
        _broadcast(job)


def run_follower() -> None:
    """Do what the leader tells until all is done. What fails here fails there too, and is said there."""
    _join()
    while True:
        messages = [None]
        dist.broadcast_object_list(messages, src=0)
        job: Any = messages[0]
        if job is None:
            dist.destroy_process_group()
            return
        try:
            job.run()
        except AutoGenError:
            continue


def with_deepspeed() -> bool:
    """Whether DeepSpeed divides gradients and the optimiser's state among the processes (ZeRO, arXiv 1910.02054)."""
    return world_size() > 1 and _asked_for("ACCELERATE_USE_DEEPSPEED")


@contextmanager
def sendable(model: nn.Module) -> Iterator[None]:
    """DeepSpeed (0.19) cannot send parameters without a dimension: while it trains them they have one."""
    scalars = [parameter for parameter in model.parameters() if parameter.ndim == 0] if with_deepspeed() else []
    for parameter in scalars:
        parameter.data = parameter.data.view(1)
    try:
        yield
    finally:
        for parameter in scalars:
            parameter.data, parameter.grad = parameter.data.view(()), None


def _whole_models_only() -> None:
    """What is saved, exported and compared are whole weights: every process must hold them."""
    if _asked_for("ACCELERATE_USE_FSDP"):
        raise ConfigError(
            "Expected every process to hold the whole model, found FSDP asked for: it is not supported. "
            "Start without it (torchrun, or `accelerate launch --multi_gpu`), or with DeepSpeed's ZeRO at stage 1 or "
            '2; gradient_checkpointing = true, a smaller train_batch_size, or method = "lora" save memory too.'
        )
    if not with_deepspeed():
        return
    if (stage := _zero_stage()) not in (0, 1, 2):
        raise ConfigError(
            f"Expected DeepSpeed's ZeRO at stage 1 or 2, which leave the whole model with every process, found {stage}."
        )
    if find_spec("deepspeed") is None:
        raise MissingDependency(
            "DeepSpeed was asked for and is not installed: pip install --no-build-isolation deepspeed."
        )


def _zero_stage() -> object:
    """As the file of DeepSpeed's settings says, or else accelerate. Raises ConfigError for a file that says nothing."""
    file = os.environ.get("ACCELERATE_DEEPSPEED_CONFIG_FILE", "none")
    if file.lower() == "none":
        return int(os.environ.get("ACCELERATE_DEEPSPEED_ZERO_STAGE", "2"))
    try:
        return json.loads(Path(file).read_text("utf-8")).get("zero_optimization", {}).get("stage", 0)
    except (OSError, ValueError, AttributeError) as error:
        raise ConfigError(f"{file}: expected DeepSpeed's settings as a JSON object: {error}") from error


def _asked_for(variable: str) -> bool:
    return os.environ.get(variable, "").lower() in ("1", "true", "yes")


def _join() -> None:
    if not dist.is_initialized():
        dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo", timeout=PATIENCE)


def _broadcast(job: object) -> None:
    dist.broadcast_object_list([job], src=0)


def any_process(*flags: bool) -> tuple[bool, ...]:
    """Each flag, true when it is for any process: they must all stop or save at the same step."""
    if world_size() == 1:
        return flags
    counts = torch.tensor(flags, dtype=torch.uint8, device=_device())
    dist.all_reduce(counts, op=dist.ReduceOp.MAX)
    return tuple(bool(flag) for flag in counts.tolist())


def gather_rows(part: Tensor, fill: float = 0) -> Tensor:
    """The rows of all processes, process by process; what is per token is made as long as the longest, with `fill`.
    Gradients flow into this process's own rows only: every process computes the same loss from all rows, so together
    they have all of its gradient."""
    shapes = torch.zeros((2, world_size()), dtype=torch.int64, device=part.device)
    shapes[0, rank()], shapes[1, rank()] = len(part), part.shape[1] if part.ndim > 1 else 0
    dist.all_reduce(shapes)
    sizes, widths = shapes.tolist()
    part = pad_tokens(part, max(widths), fill) if part.ndim > 1 else part
    padded = part.new_zeros((max(sizes), *part.shape[1:]))
    padded[: len(part)] = part.detach()
    parts = [torch.empty_like(padded) for _ in range(world_size())]
    dist.all_gather(parts, padded)
    rows = [gathered[:size] for gathered, size in zip(parts, sizes, strict=True)]
    rows[rank()] = part
    return torch.cat(rows)


def answer_together(answer: Callable[[list[int]], Sequence[Tensor]], rows: int) -> list[Tensor]:
    """What `answer` says of all rows, each process asked about its share of them: tensors with a row for each row."""
    own_rows = list(range(rank(), rows, world_size()))
    order = [row for process in range(world_size()) for row in range(process, rows, world_size())]
    back = torch.tensor(order, device=_device()).argsort()
    return [gather_rows(process)[back] for process in answer(own_rows)]


def _device() -> torch.device:
    return torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else torch.device("cpu")
