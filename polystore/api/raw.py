"""``RawQuerySet``: instances from a query in the store's own language."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from polystore.api.complete import schema_of
from polystore.api.state import HandleSource, handle_of
from polystore.engine import _async, _sync
from polystore.engine.raw import raw_request
from polystore.errors import QueryUsageError

if TYPE_CHECKING:
    from polystore.api.model import Model
    from polystore.engine.handle import Handle
    from polystore.engine.raw import RawRequest

M = TypeVar("M", bound="Model")


class RawQuerySet(Generic[M]):
    """The rows of a raw query as instances, not read yet; see ``Manager.raw``.

    ``for``, ``len``, ``bool``, indexes and ``list`` read them in one round trip and keep the result; ``async for`` and
    ``await`` do so in the async colour.
    """

    __slots__ = ("_alias", "_model", "_parameters", "_query", "_rows", "_store", "_translations")

    def __init__(
        self,
        model: type[M],
        query: Any,
        parameters: Any = (),
        translations: Mapping[str, str] | None = None,
        store: HandleSource | None = None,
        alias: str | None = None,
    ) -> None:
        schema = schema_of(model)
        if translations is not None and not isinstance(translations, Mapping):
            raise QueryUsageError(f"{schema.name}: raw() takes translations as a dict, not {translations!r}")
        self._model = model
        self._query = query
        self._parameters = parameters
        self._translations = {column: schema.field(name).name for column, name in (translations or {}).items()}
        self._store = store
        self._alias = alias
        self._rows: list[M] | None = None

    def using(self, alias: str | HandleSource) -> RawQuerySet[M]:
        """The same query on another configured store (by its name), or on another Store."""
        store, name = (self._store, alias) if isinstance(alias, str) else (alias, None)
        if name is None and not hasattr(store, "handle"):
            raise QueryUsageError(f"{self._model.__name__}: using() takes a store's name or a Store, not {alias!r}")
        return RawQuerySet(self._model, self._query, self._parameters, self._translations, store, name)

    def _ready(self) -> tuple[Handle, RawRequest]:
        handle = handle_of(self._model, self._store, self._alias)
        return handle, raw_request(handle, self._query, self._parameters, self._translations)

    def _read(self) -> list[M]:
        rows = self._rows
        if rows is None:
            rows = self._rows = _sync.run_raw(*self._ready())
        return rows

    async def alist(self) -> list[M]:
        """The rows, read in the async colour and kept; ``await`` on the query is the same."""
        rows = self._rows
        if rows is None:
            rows = self._rows = await _async.run_raw(*self._ready())
        return rows

    def __iter__(self) -> Iterator[M]:
        return iter(self._read())

    async def __aiter__(self) -> AsyncIterator[M]:
        for row in await self.alist():
            yield row

    def __await__(self) -> Generator[Any, None, list[M]]:
        return self.alist().__await__()

    def __len__(self) -> int:
        return len(self._read())

    def __bool__(self) -> bool:
        return bool(self._read())

    @overload
    def __getitem__(self, key: int) -> M: ...
    @overload
    def __getitem__(self, key: slice) -> list[M]: ...
    def __getitem__(self, key: int | slice) -> M | list[M]:
        """One of the rows, or some of them as a list; all are read."""
        return self._read()[key]

    def __repr__(self) -> str:
        """The query without its parameters; nothing is asked."""
        text = self._query if isinstance(self._query, str) else repr(self._query)
        return f"<RawQuerySet of {self._model.__name__}: {' '.join(text.split())}>"
