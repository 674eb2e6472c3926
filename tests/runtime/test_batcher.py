from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from autogen.errors import StorageError, UsageError
from autogen.runtime.batcher import Batcher, Overloaded, run_together


class Work:
    """Doubles numbers, remembers the batches, and can be held up."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self, items: Sequence[int]) -> list[int | Exception]:
        self.batches.append(list(items))
        self.go_on.wait(10)
        return [2 * item for item in items]


async def submitted(
    batcher: Batcher[int, int], items: Sequence[int], key: str | None = None
) -> list[asyncio.Task[int]]:
    """Tasks that have all reached the queue."""
    tasks = [asyncio.create_task(batcher.submit(item, key)) for item in items]
    await asyncio.sleep(0.02)
    return tasks


def test_a_lone_item_is_a_batch_of_one() -> None:
    async def run() -> None:
        work = Work()
        batcher = Batcher(work)
        assert [await batcher.submit(1), await batcher.submit(2)] == [2, 4]
        assert work.batches == [[1], [2]]
        batcher.close()

    asyncio.run(run())


def test_what_arrives_meanwhile_is_the_next_batch_and_no_larger_than_allowed() -> None:
    async def run() -> None:
        work = Work()
        batcher = Batcher(work, largest=3)
        work.go_on.clear()
        first = await submitted(batcher, [0])
        more = await submitted(batcher, [1, 2, 3, 4, 5])
        work.go_on.set()
        assert await asyncio.gather(*first, *more) == [0, 2, 4, 6, 8, 10]
        assert work.batches == [[0], [1, 2, 3], [4, 5]]
        batcher.close()

    asyncio.run(run())


def test_items_with_one_key_are_in_different_batches_in_their_order() -> None:
    async def run() -> None:
        work = Work()
        batcher = Batcher(work)
        work.go_on.clear()
        tasks = await submitted(batcher, [0])
        tasks += await submitted(batcher, [1, 2, 3], "ann")
        tasks += await submitted(batcher, [4, 5])
        tasks += await submitted(batcher, [6], "bob")
        work.go_on.set()
        assert await asyncio.gather(*tasks) == [0, 2, 4, 6, 8, 10, 12]
        assert work.batches == [[0], [1, 4, 5, 6], [2], [3]]
        batcher.close()

    asyncio.run(run())


def test_more_than_there_is_room_for_is_turned_away() -> None:
    async def run() -> None:
        work = Work()
        batcher = Batcher(work, room=2)
        work.go_on.clear()
        tasks = await submitted(batcher, [0])
        tasks += await submitted(batcher, [1, 2])
        with pytest.raises(Overloaded):
            await batcher.submit(3)
        work.go_on.set()
        assert await asyncio.gather(*tasks) == [0, 2, 4]
        batcher.close()

    asyncio.run(run())


def test_nothing_is_done_for_who_has_gone_and_the_others_are_served() -> None:
    async def run() -> None:
        work = Work()
        batcher = Batcher(work)
        work.go_on.clear()
        tasks = await submitted(batcher, [0, 1])
        waiting = await submitted(batcher, [2, 3])
        tasks[0].cancel()
        waiting[0].cancel()
        await asyncio.sleep(0)
        work.go_on.set()
        assert [await tasks[1], await waiting[1]] == [2, 6]
        assert work.batches == [[0, 1], [3]]
        batcher.close()

    asyncio.run(run())


def test_an_error_reaches_whoever_waits_and_the_batcher_goes_on() -> None:
    def fail(items: Sequence[int]) -> list[int | Exception]:
        if 13 in items:
            raise ZeroDivisionError
        return list(items)

    async def run() -> None:
        batcher = Batcher(fail)
        with pytest.raises(ZeroDivisionError):
            await batcher.submit(13)
        assert await batcher.submit(1) == 1
        batcher.close()

    asyncio.run(run())


def test_a_bad_item_fails_alone() -> None:
    def halve(items: Sequence[int]) -> list[int]:
        if any(item % 2 for item in items):
            raise UsageError("odd")
        return [item // 2 for item in items]

    results = run_together(halve, [2, 3, 4])
    assert (results[0], results[2]) == (1, 2) and isinstance(results[1], UsageError)


def test_a_cause_outside_of_the_items_fails_them_all_at_once() -> None:
    calls = []

    def full(items: Sequence[int]) -> list[int]:
        calls.append(items)
        raise StorageError("The disk is full.")

    assert all(isinstance(result, StorageError) for result in run_together(full, [1, 2, 3]))
    assert len(calls) == 1
