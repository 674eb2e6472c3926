"""Too little memory: how it is recognised, and how a batch becomes smaller pieces that give the same gradient."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from torch import Tensor

SIGNS = (
    "out of memory",
    "could not create a primitive",  # oneDNN, of its compiled kernels
    "can't allocate memory",
    "cannot allocate memory",
    "bad allocation",
    "std::bad_alloc",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether torch (on any device), numpy or Python says that there is no memory left."""
    return isinstance(error, MemoryError) or any(sign in str(error).lower() for sign in SIGNS)


def split_batches(batches: Sequence[Mapping[str, Tensor]], parts: int) -> list[Mapping[str, Tensor]]:
    """Every padded batch in at most `parts` pieces of its rows, in their order."""
    return [piece for batch in batches for piece in _pieces(batch, parts)]


def _pieces(batch: Mapping[str, Tensor], parts: int) -> Iterator[Mapping[str, Tensor]]:
    rows = len(next(iter(batch.values())))
    size = math.ceil(rows / parts)
    for start in range(0, rows, size):
        yield {name: values[start : start + size] for name, values in batch.items()}
