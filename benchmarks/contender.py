"""What is measured: the operations, and the contract of those who carry them out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from benchmarks.items import NAMES

Row = dict[str, Any]


class Operation(NamedTuple):
    """One thing to do: the contender's method, the calls in a round, and the rows that a call moves."""

    name: str
    title: str
    calls: int
    rows: int = 1


OPERATIONS: Mapping[str, Operation] = {
    operation.name: operation
    for operation in (
        Operation("get", "get by key", 300),
        Operation("filter", "filter, 10 rows", 100),
        Operation("fetch", "fetch 1,000, a row", 4, 1000),
        Operation("values", "values of 1,000, a row", 4, 1000),
        Operation("insert", "insert", 300),
        Operation("bulk", "bulk insert of 1,000, a row", 1, 1000),
        Operation("update", "load, change, save", 300),
    )
}


class Contender:
    """Somebody who stores items; the methods of an async one are coroutines.

    ``get`` takes a key and answers an item, None when it is missing; ``filter`` takes an owner; ``fetch`` and
    ``values`` take the last key; ``insert`` and ``bulk`` take new rows as dicts; ``update`` takes a key and a quantity.
    """

    name: ClassVar[str]
    operations: ClassVar[Sequence[str]] = tuple(OPERATIONS)
    """The operations that it has an equal for."""

    open: Callable[[], Any]
    """Connects and makes empty tables."""
    close: Callable[[], Any]
    """Removes what ``open`` made."""
    get: Callable[[int], Any]
    filter: Callable[[int], Any]
    fetch: Callable[[int], Any]
    values: Callable[[int], Any]
    insert: Callable[[Row], Any]
    bulk: Callable[[list[Row]], Any]
    update: Callable[[int, int], Any]
    delete_new: Callable[[], Any]
    """Deletes the rows with keys from FIRST_NEW on."""

    def plain(self, item: Any) -> Row:
        """An item as the row that it stands for, to compare contenders."""
        return {name: getattr(item, name) for name in NAMES}

    def plain_values(self, values: Any) -> Row:
        """One of ``values`` as the row that it stands for."""
        return dict(values)
