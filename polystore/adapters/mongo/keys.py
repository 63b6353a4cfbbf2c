"""Int64 keys: blocks reserved from a counter document and handed out without asking again."""

from __future__ import annotations

import threading
from collections import deque

COUNTERS = "polystore_counters"
VALUE = "value"


class KeyBlocks:
    """The keys that this process holds in reserve for each table, and how far each counter is known to have come.

    Nothing here waits: one short lock guards plain data, so both colours share it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reserved: dict[str, deque[range]] = {}
        self._known: dict[str, int] = {}

    def take(self, table: str, count: int) -> list[int]:
        """Up to ``count`` reserved keys."""
        found: list[int] = []
        with self._lock:
            blocks = self._reserved.get(table)
            while blocks and len(found) < count:
                block = blocks.popleft()
                wanted = count - len(found)
                found.extend(block[:wanted])
                if len(block) > wanted:
                    blocks.appendleft(block[wanted:])
        return found

    def add(self, table: str, last: int, count: int) -> None:
        """Keeps a block that ends with ``last``, the counter's new value."""
        with self._lock:
            self._reserved.setdefault(table, deque()).append(range(last - count + 1, last + 1))
            self._known[table] = max(last, self._known.get(table, 0))

    def discard(self, table: str) -> None:
        """Gives up the reserved keys: another writer has used some of them."""
        with self._lock:
            self._reserved.pop(table, None)

    def forget(self, table: str) -> None:
        """Forgets everything about a table that is gone."""
        with self._lock:
            self._reserved.pop(table, None)
            self._known.pop(table, None)

    def is_passed(self, table: str, key: int) -> bool:
        """Whether the counter is known to stand at or beyond the key."""
        return key <= self._known.get(table, 0)

    def passed(self, table: str, key: int) -> None:
        """Notes that the counter stands at or beyond the key."""
        with self._lock:
            self._known[table] = max(key, self._known.get(table, 0))
