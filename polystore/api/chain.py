"""What a queryset is made of: a structure (nested tuples), its values (a flat tuple), and the calls that narrow it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, cast, overload

from typing_extensions import TypeVar

from polystore.api.complete import schema_of
from polystore.api.state import HandleSource, handle_of
from polystore.errors import FieldError, QueryUsageError
from polystore.query.aggregates import Aggregation
from polystore.query.annotating import annotation_items, named
from polystore.query.calls import Extract, Trunc
from polystore.query.functions import Column, Combinable, F, Ordering, Q
from polystore.query.locks import lock_step
from polystore.query.lookups.paths import find_field
from polystore.query.names import Names, Scope
from polystore.query.planner import Terminal
from polystore.query.shapes import filter_shape, order_shape
from polystore.query.subqueries import Inner, Rows
from polystore.query.within import selected
from polystore.schema.kinds import DateKind, DateTimeKind, NaiveDateTimeKind, describe_kind

if TYPE_CHECKING:
    from datetime import date, datetime, tzinfo

    from polystore.api.model import Model
    from polystore.api.queryset import QuerySet
    from polystore.engine.compiled import Compiled
    from polystore.engine.handle import Handle

M = TypeVar("M", bound="Model")
R = TypeVar("R", default=M)
T1 = TypeVar("T1")
T2 = TypeVar("T2")
T3 = TypeVar("T3")

_NONE = ("none",)
_DATETIMES = (DateTimeKind, NaiveDateTimeKind)


class Chain(Generic[M, R]):
    """The structure of a query, and the calls that narrow it; each returns a new one."""

    _plain: ClassVar[type[Any]]
    """The class of narrowed queries: a manager narrows to a plain queryset."""

    __slots__ = ("_alias", "_high", "_low", "_model", "_names", "_rows", "_shape", "_store", "_values")

    def __init__(self, model: type[M], store: HandleSource | None = None, alias: str | None = None) -> None:
        self._model = model
        self._store = store
        self._alias = alias
        self._shape: tuple[Any, ...] = ()
        self._values: tuple[Any, ...] = ()
        self._names: Names | None = None
        self._low = 0
        self._high: int | None = None
        self._rows: list[R] | None = None

    # ---- chaining

    def _clone(self, shape: tuple[Any, ...], values: tuple[Any, ...]) -> QuerySet[M, R]:
        clone: QuerySet[M, R] = object.__new__(self._plain)
        clone._model = self._model
        clone._store = self._store
        clone._alias = self._alias
        clone._shape = shape
        clone._values = values
        clone._names = self._names
        clone._low = self._low
        clone._high = self._high
        clone._rows = None
        return clone

    def _narrow(self, kind: str, conditions: tuple[Q, ...], lookups: dict[str, Any]) -> QuerySet[M, R]:
        self._refuse_slice(f"{kind}()")
        values: list[Any] = []
        clauses = filter_shape(self._names or schema_of(self._model), conditions, lookups, values)
        steps = ((kind, clauses),) if clauses else ()
        return self._clone((*self._shape, *steps), (*self._values, *values))

    def _refuse_slice(self, call: str) -> None:
        if self._low or self._high is not None:
            raise QueryUsageError(f"{self._model.__name__}: {call} cannot follow a slice; slice last")

    def _refuse_sliced_write(self, call: str) -> None:
        if self._low or self._high is not None:
            raise QueryUsageError(
                f"{self._model.__name__}: {call}() works on filtered rows, not on a slice; filter by key instead"
            )

    def filter(self, /, *conditions: Q, **lookups: Any) -> QuerySet[M, R]:
        """Rows that fulfil all conditions.

        Args:
            conditions: Q objects and typed comparisons (``Album.id > 3``).
            lookups: ``field__lookup=value``.

        Raises:
            FieldError: an unknown field or lookup, or a value that it does not take.
        """
        return self._narrow("filter", conditions, lookups)

    def exclude(self, /, *conditions: Q, **lookups: Any) -> QuerySet[M, R]:
        """Rows that do not fulfil all conditions: the exact complement of ``filter``, NULLs included."""
        return self._narrow("exclude", conditions, lookups)

    def order_by(self, *terms: str | Combinable | Ordering) -> QuerySet[M, R]:
        """Orders the rows by fields, annotations and expressions; NULL is the lowest value. Without terms: no order.

        Args:
            terms: names ("-name" descends), typed columns, expressions, ``F("name").desc(nulls_last=True)``.

        Raises:
            FieldError: an unknown name, or values that have no order.
        """
        self._refuse_slice("order_by()")
        values = [*self._values]
        scope = self._scope()
        shapes = tuple(order_shape(scope, term, values) for term in terms)
        return self._clone((*self._shape, ("order", shapes)), tuple(values))

    def annotate(self, /, *aggregates: Aggregation, **expressions: Combinable | Q) -> QuerySet[M, R]:
        """Adds computed values to the rows: attributes of instances, entries of ``values()``.

        An aggregate makes groups of what ``values()`` selects: ``values("genre").annotate(n=Count("*"))``.

        Args:
            aggregates: aggregates that are named by their field (``total__sum``).
            expressions: by name; each may name the ones before it.

        Raises:
            FieldError: a name that is taken or cannot be one, kinds that do not go together.
        """
        return self._annotated("annotate", aggregates, expressions)

    def alias(self, /, *aggregates: Aggregation, **expressions: Combinable | Q) -> QuerySet[M, R]:
        """As ``annotate`` for values that are filtered and ordered by, and not read."""
        return self._annotated("alias", aggregates, expressions)

    def _annotated(self, kind: str, positional: tuple[Any, ...], expressions: dict[str, Any]) -> QuerySet[M, R]:
        self._refuse_slice(f"{kind}()")
        scope = self._scope()
        found = named(scope, positional, expressions)
        for name in found:
            if hasattr(self._model, name):
                raise FieldError(f"{scope.name}.{name} means something else already; give the annotation another name")
        if not found:
            return self._clone(self._shape, self._values)
        values = [*self._values]
        items, names = annotation_items(scope, found, values, kind)
        clone = self._clone((*self._shape, (kind, items)), tuple(values))
        clone._names = names
        return clone

    def _scope(self) -> Scope:
        return self._names or schema_of(self._model)

    def reverse(self) -> QuerySet[M, R]:
        """The order from its other end; without an order nothing changes."""
        self._refuse_slice("reverse()")
        return self._clone((*self._shape, ("reverse",)), self._values)

    def distinct(self, *fields: str) -> QuerySet[M, R]:
        """Each row of the selected values once; with ``fields`` the first row for each combination of their values.

        Args:
            fields: names of fields and annotations, with which ``order_by`` begins; what follows in the order says
                which row comes first. Without ``order_by`` these fields are the order.

        Raises:
            FieldError: an unknown name; when read, an order that begins with something else.
        """
        self._refuse_slice("distinct()")
        names = (self._scope().field(name).name for name in fields)
        return self._clone((*self._shape, ("distinct", *names)), self._values)

    def only(self, *names: str) -> QuerySet[M, R]:
        """Loads just these fields and the key; another one is read when it is first used (blocking code only)."""
        schema = schema_of(self._model)
        chosen = tuple(schema.field(name).name for name in names)
        return self._clone((*self._shape, ("only", chosen)), self._values)

    def defer(self, *names: str) -> QuerySet[M, R]:
        """Loads all fields but these (and but those left out before); see ``only``."""
        schema = schema_of(self._model)
        left_out = {schema.field(name).name for name in names}
        loaded = next((step[1] for step in reversed(self._shape) if step[0] == "only"), tuple(schema.by_name))
        return self.only(*(name for name in loaded if name not in left_out))

    def values(self, /, *names: str, **expressions: Combinable | Q) -> QuerySet[M, dict[str, Any]]:
        """Dicts of these fields and annotations (of all by default) in place of instances.

        Args:
            names: of fields and annotations.
            expressions: further values by name, as ``annotate`` takes them.
        """
        return cast("QuerySet[M, dict[str, Any]]", self._project("values", names, expressions))

    @overload
    def values_list(self, first: Column[T1], /, *, flat: Literal[True]) -> QuerySet[M, T1]: ...
    @overload
    def values_list(
        self, first: Column[T1], /, *, flat: Literal[False] = False, named: bool = False
    ) -> QuerySet[M, tuple[T1]]: ...
    @overload
    def values_list(
        self, first: Column[T1], second: Column[T2], /, *, flat: Literal[False] = False, named: bool = False
    ) -> QuerySet[M, tuple[T1, T2]]: ...
    @overload
    def values_list(
        self,
        first: Column[T1],
        second: Column[T2],
        third: Column[T3],
        /,
        *,
        flat: Literal[False] = False,
        named: bool = False,
    ) -> QuerySet[M, tuple[T1, T2, T3]]: ...
    @overload
    def values_list(
        self, *names: str | Combinable | Q, flat: Literal[False] = False, named: bool = False
    ) -> QuerySet[M, tuple[Any, ...]]: ...
    @overload
    def values_list(self, *names: str | Combinable | Q, flat: Literal[True]) -> QuerySet[M, Any]: ...
    def values_list(self, *names: str | Combinable | Q, flat: bool = False, named: bool = False) -> QuerySet[M, Any]:
        """Tuples of these fields, annotations and expressions (of all fields by default).

        Args:
            names: names, typed columns, and expressions, which are called by their place (``value1``) where names are
                needed. Of up to three typed columns (``Album.title``) checkers know the types.
            flat: just values in place of tuples; needs exactly one name.
            named: namedtuples in place of tuples.
        """
        if flat and (named or len(names) != 1):
            raise QueryUsageError(f"{self._model.__name__}: values_list(flat=True) takes one field, and no named=True")
        form = "flat" if flat else "named" if named else "tuples"
        said = [name.name if isinstance(name, F) and type(name) in (F, Column) else name for name in names]
        chosen = [name if isinstance(name, str) else f"value{place}" for place, name in enumerate(said, 1)]
        expressions = {name: given for name, given in zip(chosen, said, strict=True) if not isinstance(given, str)}
        return cast("QuerySet[M, Any]", self._project("list", chosen, expressions, form))

    def _project(self, kind: str, names: Sequence[str], expressions: Mapping[str, Any], *form: str) -> Any:
        """Annotates with the expressions, then selects the names and the expressions that are not among them."""
        query = self._annotated("annotate", (), dict(expressions)) if expressions else self
        scope = query._scope()
        every = (*names, *(name for name in expressions if name not in names))
        chosen = tuple(find_field(scope, name).name for name in every)
        return query._clone((*query._shape, (kind, chosen, *form)), query._values)

    def dates(self, field: str, unit: str, order: Literal["ASC", "DESC"] = "ASC") -> QuerySet[M, date]:
        """The first days of the units in which rows have a date or datetime, each once.

        Args:
            field: a date or a datetime; rows where it is NULL are left out.
            unit: "year", "quarter", "month", "week" or "day".
            order: "ASC" or "DESC".

        Raises:
            FieldError: another kind of field, unit or order.
        """
        timed = self._dated(field, "dates()", DateKind, *_DATETIMES)
        return self._beginnings(field, Trunc(Extract(field, "date") if timed else field, unit), order)

    def datetimes(
        self, field: str, unit: str, order: Literal["ASC", "DESC"] = "ASC", *, tzinfo: tzinfo | None = None
    ) -> QuerySet[M, datetime]:
        """The beginnings of the units in which rows have a datetime, each once; by UTC or by the clocks of ``tzinfo``.

        Args:
            field: a datetime; rows where it is NULL are left out.
            unit: "year", "quarter", "month", "week", "day", "hour", "minute" or "second".
            order: "ASC" or "DESC".
            tzinfo: a ``zoneinfo.ZoneInfo``.

        Raises:
            FieldError: another kind of field, unit or order.
        """
        self._dated(field, "datetimes()", *_DATETIMES)
        return self._beginnings(field, Trunc(field, unit, tzinfo=tzinfo), order)

    def _dated(self, name: str, call: str, *kinds: type) -> bool:
        """Whether the field has a time of day; refuses fields that are of none of the kinds."""
        field = find_field(self._scope(), name)
        if not isinstance(field.kind, kinds):
            raise FieldError(f"{field.label} is {describe_kind(field.kind)}: {call} does not take it")
        return isinstance(field.kind, _DATETIMES)

    def _beginnings(self, field: str, beginning: Trunc, order: str) -> QuerySet[M, Any]:
        if order not in ("ASC", "DESC"):
            raise FieldError(f'{self._model.__name__}: order is "ASC" or "DESC", not {order!r}')
        found = self.filter(**{f"{field}__isnull": False}).values_list(beginning, flat=True).distinct()
        return found.order_by("value1" if order == "ASC" else "-value1")

    def select_for_update(
        self,
        nowait: bool = False,
        skip_locked: bool = False,
        of: Iterable[str] = (),
        no_key: bool = False,
    ) -> QuerySet[M, R]:
        """Locks the rows that are read, until the transaction ends; others that want to lock or change them wait.

        Args:
            nowait: rows that others have locked are an error at once.
            skip_locked: rows that others have locked are left out.
            of: what to lock of all that is read; ``"self"`` is the model.
            no_key: others may still refer to the rows (PostgreSQL).

        Raises:
            QueryUsageError: options that contradict each other; (when read) a count, groups, or distinct rows.
            TransactionManagementError: (when read) there is no transaction.
            NotSupportedError: (when read) the store locks no rows.
        """
        step = lock_step(self._model.__name__, nowait, skip_locked, of, no_key)
        return self._clone((*self._shape, step), self._values)

    def none(self) -> QuerySet[M, R]:
        """No rows, without asking the store."""
        return self._clone((*self._shape, _NONE), self._values)

    def all(self) -> QuerySet[M, R]:
        """The same rows, to be read anew."""
        return self._clone(self._shape, self._values)

    def using(self, alias: str | HandleSource) -> QuerySet[M, R]:
        """The same query on another configured store (by its name), or on another Store."""
        clone = self._clone(self._shape, self._values)
        if isinstance(alias, str):
            clone._alias = alias
        elif hasattr(alias, "handle"):
            clone._store, clone._alias = alias, None
        else:
            raise QueryUsageError(f"{self._model.__name__}: using() takes a store's name or a Store, not {alias!r}")
        return clone

    def client(self, *, max_rows: int) -> QuerySet[M, R]:
        """What follows runs here, in Python, on at most ``max_rows`` rows of what comes before.

        Raises:
            QueryTooBroad: (when read) more rows than that; never a truncated answer.
        """
        self._refuse_slice("client()")
        if type(max_rows) is not int or max_rows < 1:
            raise QueryUsageError(f"{self._model.__name__}: client() takes max_rows >= 1, not {max_rows!r}")
        if any(step[0] == "client" for step in self._shape):
            raise QueryUsageError(f"{self._model.__name__}: client() stands once in a query")
        return self._clone((*self._shape, ("client", max_rows)), self._values)

    # ---- within other queries

    def _rows_within(self) -> Inner:
        """This query as one whose rows another query asks about."""
        return self._within(self._bound()[0], single=False)

    def _values_within(self, what: str, *, key: bool) -> Inner:
        """This query as one whose only value another query takes."""
        shape = selected(schema_of(self._model), self._bound()[0], what, key=key)
        return self._within(shape, single=not key and self._high is not None and self._high - self._low == 1)

    def _within(self, shape: tuple[Any, ...], *, single: bool) -> Inner:
        rows = Rows(schema_of(self._model), shape, single)
        return Inner(rows, self._bound()[1], self._model, self._store, self._alias)

    # ---- planning

    def _handle(self) -> Handle:
        return handle_of(self._model, self._store, self._alias)

    def _bound(self) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Structure and values, the slice among them."""
        low, high = self._low, self._high
        if high is None:
            if not low:
                return self._shape, self._values
            return (*self._shape, ("slice", True, False)), (*self._values, low)
        if high <= low:
            return (*self._shape, _NONE), self._values
        if low:
            return (*self._shape, ("slice", True, True)), (*self._values, low, high - low)
        return (*self._shape, ("slice", False, True)), (*self._values, high)

    def _ready(self, terminal: Terminal) -> tuple[Handle, Compiled, Sequence[Any]]:
        handle = self._handle()
        shape, values = self._bound()
        return handle, handle.compiled(terminal, shape), values

    def _slice(self, start: int, stop: int | None) -> QuerySet[M, R]:
        clone = self._clone(self._shape, self._values)
        if stop is not None:
            high = self._low + stop
            clone._high = high if self._high is None else min(self._high, high)
        clone._low = self._low + start
        if clone._high is not None:
            clone._low = min(clone._low, clone._high)
        return clone
