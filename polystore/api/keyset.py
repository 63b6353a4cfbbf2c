"""Pages that continue behind a row's key: their request and their content, without I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from polystore.api.chain import Chain, M, R
from polystore.errors import QueryUsageError
from polystore.query.cursor import names_of, read_cursor, write_cursor
from polystore.query.nodes import Order
from polystore.query.orders import reversed_order
from polystore.query.planner import page_order
from polystore.query.stages import pages_by_key

if TYPE_CHECKING:
    from polystore.engine.compiled import Compiled
    from polystore.engine.handle import Handle

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows of a query, and where to go on.

    ``next`` and ``previous`` are cursors for ``keyset(after=...)`` and ``keyset(before=...)``; None where there is
    nothing more.
    """

    items: list[T]
    next: str | None
    previous: str | None

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What to run for a page, and what is needed to understand the answer."""

    ready: tuple[Handle, Compiled, Sequence[Any]]
    order: tuple[Order, ...]
    size: int
    cursor: str | None
    backward: bool

    def page(self, answer: Any) -> Page[Any]:
        """The page of what was answered: one row more than its size tells that there is more in that direction."""
        rows, key_of = answer
        more = len(rows) > self.size
        items = rows[: self.size]
        if not items:
            return Page([], None, None)
        first, last = self._cursor(key_of(0)), self._cursor(key_of(len(items) - 1))
        if self.backward:
            return Page(items[::-1], first, last if more else None)
        return Page(items, last if more else None, None if self.cursor is None else first)

    def _cursor(self, key: Sequence[Any]) -> str:
        handle = self.ready[0]
        return write_cursor(handle.schema, self.order, key, handle.connection.secret)


def page_request(query: Chain[M, R], size: int, after: str | None, before: str | None) -> PageRequest:
    """The request of a page.

    Raises:
        QueryUsageError: a wrong size, both cursors, or a query whose rows have no lasting key.
        InvalidCursor: a cursor that these pages did not give out.
    """
    name = query._model.__name__
    if type(size) is not int or size < 1:
        raise QueryUsageError(f"{name}: keyset() takes size >= 1, not {size!r}")
    if after is not None and before is not None:
        raise QueryUsageError(f"{name}: keyset() takes after or before, not both")
    query._refuse_slice("keyset()")
    handle = query._handle()
    if not pages_by_key(tuple(step for step in query._shape if step[0] != "none"), handle.schema):
        raise QueryUsageError(
            f"{name}: keyset() pages through rows of the store in an order of fields; "
            "not behind client() or distinct(), by expressions or through groups"
        )
    order = page_order(handle.schema, query._shape)
    cursor = before if after is None else after
    backward = before is not None
    shape = (*query._shape, ("order", names_of(reversed_order(order) if backward else order)))
    key = () if cursor is None else read_cursor(handle.schema, order, cursor, handle.connection.secret)
    step = ("slice", False, True) if cursor is None else ("after", tuple(value is not None for value in key))
    values = [*query._values, *(value for value in key if value is not None), size + 1]
    ready = handle, handle.compiled("page", (*shape, step)), values
    return PageRequest(ready, order, size, cursor, backward)
