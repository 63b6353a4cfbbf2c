"""Why a registered function failed: SQLite itself passes on only that some function did."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from polystore.errors import DataError

_failed = threading.local()
_Answer = TypeVar("_Answer")


def failure() -> DataError | None:
    """Why the last function that failed in this thread did, once."""
    reason: DataError | None = getattr(_failed, "reason", None)
    _failed.reason = None
    return reason


def remembered(function: Callable[..., _Answer]) -> Callable[..., _Answer]:
    """The function, which leaves its reason behind for ``failure`` when it refuses."""

    @wraps(function)
    def call(*arguments: object) -> _Answer:
        try:
            return function(*arguments)
        except DataError as error:
            _failed.reason = error
            raise

    return call
