"""Keys that the server has set aside for this process, so that an insert need not ask for each."""

from __future__ import annotations

from collections import deque
from threading import Lock


class KeyBlocks:
    """Runs of numbers by model; each number is handed out once."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._runs: dict[bytes, deque[range]] = {}

    def take(self, model: bytes, count: int) -> list[int]:
        """At most ``count`` numbers, lowest first."""
        taken: list[int] = []
        with self._lock:
            runs = self._runs.get(model)
            while runs and len(taken) < count:
                run = runs.popleft()
                size = count - len(taken)
                taken.extend(run[:size])
                if len(run) > size:
                    runs.appendleft(run[size:])
        return taken

    def add(self, model: bytes, run: range) -> None:
        """Sets numbers aside."""
        with self._lock:
            self._runs.setdefault(model, deque()).append(run)

    def clear(self, model: bytes) -> None:
        """Forgets what is set aside."""
        with self._lock:
            self._runs.pop(model, None)
