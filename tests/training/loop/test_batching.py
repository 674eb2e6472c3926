from __future__ import annotations

import time
import tracemalloc
from collections import Counter
from itertools import islice

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from autogen.runtime.encoding import Encoded, TextEncoder
from autogen.training.loop.batching import (
    TOKENS_PER_CHUNK,
    Collate,
    GroupBalancedBatches,
    LengthGroupedBatches,
    TrainingRow,
    cut_chunks,
)

BATCHES = [LengthGroupedBatches, GroupBalancedBatches]


def row(length: int, gold: int = 0) -> TrainingRow:
    return TrainingRow(Encoded([5] * length, [0] * length), gold, group=gold)


def labelled(labels: int, each: int) -> list[TrainingRow]:
    return [row(3 + (at * 7) % 30, at % labels) for at in range(labels * each)]


@given(st.lists(st.integers(1, 60), min_size=1, max_size=200), st.integers(1, 40), st.integers(0, 5))
def test_length_grouped_batches_have_every_row_once(lengths: list[int], size: int, epoch: int) -> None:
    batches = LengthGroupedBatches([row(length) for length in lengths], size, seed=1)
    batches.set_epoch(epoch)
    places = list(batches)
    assert sorted(at for batch in places for at in batch) == list(range(len(lengths)))
    assert len(places) == len(batches) and max(map(len, places)) <= size


def test_length_grouped_batches_spend_little_on_padding() -> None:
    lengths = [3 + (at * 37) % 60 for at in range(640)]
    batches = list(LengthGroupedBatches([row(length) for length in lengths], 32, seed=0))
    padded = sum(len(batch) * max(lengths[at] for at in batch) for batch in batches)
    unsorted = sum(32 * max(lengths[start : start + 32]) for start in range(0, 640, 32))
    assert padded < 1.2 * sum(lengths) and padded < 0.7 * unsorted


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=120),
    st.integers(1, 40),
    st.integers(0, 3),
)
def test_group_balanced_batches_hold_two_rows_of_every_group_in_them(golds: list[int], size: int, epoch: int) -> None:
    rows = [row(3, gold) for gold in golds]
    batches = GroupBalancedBatches(rows, size, seed=1)
    batches.set_epoch(epoch)
    places = list(batches)
    counts = Counter(golds)
    assert len(places) == len(batches)
    for batch in places:
        labels = Counter(golds[at] for at in batch)
        assert all(count >= min(2, counts[label]) for label, count in labels.items())
        assert max(2, size) <= len(batch) <= max(2, size) + 1


def test_group_balanced_batches_visit_groups_and_their_rows_in_turn() -> None:
    rows = labelled(10, 6)
    batches = GroupBalancedBatches(rows, 20, seed=0)
    groups_seen = Counter(at for batch in batches for at in batch)
    assert set(groups_seen.values()) == {1} and len(groups_seen) == 60
    uneven = [row(3, 0) for _ in range(90)] + [row(3, 1) for _ in range(10)]
    labels = Counter(uneven[at].group for batch in GroupBalancedBatches(uneven, 10, seed=0) for at in batch)
    assert labels[0] == pytest.approx(labels[1], abs=2)


@pytest.mark.parametrize("kind", BATCHES)
def test_batches_depend_on_the_seed_and_the_epoch_alone(
    kind: type[LengthGroupedBatches] | type[GroupBalancedBatches],
) -> None:
    rows = labelled(8, 12)

    def batches(seed: int, epoch: int) -> list[list[int]]:
        sampler = kind(rows, 8, seed)
        list(islice(sampler, 3))  # another epoch, broken off
        sampler.set_epoch(epoch)
        return list(sampler)

    assert batches(0, 1) == batches(0, 1)
    assert batches(0, 1) != batches(0, 2) and batches(0, 1) != batches(1, 1)


def test_a_thousand_labels_take_time_and_memory_in_proportion() -> None:
    rows = labelled(1000, 5)
    tracemalloc.start()
    start = time.perf_counter()
    batches = list(GroupBalancedBatches(rows, 64, seed=0))
    duration, peak = time.perf_counter() - start, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(map(len, batches)) >= 5000
    assert duration < 3 and peak < 5_000_000


@given(st.lists(st.integers(1, 600), max_size=80), st.integers(1, 512))
def test_chunks_keep_to_their_token_budget_and_lose_no_row(lengths: list[int], tokens: int) -> None:
    rows = [row(length) for length in sorted(lengths)]
    chunks = list(cut_chunks(rows, tokens))
    assert [row_ for chunk in chunks for row_ in chunk] == rows
    for chunk in chunks:
        longest = max(len(row_.encoded) for row_ in chunk)
        assert len(chunk) == 1 or len(chunk) * longest <= tokens


def test_a_batch_is_collated_into_padded_chunks_with_the_labels_in_their_order(encoder: TextEncoder) -> None:
    lengths = [200, 4, 300, 5, 6, 150]
    inputs = Collate(encoder)([row(length, gold) for gold, length in enumerate(lengths)])
    collated = [int(length) for batch in inputs["batches"] for length in batch["attention_mask"].sum(1)]
    assert collated == [lengths[gold] for gold in inputs["targets"].tolist()] == sorted(lengths)
    for batch in inputs["batches"]:
        assert batch["input_ids"].numel() <= TOKENS_PER_CHUNK
        assert batch["input_ids"].dtype == torch.int64
