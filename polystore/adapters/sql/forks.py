"""What becomes of connections when a process forks: the child opens its own and never touches its parent's."""

from __future__ import annotations

import os
from typing import Any, Protocol
from weakref import WeakSet


class Forkable(Protocol):
    """Something that holds connections of this process."""

    def forget(self) -> None: ...


_forkables: WeakSet[Any] = WeakSet()
of_parent: list[Any] = []
"""Connections that a forked child got from its parent: kept and not used; closing them would reach the server."""


def watch_forks(forkable: Forkable) -> None:
    """Has ``forget`` called in a child process after a fork."""
    _forkables.add(forkable)


def _after_fork() -> None:
    for forkable in list(_forkables):
        forkable.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
