"""Layers that do not learn below all that do: what they say of each row is computed once and kept.

So `head` and `last-n` train in a fraction of the time. A row's hidden states after the last frozen layer are kept in
memory, or in a mapped file where there are too many; where they do not fit there either, or the architecture does not
lend itself to it, the layers are computed every time, with the same result: at rest, they have no dropout either way.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence, Sized
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from autogen.models.adapters import is_adapted
from autogen.models.network import Network
from autogen.training.loop.batching import RowEncoder, length_batches

MAPPED_FILE = "hidden.bin"
IN_MEMORY = 2**30  # bytes of hidden states; more are kept in a file
SHARE_OF_DISK = 0.5  # of what is free
AGREES = 0.02  # how far a probe's embeddings may lie from those computed in full (bf16 rounds by as much)


class StoredStates:
    """Stands in for the embeddings while the layers above train: answers with the hidden states last put here."""

    hidden: Tensor | None = None

    def put(self, hidden: Tensor) -> None:
        self.hidden = hidden

    def __call__(self, *_: Any, **__: Any) -> Tensor | None:
        return self.hidden


def pass_through(hidden: Tensor, *_: Any, **__: Any) -> Tensor:
    """Stands in for a frozen layer: answers with what it is given."""
    return hidden


class HiddenStates:
    """The frozen layers' last hidden states of rows, found again by the row."""

    def __init__(self, rows: Sequence[Sized], values: Tensor) -> None:
        self.values, self.places = values, {}
        start = 0
        for row in rows:
            self.places[id(row)] = slice(start, start + len(row))
            start += len(row)
        self._rows = rows  # their ids stay theirs

    def put(self, row: Sized, values: Tensor) -> None:
        self.values[self.places[id(row)]] = values

    def pad(self, rows: Sequence[Sized]) -> Tensor:
        """Of shape (rows, longest row, hidden)."""
        padded = self.values.new_zeros((len(rows), max(map(len, rows)), self.values.shape[1]))
        for index, row in enumerate(rows):
            padded[index, : len(row)] = self.values[self.places[id(row)]]
        return padded


def frozen_layers(model: Network) -> list[nn.Module]:
    """The embeddings and the layers above them that do not learn, the lowest first; empty when the embeddings do, when
    something learns beside them, or when they are not found where most encoders have them."""
    if is_adapted(model.backbone) or model.alters_inputs:  # a learnt prefix goes into every layer
        return []
    base = getattr(model.encoder, "base_model", model.encoder)
    embeddings = getattr(base, "embeddings", None)
    layers = _layers(base, model.layers)
    if not isinstance(embeddings, nn.Module) or layers is None or _learns(embeddings):
        return []
    frozen: list[nn.Module] = [embeddings]
    for layer in layers:
        if _learns(layer):
            break
        frozen.append(layer)
    return frozen if len(frozen) > 1 else []


def _layers(base: nn.Module, count: int) -> nn.ModuleList | None:
    lists = [module for module in base.modules() if isinstance(module, nn.ModuleList) and len(module) == count]
    return lists[0] if len(lists) == 1 else None


def _learns(module: nn.Module) -> bool:
    return any(parameter.requires_grad for parameter in module.parameters())


@contextmanager
def rest_frozen_layers(model: Network) -> Iterator[list[nn.Module]]:
    """The frozen layers stay as they are when they answer, without dropout, while the rest trains."""
    layers = frozen_layers(model)
    model.at_rest = tuple(layers)
    try:
        yield layers
    finally:
        model.at_rest = ()


@contextmanager
def replace_frozen_layers(model: Network, layers: Sequence[nn.Module]) -> Iterator[None]:
    """The frozen layers do nothing, and the model takes their hidden states with each batch, as `hidden`."""
    states = StoredStates()
    for layer in layers:  # the modules stay: encoders look at more of them than what they answer
        layer.forward = states if layer is layers[0] else pass_through
    model.store = states.put
    try:
        yield
    finally:
        model.store = None
        for layer in layers:
            del layer.forward


def cache_hidden_states(
    model: Network,
    layers: Sequence[nn.Module],
    rows: Sequence[Sized],
    encoder: RowEncoder,
    bf16: bool,
    batch_size: int,
    state: Path,
) -> HiddenStates | None:
    """The hidden states of all rows; None where they cannot be kept. Does not change the model."""
    cache: HiddenStates | None = None
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    for places in length_batches(rows, batch_size):
        arrays = encoder.pad([rows[at] for at in places])
        batch = {name: torch.from_numpy(values).to(device) for name, values in arrays.items()}
        hidden, embedding = _hidden_and_embedding(model, layers[-1], batch, bf16)
        if hidden is None or hidden.shape[:2] != batch["input_ids"].shape:
            break
        if cache is None:
            values = _room(sum(map(len, rows)), hidden.shape[-1], hidden.dtype, state)
            if values is None or not _stand_in_agrees(model, layers, batch, hidden, embedding, bf16):
                break
            cache = HiddenStates(rows, values)
        for place, row_states in zip(places, hidden.cpu(), strict=True):
            cache.put(rows[place], row_states[: len(rows[place])])
    model.train(was_training)
    return cache


def _hidden_and_embedding(
    model: Network, layer: nn.Module, batch: dict[str, Tensor], bf16: bool
) -> tuple[Tensor | None, Tensor]:
    outputs_seen: list[Any] = []
    handle = layer.register_forward_hook(lambda _module, _inputs, output: outputs_seen.append(output))
    try:
        with torch.no_grad(), torch.autocast(batch["input_ids"].device.type, torch.bfloat16, enabled=bf16):
            embedding = model.embedding_of(model.answer(batch))
    finally:
        handle.remove()
    hidden = outputs_seen[0] if outputs_seen else None  # some architectures' layers say more than that
    return (hidden if isinstance(hidden, Tensor) and hidden.ndim == 3 else None), embedding


def _stand_in_agrees(
    model: Network, layers: Sequence[nn.Module], batch: dict[str, Tensor], hidden: Tensor, full: Tensor, bf16: bool
) -> bool:
    """Whether the model says the same with the stand-ins: not every architecture uses its parts as most do."""
    with (
        replace_frozen_layers(model, layers),
        torch.no_grad(),
        torch.autocast(hidden.device.type, torch.bfloat16, enabled=bf16),
    ):
        embedding = model.embedding_of(model.answer({**batch, "hidden": hidden}))
    return bool((embedding.float() - full.float()).abs().max() <= AGREES)


def _room(tokens: int, width: int, dtype: torch.dtype, state: Path) -> Tensor | None:
    size = tokens * width
    bytes_needed = size * dtype.itemsize
    if bytes_needed <= IN_MEMORY:
        return torch.empty((tokens, width), dtype=dtype)
    state.mkdir(parents=True, exist_ok=True)
    if bytes_needed > SHARE_OF_DISK * shutil.disk_usage(state).free:
        return None
    return torch.from_file(str(state / MAPPED_FILE), shared=True, size=size, dtype=dtype).view(tokens, width)
