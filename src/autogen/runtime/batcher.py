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


def run_together(work: Callable[[Sequence[Item]], Sequence[Result]], items: Sequence[Item]) -> list[Result | Exception]:
    """A result or an error for each item. When `work` fails on all together, it gets each alone, so that a bad one
    fails alone; unless the cause lies outside of the items (a full disk, say)."""
    try:
        return list(work(items))
    except Exception as error:  # noqa: BLE001 nothing is swallowed: whoever waits for the item gets it
        not_the_items = isinstance(error, AutoGenError) and not isinstance(error, UsageError)
        if not_the_items or len(items) == 1:
            return [error] * len(items)
    return [result for item in items for result in run_together(work, [item])]


@dataclass(frozen=True, slots=True, eq=False)
class _Request(Generic[Item, Result]):
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
        self._waiting: deque[_Request[Item, Result]] = deque()
        self._runner: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="batcher")

    async def submit(self, item: Item, key: Hashable | None = None) -> Result:
        """The item's result; raises the item's error, or Overloaded when there is no room."""
        if len(self._waiting) >= self._room:
            raise Overloaded(f"{len(self._waiting)} requests are waiting already: try again in a moment.")
        result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Request(item, key, result))
        if self._runner is None or self._runner.done():
            self._runner = asyncio.create_task(self._run())
        return await result

    def close(self) -> None:
        """Wait for the batch that is being worked on, and give the thread back."""
        self._thread.shutdown(wait=True)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while batch := self._next_batch():
            items = [request.item for request in batch]
            call = loop.run_in_executor(self._thread, self._work, items)
            (outcome,) = await asyncio.gather(call, return_exceptions=True)
            results = [outcome] * len(items) if isinstance(outcome, BaseException) else outcome
            for request, result in zip(batch, results, strict=True):
                _deliver(request.result, result)

    def _next_batch(self) -> list[_Request[Item, Result]]:
        """The first items waiting; of those with the same key only the first."""
        batch: list[_Request[Item, Result]] = []
        passed_over, keys = [], set()
        while self._waiting and len(batch) < self._largest:
            request = self._waiting.popleft()
            if request.key is not None and request.key in keys:
                passed_over.append(request)
            elif not request.result.done():  # else whoever asked has gone
                keys.add(request.key)
                batch.append(request)
        self._waiting.extendleft(reversed(passed_over))
        return batch


def _deliver(waiting: asyncio.Future[Result], result: Result | BaseException) -> None:
    if waiting.done():  # whoever asked has gone
        return
    if isinstance(result, BaseException):
        waiting.set_exception(result)
    else:
        waiting.set_result(result)
