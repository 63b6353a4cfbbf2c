"""Waiting for a free connection: a queue of tasks in one colour, of threads in the other."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import TypeVar

T = TypeVar("T")


class AsyncGate:
    """Lets tasks wait for something; the one that waited longest goes first."""

    def __init__(self) -> None:
        self._queue: deque[asyncio.Future[None]] = deque()
        self.waiting = 0

    async def wait(self, ready: Callable[[], T | None], timeout: float) -> T | None:
        """What ``ready`` gives as soon as it is not None; None after ``timeout`` seconds."""
        self.waiting += 1
        try:
            async with asyncio.timeout(timeout):
                while (found := ready()) is None:
                    await self._turn()
                return found
        except TimeoutError:
            return None
        finally:
            self.waiting -= 1

    def wake(self) -> None:
        """Something may be ready: one waiting task looks."""
        while self._queue:
            future = self._queue.popleft()
            if not future.done():
                future.set_result(None)
                return

    async def _turn(self) -> None:
        future = asyncio.get_running_loop().create_future()
        self._queue.append(future)
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.wake()
            raise


class Gate:
    """Lets threads wait for something."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self.waiting = 0

    def wait(self, ready: Callable[[], T | None], timeout: float) -> T | None:
        """What ``ready`` gives as soon as it is not None; None after ``timeout`` seconds."""
        end = monotonic() + timeout
        with self._condition:
            self.waiting += 1
            try:
                while (found := ready()) is None:
                    if not self._condition.wait(end - monotonic()):
                        return ready()
                return found
            finally:
                self.waiting -= 1

    def wake(self) -> None:
        """Something may be ready: one waiting thread looks."""
        with self._condition:
            self._condition.notify()
