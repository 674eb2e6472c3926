"""Batches for training: which rows go together, and how they are cut so that little is spent on padding."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, Sampler

TOKENS_PER_CHUNK = 512  # a chunk fits the processor's caches; larger ones were slower on every machine tried
TOKENS_TO_START = 32  # what one more chunk costs, as so many tokens would
POOL = 8  # batches whose rows are sorted by length together
IGNORED = -100  # the target of what is no target, such as padding; torch's losses leave it out of themselves


class RowEncoder(Protocol):
    """Makes batches of rows, which it or its like has encoded; a row is as long as it has tokens."""

    def pad(self, rows: Sequence[Any]) -> Mapping[str, NDArray[np.int64]]:
        """The arrays that the network reads, each of shape (rows, longest row)."""


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """An encoded row and what should be answered to it: the index of its class, or a tag for each of its tokens."""

    encoded: Sized
    target: Any
    group: int = 0  # balanced batches hold two rows of each of several groups


class TrainingRows(Dataset[TrainingRow]):
    def __init__(self, rows: Sequence[TrainingRow]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, at: int) -> TrainingRow:
        return self.rows[at]


class LengthGroupedBatches(Sampler[list[int]]):
    """Shuffled rows, sorted by length within pools of a few batches, the batches shuffled again. Every row once."""

    def __init__(self, rows: Sequence[TrainingRow], size: int, seed: int) -> None:
        self.rows, self.size, self.seed, self.epoch = rows, size, seed, 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-len(self.rows) // self.size)

    def __iter__(self) -> Iterator[list[int]]:
        chance = random.Random(f"{self.seed}/{self.epoch}")
        order = list(range(len(self.rows)))
        chance.shuffle(order)
        batches: list[list[int]] = []
        for start in range(0, len(order), self.size * POOL):
            pool = sorted(order[start : start + self.size * POOL], key=lambda at: len(self.rows[at].encoded))
            batches += [pool[at : at + self.size] for at in range(0, len(pool), self.size)]
        chance.shuffle(batches)
        yield from batches


class GroupBalancedBatches(Sampler[list[int]]):
    """Batches of two rows from each of several groups, such as labels, so that a contrastive loss finds pairs in every
    one.

    Groups are visited in turn, each group's rows in turn too: an epoch has as many rows as the data, and memory grows
    with the rows, not with their pairs.
    """

    def __init__(self, rows: Sequence[TrainingRow], size: int, seed: int) -> None:
        self.rows, self.size, self.seed, self.epoch = rows, max(2, size), seed, 0
        self.by_group: dict[int, list[int]] = defaultdict(list)
        for at, row in enumerate(rows):
            self.by_group[row.group].append(at)

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-len(self.rows) // self.size)

    def __iter__(self) -> Iterator[list[int]]:
        chance = random.Random(f"{self.seed}/{self.epoch}")
        groups = _forever(sorted(self.by_group), chance)
        rows = {group: _forever(places, chance) for group, places in self.by_group.items()}
        for _ in range(len(self)):
            batch: list[int] = []
            while len(batch) < self.size:
                group = next(groups)
                batch += [next(rows[group]) for _ in range(min(2, len(self.by_group[group])))]
            yield batch


def _forever(values: Sequence[int], chance: random.Random) -> Iterator[int]:
    while True:
        yield from chance.sample(values, len(values))


class DistributedBatches(Sampler[list[int]]):
    """One process's share of every batch: every so-manieth row of the batch sorted by length, so that all have the same
    work. A process without a row takes another's."""

    def __init__(self, batches: LengthGroupedBatches | GroupBalancedBatches, number: int, processes: int) -> None:
        self.batch_sampler, self.number, self.processes = batches, number, processes

    def set_epoch(self, epoch: int) -> None:
        self.batch_sampler.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.batch_sampler)

    def __iter__(self) -> Iterator[list[int]]:
        for batch in self.batch_sampler:
            rows = sorted(batch, key=lambda at: len(self.batch_sampler.rows[at].encoded))
            yield rows[self.number :: self.processes] or rows[:1]


class HasHiddenStates(Protocol):
    def pad(self, rows: Sequence[Sized]) -> Tensor: ...


def class_indices(targets: Sequence[int]) -> Tensor:
    """A class for each row: (rows,)."""
    return torch.tensor(targets)


def token_tags(targets: Sequence[Sequence[int]]) -> Tensor:
    """A tag for each token: (rows, longest row), IGNORED beyond a row's end."""
    longest = max(map(len, targets))
    return torch.tensor([[*tags, *[IGNORED] * (longest - len(tags))] for tags in targets])


@dataclass(frozen=True)
class Collate:
    """Rows to what the network takes: several padded batches of like length, and the targets in their order."""

    encoder: RowEncoder
    targets: Callable[[Sequence[Any]], Tensor] = class_indices
    hidden: HasHiddenStates | None = None  # what the frozen layers say of the rows, where that is kept

    def __call__(self, rows: Sequence[TrainingRow]) -> dict[str, Any]:
        chunks = list(cut_chunks(sorted(rows, key=lambda row: len(row.encoded))))
        return {
            "batches": [self._padded([row.encoded for row in chunk]) for chunk in chunks],
            "targets": self.targets([row.target for chunk in chunks for row in chunk]),
        }

    def _padded(self, rows: Sequence[Sized]) -> dict[str, Tensor]:
        batch = {name: torch.from_numpy(values) for name, values in self.encoder.pad(rows).items()}
        return {**batch, "hidden": self.hidden.pad(rows)} if self.hidden else batch


def length_batches(rows: Sequence[Sized], size: int) -> Iterator[list[int]]:
    """The places of rows in batches of like length; unsorted batches take about twice the time."""
    order = sorted(range(len(rows)), key=lambda at: len(rows[at]))
    for start in range(0, len(order), size):
        yield order[start : start + size]


def cut_chunks(rows: Sequence[TrainingRow], tokens: int = TOKENS_PER_CHUNK) -> Iterator[list[TrainingRow]]:
    """Rows sorted by length, cut where it costs least: every chunk costs its padded tokens, and TOKENS_TO_START more.
    None passes the token budget unless it is a single row."""
    lengths = [len(row.encoded) for row in rows]
    cost, cut = [0], [0]  # of the rows before each place: the least cost, and where their last chunk starts
    for end in range(1, len(rows) + 1):
        longest, costs = lengths[end - 1], []
        for start in range(end - 1, -1, -1):
            if start < end - 1 and (end - start) * longest > tokens:
                break
            costs.append((cost[start] + (end - start) * longest + TOKENS_TO_START, start))
        cheapest = min(costs)
        cost.append(cheapest[0])
        cut.append(cheapest[1])
    ends = [len(rows)]
    while ends[-1]:
        ends.append(cut[ends[-1]])
    for start, end in pairwise(reversed(ends)):
        yield list(rows[start:end])
