"""Querysets put together: ``union``, ``intersection``, ``difference``, and what works on the rows that come of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeAlias

from polystore.api.chain import Chain, M, R
from polystore.api.complete import schema_of
from polystore.api.state import HandleSource, handle_of
from polystore.errors import NotSupportedError, QueryUsageError
from polystore.query.operators import SetOperator
from polystore.query.stages import combined_names

if TYPE_CHECKING:
    from polystore.api.queryset import QuerySet
    from polystore.engine.compiled import Compiled
    from polystore.engine.handle import Handle
    from polystore.query.planner import Terminal

Origin: TypeAlias = "tuple[type[Any], HandleSource | None, str | None]"
"""A model, and on which store its rows are asked for."""


class Combining(Chain[M, R]):
    """A query that can be put together with others."""

    _together: ClassVar[type[Any]]
    """The class of queries that are put together."""

    __slots__ = ()

    def union(self, *others: Chain[Any, Any], all: bool = False) -> QuerySet[M, R]:
        """The rows of this query and of the others, each once; NULL equals NULL.

        Querysets of instances are of one model; ``values()`` and ``values_list()`` may be of several models on one
        store, with as many values of the same kinds, and get this query's names and form. An order within them matters
        where they are sliced. After it come ``order_by`` of what was selected, slices, ``values`` and ``values_list``
        of the combined rows, ``count``, ``exists``, reading and further combinations.

        Args:
            others: querysets.
            all: rows as often as they come.

        Raises:
            QueryUsageError: something that is no queryset, or instances with something else.
            FieldError: rows of different numbers or kinds of values.
            NotSupportedError: (when read) models on different stores.

        Cost: one round trip when read.
        """
        return _combined(self, SetOperator.UNION_ALL if all else SetOperator.UNION, others)

    def intersection(self, *others: Chain[Any, Any]) -> QuerySet[M, R]:
        """The rows of this query that all others have, too, each once; see ``union``."""
        return _combined(self, SetOperator.INTERSECTION, others)

    def difference(self, *others: Chain[Any, Any]) -> QuerySet[M, R]:
        """The rows of this query that no other has, each once; see ``union``."""
        return _combined(self, SetOperator.DIFFERENCE, others)


class CombinedRows(Chain[M, R]):
    """The rows of several querysets: read, ordered by what was selected, sliced, put together with others."""

    __slots__ = ("_operator", "_origins")
    _operator: SetOperator
    _origins: tuple[Origin, ...]

    def _clone(self, shape: tuple[Any, ...], values: tuple[Any, ...]) -> QuerySet[M, R]:
        clone = super()._clone(shape, values)
        assert isinstance(clone, CombinedRows)
        clone._operator, clone._origins = self._operator, self._origins
        return clone

    def using(self, alias: str | HandleSource) -> QuerySet[M, R]:
        clone = super().using(alias)
        assert isinstance(clone, CombinedRows)
        clone._origins = tuple((model, clone._store, clone._alias) for model, _, _ in self._origins)
        return clone

    def _handle(self) -> Handle:
        """The first model on its store, where all others are, too."""
        handle = super()._handle()
        for model, store, alias in self._origins:
            other = handle_of(model, store, alias).connection
            if other is not handle.connection:
                raise NotSupportedError(
                    f"{self._model.__name__}.{self._operator.value}: {handle.schema.name} is on store "
                    f"{handle.connection.label} and {model.__name__} on {other.label}; a store puts only its own rows "
                    "together: read both queries and do it in Python"
                )
        return handle

    def _refuse(self, call: str) -> NoReturn:
        raise NotSupportedError(
            f"{self._model.__name__}: {call} cannot follow {self._operator.value}; order_by(), slices, values(), "
            "count() and reading can, and what narrows rows works on the querysets before they are put together"
        )

    # ---- what combined rows do not know

    def _narrow(self, kind: str, conditions: Any, lookups: Any) -> NoReturn:
        self._refuse(f"{kind}()")

    def _annotated(self, kind: str, positional: Any, expressions: Any) -> NoReturn:
        self._refuse(f"{kind}()")

    def distinct(self, *fields: str) -> NoReturn:
        self._refuse("distinct()")

    def only(self, *names: str) -> NoReturn:
        self._refuse("only()")

    def defer(self, *names: str) -> NoReturn:
        self._refuse("defer()")

    def client(self, *, max_rows: int) -> NoReturn:
        self._refuse("client()")

    def _aggregate_ready(self, aggregates: Any, expressions: Any) -> NoReturn:
        self._refuse("aggregate()")

    def _edge_ready(self, terminal: Terminal, names: tuple[str, ...]) -> NoReturn:
        self._refuse("earliest() or latest()")

    def _containing(self, instance: Any) -> NoReturn:
        self._refuse("contains()")

    def _bulk(self, keys: Any, field_name: str) -> NoReturn:
        self._refuse("in_bulk()")

    def _refuse_sliced_write(self, call: str) -> NoReturn:
        self._refuse(f"{call}()")

    def _get_ready(self, conditions: Any, lookups: Any) -> tuple[Handle, Compiled, Sequence[Any]]:
        if conditions or lookups:
            self._refuse("get() with conditions")
        return self._ready("get")


def _combined(query: Combining[M, R], operator: SetOperator, others: Sequence[Any]) -> QuerySet[M, R]:
    """The querysets put together.

    Raises:
        QueryUsageError: something that is no queryset, or none to put it together with.
        FieldError: rows of different numbers or kinds of values.
    """
    if not others or not all(isinstance(other, Chain) for other in others):
        given = ", ".join(map(repr, others)) or "nothing"
        raise QueryUsageError(f"{query._model.__name__}: {operator.value} takes querysets, not {given}")
    shapes: list[Any] = []
    values: list[Any] = []
    origins: list[Origin] = []
    for part in (query, *others):
        shape, bound = part._bound()
        shapes.append((schema_of(part._model), shape))
        values += bound
        origins += part._origins if isinstance(part, CombinedRows) else [(part._model, part._store, part._alias)]
    made: Any = query._together(query._model, query._store, query._alias)
    made._operator, made._origins = operator, tuple(origins)
    made._shape, made._values = (("combine", operator, tuple(shapes)),), tuple(values)
    made._names = combined_names(schema_of(query._model), made._shape)
    whole: QuerySet[M, R] = made
    return whole
