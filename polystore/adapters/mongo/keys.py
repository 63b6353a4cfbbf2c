"""Int64 keys: how far the counter document of each table is known to have come."""

from __future__ import annotations

import threading

COUNTERS = "polystore_counters"
VALUE = "value"


class KnownCounters:
    """What this process knows of the counters; they only grow, so that what is known stays true."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, int] = {}

    def is_passed(self, table: str, key: int) -> bool:
        """Whether the counter is known to stand at or beyond the key."""
        return key <= self._known.get(table, 0)

    def passed(self, table: str, key: int) -> None:
        """Notes that the counter stands at or beyond the key."""
        with self._lock:
            self._known[table] = max(key, self._known.get(table, 0))

    def forget(self, table: str) -> None:
        """Forgets about a table that is gone."""
        with self._lock:
            self._known.pop(table, None)
