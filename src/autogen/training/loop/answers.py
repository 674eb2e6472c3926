"""What a network in training answers, to rows of like length at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Sized

import numpy as np
import torch
from numpy.typing import NDArray

from autogen.models.network import GraphOutput, Network
from autogen.training.loop.batching import RowEncoder, length_batches
from autogen.training.loop.frozen import HiddenStates

Floats = NDArray[np.float32]
Outputs = tuple[Floats, ...]  # an array for each output, rows in the order given; per token: (rows, longest row, …)


def network_outputs(
    model: Network,
    encoder: RowEncoder,
    rows: Sequence[Sized],
    bf16: bool,
    batch_size: int = 32,
    hidden: HiddenStates | None = None,
    outputs: Sequence[GraphOutput] | None = None,
) -> Outputs:
    """The outputs asked for (all of them), of the model in training. What is per token is zero beyond a row's end."""
    device = next(model.parameters()).device
    wanted_outputs = model.outputs if outputs is None else outputs
    places_of = [model.output_names.index(output.name) for output in wanted_outputs]
    training = model.training
    model.eval()
    parts: list[tuple[list[int], list[Floats]]] = []
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        for places in length_batches(rows, batch_size):
            some = [rows[at] for at in places]
            batch = {name: torch.from_numpy(values).to(device) for name, values in encoder.pad(some).items()}
            if hidden:
                batch["hidden"] = hidden.pad(some).to(device)
            answer = model.answer(batch)
            parts.append((places, [answer[at].float().cpu().numpy() for at in places_of]))
    model.train(training)
    return restore_order(parts, wanted_outputs, list(map(len, rows)))


def restore_order(
    parts: Iterable[tuple[Sequence[int], Sequence[Floats]]], outputs: Sequence[GraphOutput], lengths: Sequence[int]
) -> Outputs:
    """The outputs of batches, each with its rows' places, as arrays of all rows in their order."""
    arrays_by_output: list[Floats] = []
    for places, arrays in parts:
        if not arrays_by_output:
            arrays_by_output = [_room(values, output, lengths) for values, output in zip(arrays, outputs, strict=True)]
        for output, room, values in zip(outputs, arrays_by_output, arrays, strict=True):
            if not output.per_token:
                room[places] = values
                continue
            for at, row in zip(places, values, strict=True):
                room[at, : lengths[at]] = row[: lengths[at]]
    return tuple(arrays_by_output)


def _room(values: Floats, output: GraphOutput, lengths: Sequence[int]) -> Floats:
    tokens = (max(lengths),) if output.per_token else ()
    return np.zeros((len(lengths), *tokens, *values.shape[1 + len(tokens) :]), np.float32)


def token_mask(rows: Sequence[Sized]) -> NDArray[np.bool_]:
    """(rows, longest row): which places hold a token."""
    lengths = np.array(list(map(len, rows)))
    mask: NDArray[np.bool_] = np.arange(lengths.max()) < lengths[:, None]
    return mask
