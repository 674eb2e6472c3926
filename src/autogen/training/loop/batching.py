"""Batches for training: which rows go together, and how they are cut so that little is spent on padding."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import torch
from torch.utils.data import Dataset, Sampler

from autogen.runtime.encoding import Encoded, TextEncoder

TOKENS_PER_CHUNK = 512  # a chunk fits the processor's caches; larger ones were slower on every machine tried
TOKENS_TO_START = 32  # what one more chunk costs, as so many tokens would
POOL = 8  # batches whose rows are sorted by length together


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """An encoded row and the index of its label; -1 for an out-of-scope row."""

    encoded: Encoded
    gold: int


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


class LabelBalancedBatches(Sampler[list[int]]):
    """Batches of two rows from each of several labels, so that a contrastive loss finds pairs in every one.

    Labels are visited in turn, each label's rows in turn too: an epoch has as many rows as the data, and memory grows
    with the rows, not with their pairs.
    """

    def __init__(self, rows: Sequence[TrainingRow], size: int, seed: int) -> None:
        self.rows, self.size, self.seed, self.epoch = rows, max(2, size), seed, 0
        self.by_label: dict[int, list[int]] = defaultdict(list)
        for at, row in enumerate(rows):
            self.by_label[row.gold].append(at)

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-len(self.rows) // self.size)

    def __iter__(self) -> Iterator[list[int]]:
        chance = random.Random(f"{self.seed}/{self.epoch}")
        labels = _forever(sorted(self.by_label), chance)
        rows = {label: _forever(places, chance) for label, places in self.by_label.items()}
        for _ in range(len(self)):
            batch: list[int] = []
            while len(batch) < self.size:
                label = next(labels)
                batch += [next(rows[label]) for _ in range(min(2, len(self.by_label[label])))]
            yield batch


def _forever(values: Sequence[int], chance: random.Random) -> Iterator[int]:
    while True:
        yield from chance.sample(values, len(values))


class Share(Sampler[list[int]]):
    """One process's share of every batch: every so-manieth row of the batch sorted by length, so that all have the same
    work. A process without a row takes another's."""

    def __init__(self, batches: LengthGroupedBatches | LabelBalancedBatches, number: int, processes: int) -> None:
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
    def pad(self, rows: Sequence[Encoded]) -> torch.Tensor: ...


@dataclass(frozen=True)
class Collate:
    """Rows to what the classifier takes: several padded batches of like length, and the labels in their order."""

    encoder: TextEncoder
    hidden: HasHiddenStates | None = None  # what the frozen layers say of the rows, where that is kept

    def __call__(self, rows: Sequence[TrainingRow]) -> dict[str, Any]:
        chunks = list(chunked(sorted(rows, key=lambda row: len(row.encoded))))
        return {
            "batches": [self._padded([row.encoded for row in chunk]) for chunk in chunks],
            "gold": torch.tensor([row.gold for chunk in chunks for row in chunk]),
        }

    def _padded(self, rows: Sequence[Encoded]) -> dict[str, torch.Tensor]:
        batch = {name: torch.from_numpy(values) for name, values in self.encoder.pad(rows).items()}
        return {**batch, "hidden": self.hidden.pad(rows)} if self.hidden else batch


def chunked(rows: Sequence[TrainingRow], tokens: int = TOKENS_PER_CHUNK) -> Iterator[list[TrainingRow]]:
    """Rows sorted by length, cut where it costs least: every chunk costs its padded tokens, and TOKENS_TO_START more.
    None passes the token budget unless it is a single row."""
    lengths = [len(row.encoded) for row in rows]
    cost, cut = [0], [0]  # of the rows before each place: the least cost, and where their last chunk starts
    for end in range(1, len(rows) + 1):
        longest, found = lengths[end - 1], []
        for start in range(end - 1, -1, -1):
            if start < end - 1 and (end - start) * longest > tokens:
                break
            found.append((cost[start] + (end - start) * longest + TOKENS_TO_START, start))
        best = min(found)
        cost.append(best[0])
        cut.append(best[1])
    ends = [len(rows)]
    while ends[-1]:
        ends.append(cut[ends[-1]])
    for start, end in pairwise(reversed(ends)):
        yield list(rows[start:end])
