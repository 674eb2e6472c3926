"""Micro-batching: what arrives while a batch is worked on is the next batch.

There is no timer. A lone item starts at once; under load a batch is whatever has gathered during the one before it, so
the batches grow with the load by themselves. One worker thread does, because the model in it uses several itself.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from autogen.errors import AutoGenError, UsageError

Item = TypeVar("Item")
Result = TypeVar("Result")


class Overloaded(AutoGenError):
    """More is waiting than will be answered soon; try again in a moment."""


def together(work: Callable[[Sequence[Item]], Sequence[Result]], items: Sequence[Item]) -> list[Result | Exception]:
    """A result or an error for each item. When `work` fails on all together, it gets each alone, so that a bad one
    fails alone; unless the cause lies outside of the items (a full disk, say)."""
    try:
        return list(work(items))
    except Exception as error:  # noqa: BLE001 nothing is swallowed: whoever waits for the item gets it
        outside = isinstance(error, AutoGenError) and not isinstance(error, UsageError)
        if outside or len(items) == 1:
            return [error] * len(items)
    return [one for item in items for one in together(work, [item])]


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting(Generic[Item, Result]):
    item: Item
    key: Hashable | None
    result: asyncio.Future[Result]


class Batcher(Generic[Item, Result]):
    """Hands items in batches to `work`, in a thread of its own. To be used from one event loop.

    Of items with the same key at most one is in a batch, and they keep their order. `work` returns a result or an error
    for each item, in order.
    """

    def __init__(
        self, work: Callable[[Sequence[Item]], Sequence[Result | Exception]], largest: int = 32, room: int = 512
    ) -> None:
        """`largest`: items in a batch; `room`: items that may wait."""
        self._work = work
        self._largest = largest
        self._room = room
        self._waiting: deque[_Waiting[Item, Result]] = deque()
        self._runner: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="batcher")

    async def submit(self, item: Item, key: Hashable | None = None) -> Result:
        """The item's result; raises the item's error, or Overloaded when there is no room."""
        if len(self._waiting) >= self._room:
            raise Overloaded(f"{len(self._waiting)} requests are waiting already: try again in a moment.")
        result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(item, key, result))
        if self._runner is None or self._runner.done():
            self._runner = asyncio.create_task(self._run())
        return await result

    def close(self) -> None:
        """Wait for the batch that is being worked on, and give the thread back."""
        self._thread.shutdown(wait=True)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while batch := self._next():
            items = [one.item for one in batch]
            call = loop.run_in_executor(self._thread, self._work, items)
            (found,) = await asyncio.gather(call, return_exceptions=True)
            results = [found] * len(items) if isinstance(found, BaseException) else found
            for one, result in zip(batch, results, strict=True):
                _deliver(one.result, result)

    def _next(self) -> list[_Waiting[Item, Result]]:
        """The first items waiting; of those with the same key only the first."""
        batch: list[_Waiting[Item, Result]] = []
        passed_over, keys = [], set()
        while self._waiting and len(batch) < self._largest:
            one = self._waiting.popleft()
            if one.key is not None and one.key in keys:
                passed_over.append(one)
            elif not one.result.done():  # else whoever asked has gone
                keys.add(one.key)
                batch.append(one)
        self._waiting.extendleft(reversed(passed_over))
        return batch


def _deliver(waiting: asyncio.Future[Result], result: Result | BaseException) -> None:
    if waiting.done():  # whoever asked has gone
        return
    if isinstance(result, BaseException):
        waiting.set_exception(result)
    else:
        waiting.set_result(result)
