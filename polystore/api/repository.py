"""``Repository``: the verbs that services call, a thin typed layer over the queryset."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_args, get_origin

from polystore.api.complete import schema_of
from polystore.api.queryset import QuerySet
from polystore.api.raw import RawQuerySet
from polystore.api.state import HandleSource, handle_of_instance
from polystore.engine import _async, _sync, changes, validation
from polystore.errors import FieldError, ModelError, QueryUsageError
from polystore.query.conflicts import on_conflict
from polystore.query.functions import Combinable, Ordering, Q
from polystore.query.warned import warn_of_twins

if TYPE_CHECKING:
    from polystore.api.model import Model
    from polystore.query.operations import OnConflict

M = TypeVar("M", bound="Model")
Order = str | Combinable | Ordering | Sequence[str | Combinable | Ordering]


class Repository(Generic[M]):
    """The rows of one model, whichever store it is routed to.

    Subclass it for a model (``class AlbumRepository(Repository[Album])``) and add what the service asks by name, or use
    ``store.repository(Album)``.

    Args:
        store: the store; by default the current one at each call.
        model: the model; by default the one that a subclass names.
    """

    model: type[M]

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        for base in getattr(cls, "__orig_bases__", ()):
            origin, parameters = get_origin(base), get_args(base)
            if isinstance(origin, type) and issubclass(origin, Repository) and isinstance(parameters[0], type):
                cls.model = parameters[0]

    def __init__(self, store: HandleSource | None = None, model: type[M] | None = None) -> None:
        self._store = store
        if model is not None:
            self.model = model
        if getattr(self, "model", None) is None:
            raise ModelError(f"{type(self).__name__} names no model; write class X(Repository[Album]) or pass one")

    # ---- what verbs are made of

    def query(self, /, *conditions: Q, order_by: Order = (), **lookups: Any) -> QuerySet[M]:
        """The queryset of these conditions, for what the verbs do not say."""
        query: QuerySet[M] = QuerySet(self.model, self._store)
        if conditions or lookups:
            query = query.filter(*conditions, **lookups)
        names = (order_by,) if isinstance(order_by, str | Combinable | Ordering) else tuple(order_by)
        return query.order_by(*names) if names else query

    def _page(
        self, conditions: tuple[Q, ...], order_by: Order, limit: int | None, offset: int, lookups: dict[str, Any]
    ) -> QuerySet[M]:
        query = self.query(*conditions, order_by=order_by, **lookups)
        for name, given in (("limit", limit or 0), ("offset", offset)):
            if type(given) is not int or given < 0:
                raise QueryUsageError(f"{self.model.__name__}: {name} is an int of at least 0, not {given!r}")
        if limit is None and not offset:
            return query
        return query[offset : None if limit is None else offset + limit]

    # ---- reading

    def get(self, key: Any) -> M:
        """The row with that primary key; one round trip.

        Raises:
            DoesNotExist: there is none.
        """
        return self.query().get(pk=key)

    async def aget(self, key: Any) -> M:
        """``get`` in the async colour."""
        return await self.query().aget(pk=key)

    def get_one(self, /, *conditions: Q, **lookups: Any) -> M:
        """The one row that matches; one round trip.

        Raises:
            DoesNotExist, MultipleObjectsReturned: none matches, or several do.
        """
        return self.query().get(*conditions, **lookups)

    async def aget_one(self, /, *conditions: Q, **lookups: Any) -> M:
        """``get_one`` in the async colour."""
        return await self.query().aget(*conditions, **lookups)

    def get_one_or_none(self, /, *conditions: Q, **lookups: Any) -> M | None:
        """The one row that matches, or None; one round trip."""
        return self.query().get_or_none(*conditions, **lookups)

    async def aget_one_or_none(self, /, *conditions: Q, **lookups: Any) -> M | None:
        """``get_one_or_none`` in the async colour."""
        return await self.query().aget_or_none(*conditions, **lookups)

    def get_many(
        self, /, *conditions: Q, order_by: Order = (), limit: int | None = None, offset: int = 0, **lookups: Any
    ) -> list[M]:
        """The rows that match, in order, perhaps a page of them; one round trip."""
        return list(self._page(conditions, order_by, limit, offset, lookups))

    async def aget_many(
        self, /, *conditions: Q, order_by: Order = (), limit: int | None = None, offset: int = 0, **lookups: Any
    ) -> list[M]:
        """``get_many`` in the async colour."""
        return await self._page(conditions, order_by, limit, offset, lookups).alist()

    def get_many_and_count(
        self, /, *conditions: Q, order_by: Order = (), limit: int | None = None, offset: int = 0, **lookups: Any
    ) -> tuple[list[M], int]:
        """A page of the rows that match, and how many match in all; two round trips, one without a page."""
        rows = self.get_many(*conditions, order_by=order_by, limit=limit, offset=offset, **lookups)
        return rows, len(rows) if limit is None and not offset else self.count(*conditions, **lookups)

    async def aget_many_and_count(
        self, /, *conditions: Q, order_by: Order = (), limit: int | None = None, offset: int = 0, **lookups: Any
    ) -> tuple[list[M], int]:
        """``get_many_and_count`` in the async colour."""
        rows = await self.aget_many(*conditions, order_by=order_by, limit=limit, offset=offset, **lookups)
        return rows, len(rows) if limit is None and not offset else await self.acount(*conditions, **lookups)

    def exists(self, /, *conditions: Q, **lookups: Any) -> bool:
        """Whether a row matches; one round trip."""
        return self.query(*conditions, **lookups).exists()

    async def aexists(self, /, *conditions: Q, **lookups: Any) -> bool:
        """``exists`` in the async colour."""
        return await self.query(*conditions, **lookups).aexists()

    def count(self, /, *conditions: Q, **lookups: Any) -> int:
        """How many rows match; one round trip."""
        return self.query(*conditions, **lookups).count()

    async def acount(self, /, *conditions: Q, **lookups: Any) -> int:
        """``count`` in the async colour."""
        return await self.query(*conditions, **lookups).acount()

    def raw(
        self,
        query: str | Sequence[Mapping[str, Any]],
        params: Mapping[str, Any] | Sequence[Any] = (),
        *,
        translations: Mapping[str, str] | None = None,
    ) -> RawQuerySet[M]:
        """The instances of a query in the store's own language, as ``Model.objects.raw`` reads them."""
        return RawQuerySet(self.model, query, params, translations, self._store)

    # ---- writing

    def add(self, instance: M) -> M:
        """Inserts the instance; one round trip.

        Raises:
            UniqueViolation: a row with its key or another unique value is there.
        """
        handle = handle_of_instance(instance, self._store)
        _sync.save(handle, instance, changes.save_request(instance, handle.schema, True, False, None))
        return instance

    async def aadd(self, instance: M) -> M:
        """``add`` in the async colour."""
        handle = handle_of_instance(instance, self._store)
        await _async.save(handle, instance, changes.save_request(instance, handle.schema, True, False, None))
        return instance

    def add_many(self, instances: Iterable[M], *, batch_size: int | None = None) -> list[M]:
        """Inserts the instances, as ``QuerySet.bulk_create`` does."""
        return self.query().bulk_create(instances, batch_size=batch_size)

    async def aadd_many(self, instances: Iterable[M], *, batch_size: int | None = None) -> list[M]:
        """``add_many`` in the async colour."""
        return await self.query().abulk_create(instances, batch_size=batch_size)

    def update(self, instance: M) -> M:
        """Writes what changed on the instance; one round trip.

        Raises:
            DoesNotExist: the row is gone. StaleObject: its version is another one by now.
        """
        handle = handle_of_instance(instance, self._store)
        _sync.save(handle, instance, changes.save_request(instance, handle.schema, False, True, None))
        return instance

    async def aupdate(self, instance: M) -> M:
        """``update`` in the async colour."""
        handle = handle_of_instance(instance, self._store)
        await _async.save(handle, instance, changes.save_request(instance, handle.schema, False, True, None))
        return instance

    def update_many(self, /, values: Mapping[str, Any], *conditions: Q, **lookups: Any) -> int:
        """Sets ``values`` on all rows that match; answers how many there were. One round trip."""
        return self.query(*conditions, **lookups).update(**values)

    async def aupdate_many(self, /, values: Mapping[str, Any], *conditions: Q, **lookups: Any) -> int:
        """``update_many`` in the async colour."""
        return await self.query(*conditions, **lookups).aupdate(**values)

    def upsert(self, instance: M) -> M:
        """Writes the instance over the row with its key, or inserts it, as ``QuerySet.upsert`` does."""
        _sync.insert_many(handle_of_instance(instance, self._store), [instance], on_conflict=self._by_key)
        return instance

    async def aupsert(self, instance: M) -> M:
        """``upsert`` in the async colour."""
        await _async.insert_many(handle_of_instance(instance, self._store), [instance], on_conflict=self._by_key)
        return instance

    def upsert_many(self, instances: Iterable[M], *, batch_size: int | None = None) -> list[M]:
        """``upsert`` for many instances; one round trip a batch."""
        query = self.query()
        found = query._instances(instances, batch_size)
        _sync.insert_many(query._handle(), found, batch_size, on_conflict=self._by_key)
        return found

    async def aupsert_many(self, instances: Iterable[M], *, batch_size: int | None = None) -> list[M]:
        """``upsert_many`` in the async colour."""
        query = self.query()
        found = query._instances(instances, batch_size)
        await _async.insert_many(query._handle(), found, batch_size, on_conflict=self._by_key)
        return found

    @property
    def _by_key(self) -> OnConflict:
        return on_conflict(schema_of(self.model), ("pk",), None)

    def get_or_upsert(self, /, match_fields: Sequence[str], **values: Any) -> tuple[M, bool]:
        """The row that has these values in ``match_fields``, brought to the other values; or a new one.

        Returns:
            The instance, and whether it is new. A race for the same unique values is settled by reading again.

        Cost: one round trip, one more to write.
        """
        match, new = self._match(match_fields, values)
        handle = QuerySet(self.model, self._store)._handle()
        return _sync.find_and_change(handle, lambda: self.query().get_or_none(**match), values, new)

    async def aget_or_upsert(self, /, match_fields: Sequence[str], **values: Any) -> tuple[M, bool]:
        """``get_or_upsert`` in the async colour."""
        match, new = self._match(match_fields, values)
        handle = QuerySet(self.model, self._store)._handle()
        return await _async.find_and_change(handle, lambda: self.query().aget_or_none(**match), values, new)

    def _match(self, match_fields: Sequence[str], values: Mapping[str, Any]) -> tuple[dict[str, Any], Callable[[], M]]:
        """The lookups that find a row, and what makes a new one."""
        schema = schema_of(self.model)
        names = (match_fields,) if isinstance(match_fields, str) else tuple(match_fields)
        missing = [name for name in names if schema.field(name).name not in values]
        if missing or not names:
            raise FieldError(
                f"{schema.name}: get_or_upsert needs values for its match_fields; missing: {missing or 'all'}"
            )
        warn_of_twins(schema, "get_or_upsert", (schema.field(name).name for name in names if values[name] is not None))
        return {name: values[name] for name in names}, lambda: validation.new_instance(self.model, schema, values)

    def delete(self, key: Any) -> M:
        """Deletes the row with that key and answers what it was; two round trips.

        Raises:
            DoesNotExist: there is none.
        """
        instance = self.get(key)
        _sync.delete(handle_of_instance(instance, self._store), instance)
        return instance

    async def adelete(self, key: Any) -> M:
        """``delete`` in the async colour."""
        instance = await self.aget(key)
        await _async.delete(handle_of_instance(instance, self._store), instance)
        return instance

    def delete_many(self, keys: Iterable[Any]) -> int:
        """Deletes the rows with these keys; answers how many there were. One round trip."""
        return self.query(pk__in=keys).delete()[0]

    async def adelete_many(self, keys: Iterable[Any]) -> int:
        """``delete_many`` in the async colour."""
        return (await self.query(pk__in=keys).adelete())[0]

    def delete_where(self, /, *conditions: Q, **lookups: Any) -> int:
        """Deletes the rows that match; without any condition it is refused. One round trip."""
        return self._where(conditions, lookups).delete()[0]

    async def adelete_where(self, /, *conditions: Q, **lookups: Any) -> int:
        """``delete_where`` in the async colour."""
        return (await self._where(conditions, lookups).adelete())[0]

    def _where(self, conditions: tuple[Q, ...], lookups: dict[str, Any]) -> QuerySet[M]:
        if not conditions and not lookups:
            raise FieldError(
                f"{self.model.__name__}: delete_where() needs a condition; query().delete() deletes every row"
            )
        return self.query(*conditions, **lookups)
