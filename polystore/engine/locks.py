"""Locking reads: compiled and explained anywhere, run within a transaction only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from msgspec import Struct

from polystore.adapters.base import Prepared, Source
from polystore.errors import TransactionManagementError
from polystore.query.operations import Operation, Select


class Locking(Struct, frozen=True, eq=False):
    """A read that locks rows: outside of a transaction its locks would be gone before its rows are there.

    ``prepared`` is the read itself, for what runs it within a transaction.
    """

    name: str
    prepared: Prepared

    @property
    def sources(self) -> tuple[Source, ...]:
        return self.prepared.sources

    @property
    def dumps(self) -> tuple[Callable[[Any], Any] | None, ...]:
        return self.prepared.dumps

    def bind(self, values: Sequence[Any]) -> NoReturn:
        """Refuses to run.

        Raises:
            TransactionManagementError: always; nothing is sent.
        """
        raise TransactionManagementError(
            f"{self.name}: select_for_update() locks rows until a transaction ends, and there is none: the locks would "
            "be released at once"
        )

    def describe(self, values: Sequence[Any]) -> str:
        return self.prepared.describe(values)


def outside_transaction(operation: Operation, prepared: Prepared) -> Prepared:
    """The operation as it runs outside of a transaction."""
    locks = isinstance(operation, Select) and operation.lock is not None
    return Locking(operation.schema.name, prepared) if locks else prepared
