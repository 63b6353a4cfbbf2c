"""``QuerySet``: one lazy query over any store, in both colours.

A terminal plans (a pure function, cached by structure), runs, and shapes the answer. What narrows a query is in
``chain``, what reads it in ``reading``, what writes many instances in ``bulk``; all else that writes is here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from polystore.api.bulk import Bulk
from polystore.api.chain import Chain, M, R
from polystore.api.combining import CombinedRows, Combining
from polystore.api.complete import schema_of
from polystore.api.raw import RawQuerySet
from polystore.engine import _async, _sync, changes, saved, validation
from polystore.engine.explain import describe_shape, explain_plan
from polystore.engine.parts import clean_parts, refuse_overlaps
from polystore.errors import QueryUsageError
from polystore.query.functions import Combinable, Q, Value
from polystore.query.lookups.paths import assigned_field
from polystore.query.names import Scope
from polystore.query.shapes import expression_shape
from polystore.query.warned import warn_of_twins

if TYPE_CHECKING:
    from polystore.engine.compiled import Compiled
    from polystore.engine.handle import Handle


class QuerySet(Bulk[M, R], Combining[M, R]):
    """Rows of a model, not read yet.

    ``for``, ``len``, ``bool`` and ``list`` read them and keep the result; ``async for`` does so in the async colour.
    Every method that narrows returns a new queryset.
    """

    __slots__ = ()

    def create(self, /, **values: Any) -> M:
        """A new row; one round trip.

        Returns:
            Its instance.

        Raises:
            FieldError, ValidationError: an unknown name, or a value that its field does not accept.
            IntegrityError: the store's constraints refuse the row.
        """
        handle = self._handle()
        instance: M = validation.new_instance(self._model, handle.schema, values)
        _sync.save(handle, instance, changes.save_request(instance, handle.schema, True, False, None))
        return instance

    async def acreate(self, /, **values: Any) -> M:
        """``create`` in the async colour."""
        handle = self._handle()
        instance: M = validation.new_instance(self._model, handle.schema, values)
        await _async.save(handle, instance, changes.save_request(instance, handle.schema, True, False, None))
        return instance

    def get_or_create(self, /, defaults: Mapping[str, Any] | None = None, **lookups: Any) -> tuple[M, bool]:
        """The row that matches, or a new one of the lookups' exact values and the defaults.

        Lookups with ``__`` find a row and give a new one no value; defaults that can be called are called when they are
        needed. Two writers get one row where the lookups name a unique value: the insert that loses reads again. Where
        no unique constraint covers the lookups, a ``UniquenessWarning`` says so once.

        Returns:
            The instance, and whether it is new.

        Raises:
            MultipleObjectsReturned: several rows match.

        Cost: one round trip; two for a new row.
        """
        find, _, new = self._find("get_or_create", defaults, None, lookups)
        return cast("tuple[M, bool]", _sync.find_or_insert(self._handle(), lambda: find.get_or_none(), new))

    async def aget_or_create(self, /, defaults: Mapping[str, Any] | None = None, **lookups: Any) -> tuple[M, bool]:
        """``get_or_create`` in the async colour."""
        find, _, new = self._find("get_or_create", defaults, None, lookups)
        return cast("tuple[M, bool]", await _async.find_or_insert(self._handle(), lambda: find.aget_or_none(), new))

    def update_or_create(
        self,
        /,
        defaults: Mapping[str, Any] | None = None,
        create_defaults: Mapping[str, Any] | None = None,
        **lookups: Any,
    ) -> tuple[M, bool]:
        """The row that matches, changed to the defaults; or a new one, as ``get_or_create`` makes it.

        Args:
            defaults: the values to set.
            create_defaults: the values of a new row in place of the defaults.
            lookups: what the row is found by.

        Returns:
            The instance, and whether it is new.

        Cost: one round trip, one more to write.
        """
        find, changed, new = self._find("update_or_create", defaults, create_defaults, lookups)
        found = _sync.find_and_change(self._handle(), lambda: find.get_or_none(), changed, new)
        return cast("tuple[M, bool]", found)

    async def aupdate_or_create(
        self,
        /,
        defaults: Mapping[str, Any] | None = None,
        create_defaults: Mapping[str, Any] | None = None,
        **lookups: Any,
    ) -> tuple[M, bool]:
        """``update_or_create`` in the async colour."""
        find, changed, new = self._find("update_or_create", defaults, create_defaults, lookups)
        found = await _async.find_and_change(self._handle(), lambda: find.aget_or_none(), changed, new)
        return cast("tuple[M, bool]", found)

    def _find(
        self,
        verb: str,
        defaults: Mapping[str, Any] | None,
        create_defaults: Mapping[str, Any] | None,
        lookups: dict[str, Any],
    ) -> tuple[QuerySet[M, R], dict[str, Any], Callable[[], M]]:
        """The query of the lookups, the values that change a row, and what makes a new one."""
        schema = schema_of(self._model)
        changed = {schema.field(name).name: value for name, value in (defaults or {}).items()}
        exact = {schema.field(name).name: value for name, value in lookups.items() if "__" not in name}
        added = changed if create_defaults is None else create_defaults
        values = exact | {schema.field(name).name: value for name, value in added.items()}
        given = {name for name, value in values.items() if value is not None}
        asked = {name.partition("__")[0] for name in lookups}
        asked |= {schema.primary_key.name} if "pk" in asked else set()
        warn_of_twins(schema, verb, given & asked)
        return (
            self.filter(**lookups),
            changed,
            lambda: validation.new_instance(self._model, schema, changes.called(values)),
        )

    def _update_ready(self, given: Mapping[str, Any]) -> tuple[Handle, Compiled, Sequence[Any]]:
        self._refuse_sliced_write("update")
        handle = self._handle()
        shape, values = self._bound()
        if not given:
            raise QueryUsageError(f"{self._model.__name__}: update() needs at least one field=value")
        assignments, assigned = assignment_shape(self._model, self._scope(), given)
        return handle, handle.compiled("update", shape, assignments), (*values, *assigned)

    def update(self, /, **values: Any) -> int:
        """Changes all these rows in the store; values are validated, expressions (``F``) are computed there.

        Returns:
            The number of rows that matched.

        Raises:
            ValidationError, DataError, IntegrityError: nothing was written (on stores with transactions).

        Cost: one round trip.
        """
        return cast(int, _sync.run(*self._update_ready(values)))

    async def aupdate(self, /, **values: Any) -> int:
        """``update`` in the async colour."""
        return cast(int, await _async.run(*self._update_ready(values)))

    def _counted(self, number: int) -> tuple[int, dict[str, int]]:
        return number, {self._model.__name__: number} if number else {}

    def delete(self) -> tuple[int, dict[str, int]]:
        """Deletes all these rows; one round trip.

        Returns:
            How many rows went, in all and by model.
        """
        self._refuse_sliced_write("delete")
        return self._counted(_sync.run(*self._ready("delete")))

    async def adelete(self) -> tuple[int, dict[str, int]]:
        """``delete`` in the async colour."""
        self._refuse_sliced_write("delete")
        return self._counted(await _async.run(*self._ready("delete")))

    # ---- looking inside

    def explain(self, *, analyze: bool = False) -> str:
        """Query, plan and native command as text; only ``analyze`` sends it, for the server's own account."""
        handle, compiled, values = self._ready("rows")
        return explain_plan(handle, compiled, values, analyze=analyze)

    def __repr__(self) -> str:
        """The query without its values; nothing is asked, and no store is needed."""
        return f"<QuerySet of {self._model.__name__}: {describe_shape(schema_of(self._model), self._bound()[0])}>"


class Manager(QuerySet[M, M]):
    """Where queries on a model begin: ``Album.objects``. It holds no rows and is never read itself."""

    __slots__ = ()

    def raw(
        self,
        query: str | Sequence[Mapping[str, Any]],
        params: Mapping[str, Any] | Sequence[Any] = (),
        *,
        translations: Mapping[str, str] | None = None,
    ) -> RawQuerySet[M]:
        """The instances of a query in the store's own language: SQL, or a MongoDB pipeline as a list of stages.

        Columns are read as the fields that they are named after; others become attributes. A field without a column is
        read when it is first used, as after ``only()``. Values are not validated.

        Args:
            query: SQL that answers rows, the primary key among its columns; on MongoDB the stages of a pipeline.
            params: the values of ``:name`` in SQL as a dict, of ``:1``, ``:2`` as a list; always bound, never written
                into the text. A list in it stands for ``(a, b)``, as ``in`` takes it. None for a pipeline.
            translations: names of fields by names of columns, for columns with other names.

        Raises:
            FieldError: an unknown field in ``translations``; when read, no column is the primary key's.
            QueryUsageError: (when read) the query or its parameters cannot work.
            NotSupportedError: (when read) the store takes no raw queries.

        Cost: one round trip when it is read.
        """
        return RawQuerySet(self._model, query, params, translations, self._store, self._alias)

    def __iter__(self) -> Iterator[M]:
        raise TypeError(f"{self._model.__name__}.objects is no queryset; read {self._model.__name__}.objects.all()")

    async def alist(self) -> list[M]:
        raise TypeError(f"{self._model.__name__}.objects is no queryset; read {self._model.__name__}.objects.all()")

    def delete(self) -> tuple[int, dict[str, int]]:
        """Refused, so that no table is emptied by accident: ``objects.all().delete()`` says it."""
        raise QueryUsageError(f"{self._model.__name__}.objects.delete() is refused; write objects.all().delete()")

    async def adelete(self) -> tuple[int, dict[str, int]]:
        """Refused as ``delete`` is."""
        return self.delete()

    def __repr__(self) -> str:
        return f"<Manager of {self._model.__name__}>"


class CombinedQuerySet(CombinedRows[M, R], QuerySet[M, R]):
    """What ``union``, ``intersection`` and ``difference`` answer."""

    __slots__ = ()


Chain._plain = QuerySet
CombinedQuerySet._plain = Combining._together = CombinedQuerySet


def assignment_shape(model: Any, scope: Scope, given: Mapping[str, Any]) -> tuple[tuple[Any, ...], list[Any]]:
    """The structure of an update's assignments and their plain values; ``auto_now`` and versions are added.

    Raises:
        FieldError: an unknown field. ValidationError: a value that its field does not accept.
    """
    schema = schema_of(model)
    named = {
        assigned_field(schema, name).name: value.value if isinstance(value, Value) else value
        for name, value in given.items()
    }
    plain = {name: value for name, value in named.items() if not isinstance(value, Combinable | Q)}
    parts = clean_parts(schema, plain) if any("__" in name for name in named) else {}
    refuse_overlaps(schema, named, parts)
    cleaned = validation.clean_values(model, schema, {n: v for n, v in plain.items() if n not in parts}) | parts
    cleaned |= {name: moment for name, moment in changes.moments(schema).items() if name not in named}
    shapes: list[Any] = []
    values: list[Any] = []
    for name, value in (named | cleaned).items():
        if isinstance(value, Combinable | Q):
            shapes.append((name, expression_shape(scope, value, values)))
            continue
        stored = saved.plain_value(schema.by_name.get(name) or assigned_field(schema, name), value)
        shapes.append((name, "null" if stored is None else "value"))
        values.extend([] if stored is None else [stored])
    if schema.version is not None and schema.version.name not in named:
        shapes.append((schema.version.name, ("+", ("F", schema.version.name), ("V", "int"))))
        values.append(1)
    return tuple(shapes), values
