"""The terminals that read, in both colours."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast, overload

from polystore.api.chain import Chain, M, R
from polystore.api.complete import schema_of
from polystore.api.keyset import Page, page_request
from polystore.engine import _async, _sync, changes
from polystore.engine.streams import refuse_next_page, refuse_stream
from polystore.errors import FieldError, QueryUsageError
from polystore.query.aggregates import Aggregation
from polystore.query.annotating import aggregate_items, named
from polystore.query.functions import Combinable, Q
from polystore.query.planner import GET_LIMIT, Terminal
from polystore.query.shapes import filter_shape
from polystore.query.stages import pages_by_key

if TYPE_CHECKING:
    from polystore.api.queryset import QuerySet
    from polystore.engine.compiled import Compiled
    from polystore.engine.handle import Handle


class Reading(Chain[M, R]):
    """A query that can be read."""

    __slots__ = ()

    def __iter__(self) -> Iterator[R]:
        rows = self._rows
        if rows is None:
            rows = self._rows = _sync.run(*self._ready("rows"))
        return iter(rows)

    async def __aiter__(self) -> AsyncIterator[R]:
        for row in await self.alist():
            yield row

    def __await__(self) -> Generator[Any, None, list[R]]:
        return self.alist().__await__()

    async def alist(self) -> list[R]:
        """The rows, read in the async colour and kept; ``await queryset`` is the same."""
        rows = self._rows
        if rows is None:
            rows = self._rows = await _async.run(*self._ready("rows"))
        return rows

    def __len__(self) -> int:
        iter(self)
        return len(cast("list[R]", self._rows))

    def __bool__(self) -> bool:
        return len(self) > 0

    @overload
    def __getitem__(self, key: int) -> R: ...
    @overload
    def __getitem__(self, key: slice) -> QuerySet[M, R]: ...
    def __getitem__(self, key: int | slice) -> Any:
        """One row by its place (an IndexError past the end), or a narrower queryset; with a step, a list."""
        if isinstance(key, int) and not isinstance(key, bool):
            return self._at(key)
        if not isinstance(key, slice):
            raise TypeError(f"a queryset is indexed by an int or a slice, not {key!r}")
        if any(part is not None and (type(part) is not int or part < 0) for part in (key.start, key.stop, key.step)):
            raise ValueError("a queryset is not sliced from its end: bounds and step must be ints >= 0")
        if key.step == 0:
            raise ValueError("a queryset is sliced with a step of at least 1, not 0")
        if self._rows is not None:
            return self._rows[key]
        part = self._slice(key.start or 0, key.stop)
        return list(part)[:: key.step] if key.step else part

    def _at(self, index: int) -> R:
        if index < 0:
            raise ValueError("a queryset has no negative indexes; reverse() it")
        if self._rows is not None:
            return self._rows[index]
        rows = list(self._slice(index, index + 1))
        if not rows:
            raise IndexError(f"{self._model.__name__}: no row at index {index}")
        return rows[0]

    def _get_ready(self, conditions: tuple[Q, ...], lookups: dict[str, Any]) -> tuple[Handle, Compiled, Sequence[Any]]:
        if not conditions and not lookups:
            return self._ready("get")
        if self._low or self._high is not None:
            self._refuse_slice("get(conditions)")
        handle = self._handle()
        values = [*self._values]
        clauses = filter_shape(self._names or handle.schema, conditions, lookups, values)
        return handle, handle.compiled("get", (*self._shape, ("filter", clauses))), values

    def _one(self, rows: list[R]) -> R:
        if len(rows) == 1:
            return rows[0]
        name = self._model.__name__
        if not rows:
            raise self._model.DoesNotExist(f"no {name} matches the query")
        number = f"more than {GET_LIMIT - 1}" if len(rows) >= GET_LIMIT else str(len(rows))
        raise self._model.MultipleObjectsReturned(f"get() needs one {name}, but {number} match the query")

    def get(self, /, *conditions: Q, **lookups: Any) -> R:
        """The one row that matches; one round trip.

        Raises:
            DoesNotExist: none matches (the model's own subclass).
            MultipleObjectsReturned: several do.
        """
        return self._one(_sync.run(*self._get_ready(conditions, lookups)))

    async def aget(self, /, *conditions: Q, **lookups: Any) -> R:
        """``get`` in the async colour."""
        return self._one(await _async.run(*self._get_ready(conditions, lookups)))

    def get_or_none(self, /, *conditions: Q, **lookups: Any) -> R | None:
        """``get``, with None when no row matches."""
        rows = _sync.run(*self._get_ready(conditions, lookups))
        return self._one(rows) if rows else None

    async def aget_or_none(self, /, *conditions: Q, **lookups: Any) -> R | None:
        """``get_or_none`` in the async colour."""
        rows = await _async.run(*self._get_ready(conditions, lookups))
        return self._one(rows) if rows else None

    def first(self) -> R | None:
        """The first row, by primary key when there is no order; None when there is none. One round trip."""
        rows = _sync.run(*self._slice(0, 1)._ready("rows"))
        return rows[0] if rows else None

    async def afirst(self) -> R | None:
        """``first`` in the async colour."""
        rows = await _async.run(*self._slice(0, 1)._ready("rows"))
        return rows[0] if rows else None

    def _last_ready(self) -> tuple[Handle, Compiled, Sequence[Any]]:
        self._refuse_slice("last()")
        return self._slice(0, 1)._ready("last")

    def last(self) -> R | None:
        """The last row, by primary key when there is no order; None when there is none. One round trip."""
        rows = _sync.run(*self._last_ready())
        return rows[0] if rows else None

    async def alast(self) -> R | None:
        """``last`` in the async colour."""
        rows = await _async.run(*self._last_ready())
        return rows[0] if rows else None

    def _edge_ready(self, terminal: Terminal, names: tuple[str, ...]) -> tuple[Handle, Compiled, Sequence[Any]]:
        chosen = names or schema_of(self._model).latest_by
        if not chosen:
            raise QueryUsageError(f"{self._model.__name__}: name a field, or declare Meta.get_latest_by")
        return self.order_by(*chosen)._slice(0, 1)._ready(terminal)

    def _edge(self, rows: list[R]) -> R:
        if not rows:
            raise self._model.DoesNotExist(f"no {self._model.__name__} matches the query")
        return rows[0]

    def earliest(self, *names: str) -> R:
        """The first row by these fields (by ``Meta.get_latest_by`` as default). One round trip.

        Raises:
            DoesNotExist: there is none.
        """
        return self._edge(_sync.run(*self._edge_ready("rows", names)))

    async def aearliest(self, *names: str) -> R:
        """``earliest`` in the async colour."""
        return self._edge(await _async.run(*self._edge_ready("rows", names)))

    def latest(self, *names: str) -> R:
        """The last row by these fields (by ``Meta.get_latest_by`` as default). One round trip.

        Raises:
            DoesNotExist: there is none.
        """
        return self._edge(_sync.run(*self._edge_ready("last", names)))

    async def alatest(self, *names: str) -> R:
        """``latest`` in the async colour."""
        return self._edge(await _async.run(*self._edge_ready("last", names)))

    def count(self, *, estimate: bool = False) -> int:
        """The number of rows, a slice respected; counted by the store in one round trip.

        Args:
            estimate: about how many rows the model has, as the store keeps the number, without counting them.

        Raises:
            QueryUsageError: an estimate of filtered rows, of a slice, of distinct rows or of groups.
            NotSupportedError: an estimate of a store that keeps none.
        """
        return cast(int, _sync.run(*self._ready("estimate" if estimate else "count")))

    async def acount(self, *, estimate: bool = False) -> int:
        """``count`` in the async colour."""
        return cast(int, await _async.run(*self._ready("estimate" if estimate else "count")))

    def exists(self) -> bool:
        """Whether there is a row; one round trip."""
        return cast(bool, _sync.run(*self._ready("exists")))

    async def aexists(self) -> bool:
        """``exists`` in the async colour."""
        return cast(bool, await _async.run(*self._ready("exists")))

    def _aggregate_ready(
        self, aggregates: tuple[Any, ...], expressions: dict[str, Any]
    ) -> tuple[Handle, Compiled, Sequence[Any]]:
        handle = self._handle()
        scope = self._scope()
        found = named(scope, aggregates, expressions, fields=True)
        if not found:
            raise QueryUsageError(f"{self._model.__name__}: aggregate() needs at least one name=Aggregate(...)")
        shape, values = self._bound()
        added: list[Any] = []
        items = aggregate_items(scope, found, added)
        return handle, handle.compiled("aggregate", shape, items), (*values, *added)

    def aggregate(self, /, *aggregates: Aggregation, **expressions: Combinable) -> dict[str, Any]:
        """Values computed of all rows (slices, distinct rows and groups respected); one round trip.

        Args:
            aggregates: aggregates that are named by their field (``total__sum``).
            expressions: aggregates, or what is made of them, by name.

        Returns:
            The values by name: None over nothing, for a count 0.

        Raises:
            FieldError: something that is no aggregate. DataError: an int sum beyond 64 bits.
        """
        return cast("dict[str, Any]", _sync.run(*self._aggregate_ready(aggregates, expressions)))

    async def aaggregate(self, /, *aggregates: Aggregation, **expressions: Combinable) -> dict[str, Any]:
        """``aggregate`` in the async colour."""
        return cast("dict[str, Any]", await _async.run(*self._aggregate_ready(aggregates, expressions)))

    def _containing(self, instance: Any) -> QuerySet[M, R]:
        if type(instance) is not self._model:
            raise QueryUsageError(f"contains() takes a saved {self._model.__name__}, not {instance!r}")
        changes.stored_key(instance, schema_of(self._model))
        return self.filter(pk=instance.pk)

    def contains(self, instance: M) -> bool:
        """Whether the saved instance's row is among these; one round trip."""
        if self._rows is not None or self._low or self._high is not None:
            return instance in list(self)
        return self._containing(instance).exists()

    async def acontains(self, instance: M) -> bool:
        """``contains`` in the async colour."""
        if self._rows is not None or self._low or self._high is not None:
            return instance in await self.alist()
        return await self._containing(instance).aexists()

    def _bulk(self, keys: Iterable[Any] | None, field_name: str) -> tuple[QuerySet[M, R], str]:
        self._refuse_slice("in_bulk()")
        schema = schema_of(self._model)
        field = schema.field(field_name)
        if not (field.primary_key or any(unique.fields == (field.name,) for unique in schema.uniques)):
            raise FieldError(f"in_bulk() needs a unique field, and {field.label} is not")
        if any(step[0] in ("values", "list") for step in self._shape):
            raise QueryUsageError(f"{schema.name}: in_bulk() answers instances; leave values() out, or use only()")
        loaded = next((step[1] for step in reversed(self._shape) if step[0] == "only"), None)
        if loaded is not None and field.name not in loaded:
            return self.only(*loaded, field.name)._bulk(keys, field_name)
        query = self.all() if keys is None else self.filter(**{f"{field.name}__in": keys})
        return query, field.name

    def in_bulk(self, keys: Iterable[Any] | None = None, *, field_name: str = "pk") -> dict[Any, R]:
        """Instances by key (or by another unique field); keys without a row are left out. One round trip."""
        query, name = self._bulk(keys, field_name)
        return {getattr(row, name): row for row in query}

    async def ain_bulk(self, keys: Iterable[Any] | None = None, *, field_name: str = "pk") -> dict[Any, R]:
        """``in_bulk`` in the async colour."""
        query, name = self._bulk(keys, field_name)
        return {getattr(row, name): row for row in await query.alist()}

    def _pages(self, chunk_size: int) -> tuple[Any, ...] | None:
        """What pages that continue behind a key are read by; None where the rows have no such key."""
        if type(chunk_size) is not int or chunk_size < 1:
            raise QueryUsageError(f"{self._model.__name__}: iterator() takes chunk_size >= 1, not {chunk_size!r}")
        if not pages_by_key(self._shape, schema_of(self._model)):
            return None
        most = None if self._high is None else self._high - self._low
        handle = self._handle()
        if most is None or most > chunk_size:
            refuse_next_page(handle, self._shape, self._values)
        return handle, self._shape, self._values, chunk_size, self._low, most

    def _stream_ready(self) -> tuple[Handle, Compiled, Sequence[Any]]:
        handle, compiled, values = self._ready("rows")
        refuse_stream(handle, compiled)
        return handle, compiled, values

    def iterator(self, chunk_size: int = 2000) -> Generator[R, None, None]:
        """The rows one after the other, ``chunk_size`` held at a time; nothing is kept.

        Rows in an order of fields are read by pages that continue behind the last key: each row comes at most once, and
        a row that is there throughout comes once. Groups, distinct rows and other orders come from a cursor of the
        store, which shows them as they were at first and holds a connection; ``close()`` gives it back early, and so
        does leaving the loop. Rows behind ``client()`` are all held, within its budget.

        Raises:
            NotSupportedError: the store has no cursors.

        Cost: one round trip a chunk.
        """
        pages = self._pages(chunk_size)
        return _sync.stream(*self._stream_ready(), chunk_size) if pages is None else _sync.pages(*pages)

    def aiterator(self, chunk_size: int = 2000) -> AsyncGenerator[R, None]:
        """``iterator`` in the async colour; ``aclose()`` gives the connection back early."""
        pages = self._pages(chunk_size)
        return _async.stream(*self._stream_ready(), chunk_size) if pages is None else _async.pages(*pages)

    def keyset(self, size: int = 50, *, after: str | None = None, before: str | None = None) -> Page[R]:
        """A page of rows in their order (ties broken by the primary key), by cursor: stable while rows come and go.

        Args:
            size: the most rows.
            after: the cursor to go on behind, ``page.next`` of another page.
            before: the cursor to go back from, ``page.previous`` of another page.

        Raises:
            InvalidCursor: a cursor that pages of this order did not give out, or signed with another secret.

        Cost: one round trip, as cheap for the last page as for the first where an index serves the order.
        """
        request = page_request(self, size, after, before)
        return request.page(_sync.run(*request.ready))

    async def akeyset(self, size: int = 50, *, after: str | None = None, before: str | None = None) -> Page[R]:
        """``keyset`` in the async colour."""
        request = page_request(self, size, after, before)
        return request.page(await _async.run(*request.ready))
