"""Int64 keys that a server has set aside for this process, so that an insert need not ask for each."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Hashable


class KeyBlocks:
    """Runs of keys by table; each key is handed out once.

    Nothing here waits: one short lock guards plain data, so both colours share it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: dict[Hashable, deque[range]] = {}

    def take(self, table: Hashable, count: int) -> list[int]:
        """At most ``count`` keys, those reserved first."""
        taken: list[int] = []
        with self._lock:
            runs = self._runs.get(table)
            while runs and len(taken) < count:
                run = runs.popleft()
                size = count - len(taken)
                taken.extend(run[:size])
                if len(run) > size:
                    runs.appendleft(run[size:])
        return taken

    def add(self, table: Hashable, run: range) -> None:
        """Sets keys aside."""
        with self._lock:
            self._runs.setdefault(table, deque()).append(run)

    def discard(self, table: Hashable) -> None:
        """Gives up what is set aside: another writer has used some of it, or the table is gone."""
        with self._lock:
            self._runs.pop(table, None)
