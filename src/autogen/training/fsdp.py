"""FSDP: a copy of the model divided among the processes learns, and whole weights are gathered from it.

The launcher asks for it by ACCELERATE_USE_FSDP. On CPUs accelerate (1.x) does not listen to that, so its state is told.
It is always torch's second FSDP (`fully_shard`), which keeps the parameters' names and rates; each layer of the encoder
is gathered when it is its turn.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from accelerate import DistributedType, FullyShardedDataParallelPlugin
from torch import Tensor
from torch.distributed.tensor import DTensor

from autogen.models.classifier import Classifier
from autogen.training.distributed import with_fsdp
from autogen.training.frozen import layers_of
from autogen.training.rates import learnt


def to_train(model: Classifier) -> Classifier:
    """The model that the Trainer is given: under FSDP a copy, which it divides."""
    return copy.deepcopy(model) if with_fsdp() else model


@contextmanager
def lent(model: Classifier, device: torch.device) -> Iterator[None]:
    """The model lies on the device in here: under FSDP it lies in main memory otherwise."""
    home = next(model.parameters()).device
    model.to(device)
    try:
        yield
    finally:
        model.to(home)


def tell(state: Any, model: Classifier) -> None:
    """Tell accelerate's state that it is FSDP, and what is gathered at a time."""
    layers = layers_of(model)
    state.distributed_type = DistributedType.FSDP
    state.fsdp_plugin = FullyShardedDataParallelPlugin(
        fsdp_version=2,
        reshard_after_forward=True,
        auto_wrap_policy="transformer_based_wrap" if layers else "no_wrap",
        transformer_cls_names_to_wrap=[type(layers[0]).__name__] if layers else None,
    )


def gather(model: torch.nn.Module, complete: Classifier) -> dict[str, Tensor]:
    """What learns in `model`, put together from all processes, every one of which must ask, in `complete` too. The
    tensors are new: nothing changes them."""
    found = {
        name: (one.full_tensor() if isinstance(one, DTensor) else one).detach().clone()
        for name, one in learnt(model).items()
    }
    if complete is not model:
        complete.load_state_dict(found, strict=False)
    return found


def share(model: torch.nn.Module) -> str:
    """How much of a divided model lies with this process."""
    every = list(model.parameters())
    held = sum((one.to_local() if isinstance(one, DTensor) else one).numel() for one in every)
    return f"this process held {held:,} of {sum(one.numel() for one in every):,} weights"
