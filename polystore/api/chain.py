"""What a queryset is made of: a structure (nested tuples), its values (a flat tuple), and the calls that narrow it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, cast, overload

from typing_extensions import TypeVar

from polystore.api.complete import schema_of
from polystore.api.state import HandleSource, handle_of
from polystore.errors import FieldError, QueryUsageError
from polystore.query.functions import Column, Q
from polystore.query.lookups import filter_shape
from polystore.query.planner import Terminal

if TYPE_CHECKING:
    from polystore.api.model import Model
    from polystore.api.queryset import QuerySet
    from polystore.engine.compiled import Compiled
    from polystore.engine.handle import Handle

M = TypeVar("M", bound="Model")
R = TypeVar("R", default=M)

_NONE = ("none",)


class Chain(Generic[M, R]):
    """The structure of a query, and the calls that narrow it; each returns a new one."""

    _plain: ClassVar[type[Any]]
    """The class of narrowed queries: a manager narrows to a plain queryset."""

    __slots__ = ("_alias", "_high", "_low", "_model", "_rows", "_shape", "_store", "_values")

    def __init__(self, model: type[M], store: HandleSource | None = None, alias: str | None = None) -> None:
        self._model = model
        self._store = store
        self._alias = alias
        self._shape: tuple[Any, ...] = ()
        self._values: tuple[Any, ...] = ()
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
        clone._low = self._low
        clone._high = self._high
        clone._rows = None
        return clone

    def _narrow(self, kind: str, conditions: tuple[Q, ...], lookups: dict[str, Any]) -> QuerySet[M, R]:
        self._refuse_slice(f"{kind}()")
        values: list[Any] = []
        clauses = filter_shape(schema_of(self._model), conditions, lookups, values)
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

    def filter(self, *conditions: Q, **lookups: Any) -> QuerySet[M, R]:
        """Rows that fulfil all conditions.

        Args:
            conditions: Q objects and typed comparisons (``Album.id > 3``).
            lookups: ``field__lookup=value``.

        Raises:
            FieldError: an unknown field or lookup, or a value that it does not take.
        """
        return self._narrow("filter", conditions, lookups)

    def exclude(self, *conditions: Q, **lookups: Any) -> QuerySet[M, R]:
        """Rows that do not fulfil all conditions: the exact complement of ``filter``, NULLs included."""
        return self._narrow("exclude", conditions, lookups)

    def order_by(self, *names: str | Column[Any]) -> QuerySet[M, R]:
        """Orders the rows; "-name" descends; NULL is the lowest value. Without names: no order."""
        self._refuse_slice("order_by()")
        plain = tuple(name.name if isinstance(name, Column) else name for name in names)
        schema = schema_of(self._model)
        for name in plain:
            if not isinstance(name, str):
                raise FieldError(f"{schema.name}: order_by takes names of fields, not {name!r}")
            schema.field(name.removeprefix("-"))
        return self._clone((*self._shape, ("order", plain)), self._values)

    def reverse(self) -> QuerySet[M, R]:
        """The order from its other end; without an order nothing changes."""
        self._refuse_slice("reverse()")
        return self._clone((*self._shape, ("reverse",)), self._values)

    def distinct(self) -> QuerySet[M, R]:
        """Each row of the selected values once."""
        self._refuse_slice("distinct()")
        return self._clone((*self._shape, ("distinct",)), self._values)

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

    def values(self, *names: str) -> QuerySet[M, dict[str, Any]]:
        """Dicts of these fields (of all by default) in place of instances."""
        return cast("QuerySet[M, dict[str, Any]]", self._project("values", names))

    @overload
    def values_list(
        self, *names: str, flat: Literal[False] = False, named: bool = False
    ) -> QuerySet[M, tuple[Any, ...]]: ...
    @overload
    def values_list(self, *names: str, flat: Literal[True]) -> QuerySet[M, Any]: ...
    def values_list(self, *names: str, flat: bool = False, named: bool = False) -> QuerySet[M, Any]:
        """Tuples of these fields (of all by default); with ``flat`` just values, with ``named`` namedtuples."""
        if flat and (named or len(names) != 1):
            raise QueryUsageError(f"{self._model.__name__}: values_list(flat=True) takes one field, and no named=True")
        form = "flat" if flat else "named" if named else "tuples"
        return cast("QuerySet[M, Any]", self._project("list", names, form))

    def _project(self, *step: Any) -> Any:
        schema = schema_of(self._model)
        kind, names, *rest = step
        chosen = tuple(schema.field(name).name for name in names)
        return self._clone((*self._shape, (kind, chosen, *rest)), self._values)

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
