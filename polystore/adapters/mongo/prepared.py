"""A compiled operation: the function that fills in values, and how rows are read and written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from polystore.adapters.base import Source
from polystore.adapters.mongo.commands import describe
from polystore.adapters.mongo.template import Convert, Fill


@dataclass(frozen=True, slots=True)
class MongoPrepared:
    """A compiled operation."""

    bind: Fill
    sources: tuple[Source, ...] = ()
    dumps: tuple[Convert | None, ...] = ()
    insert: str | None = None

    def describe(self, values: Sequence[Any]) -> str:
        """The command with these values as text; of an insert its keys only."""
        return describe(self.bind(values)) if self.insert is None else self.insert
