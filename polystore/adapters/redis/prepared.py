"""What all prepared operations share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from polystore.adapters.base import Source
from polystore.adapters.redis.commands import Command
from polystore.adapters.redis.describe import describe
from polystore.adapters.redis.layout import Layout


class RedisPrepared:
    """A compiled operation on the model of a layout."""

    sources: tuple[Source, ...] = ()
    dumps: tuple[Callable[[Any], Any] | None, ...] = ()

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    def bind(self, values: Sequence[Any]) -> Command:
        raise NotImplementedError

    def describe(self, values: Sequence[Any]) -> str:
        """The command as text."""
        return describe(self.bind(values))
