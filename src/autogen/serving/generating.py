"""Generators that take their time, read in threads, with their items handed to the event loop as they come."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TypeVar

from autogen.runtime.batcher import Overloaded

T = TypeVar("T")

log = logging.getLogger("autogen.serving")


class Readers:
    """Threads that read generators. To be used from one event loop.

    `threads`: generators that are read at once; `room`: those that are read or wait.
    """

    def __init__(self, threads: int = 8, room: int = 512) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="reader")
        self._room = room
        self._open = 0

    async def read(self, source: Generator[T, None, None]) -> AsyncGenerator[T, None]:
        """The generator's items as they come. When this is closed before the end, the generator is closed after the
        item that it is at. Raises what the generator raises, Overloaded."""
        if self._open >= self._room:
            raise Overloaded(f"{self._open} answers are being written already: try again in a moment.")
        loop, cancelled = asyncio.get_running_loop(), threading.Event()
        items: asyncio.Queue[tuple[T] | Exception | None] = asyncio.Queue()

        def put(item: tuple[T] | Exception | None) -> None:
            loop.call_soon_threadsafe(items.put_nowait, item)

        self._open += 1
        try:
            self._threads.submit(_pump, source, put, cancelled)
            while (item := await items.get()) is not None:
                if isinstance(item, Exception):
                    raise item
                yield item[0]
        finally:
            self._open -= 1
            cancelled.set()

    def close(self) -> None:
        """Wait for the generators that are being read, and give the threads back."""
        self._threads.shutdown(wait=True)


def _pump(
    source: Generator[T, None, None], put: Callable[[tuple[T] | Exception | None], None], cancelled: threading.Event
) -> None:
    """Read it to its end, or to the item after which nobody wants more."""
    try:
        with closing(source):
            while not cancelled.is_set():
                put((next(source),))
    except StopIteration:
        put(None)
    except Exception as error:  # noqa: BLE001 nothing is swallowed: whoever reads gets it, or else the log
        if cancelled.is_set():
            log.error("an answer that nobody read to its end could not be kept: %s", error)
        put(error)
