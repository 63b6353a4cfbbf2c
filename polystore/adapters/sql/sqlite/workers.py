"""Worker threads for an event loop: a call goes out through a queue and comes back with one wake-up of the loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeAlias

from polystore.adapters.sql.forks import watch_forks

Task: TypeAlias = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Callable[[Any], Any], Any]


class Workers:
    """Up to ``size`` threads, started when all others are busy."""

    def __init__(self, size: int, name: str) -> None:
        self._size = size
        self._name = name
        self._queue: SimpleQueue[Task | None] = SimpleQueue()
        self._started = 0
        self._waiting = 0
        watch_forks(self)

    def submit(self, function: Callable[[Any], Any], argument: Any) -> asyncio.Future[Any]:
        """The result of ``function(argument)``, computed in a worker; cancelled once begun, it is finished unseen."""
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self._waiting += 1
        if self._waiting > self._started and self._started < self._size:
            self._start()
        self._queue.put((loop, future, function, argument))
        return future

    def stop(self) -> None:
        """Lets the threads go; a later call starts new ones."""
        queue, self._queue = self._queue, SimpleQueue()
        for _ in range(self._started):
            queue.put(None)
        self._started = 0

    def forget(self) -> None:
        """Starts anew in a forked child, where no thread of the parent runs."""
        self._queue = SimpleQueue()
        self._started = self._waiting = 0

    def _settle(self, future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
        """Hands an answer over, in the loop's thread; nobody waits for that of a cancelled call."""
        self._waiting -= 1
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def _start(self) -> None:
        self._started += 1
        name = f"{self._name}-{self._started}"
        threading.Thread(target=_work, args=(self._queue, self._settle), name=name, daemon=True).start()


def _work(queue: SimpleQueue[Task | None], settle: Callable[[Any, Any, Any], None]) -> None:
    while (task := queue.get()) is not None:
        loop, future, function, argument = task
        result = error = None
        if not future.cancelled():
            try:
                result = function(argument)
            except BaseException as raised:
                error = raised
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(settle, future, result, error)
        del task, loop, future, function, argument, result, error
