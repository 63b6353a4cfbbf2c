"""Queries within queries, as users write them: ``Exists``, ``Subquery``, ``OuterRef``; and what a queryset gives them.

In a structure a subquery is one ``Rows``, in the values beside it one ``Inner``: the values of its own query, and where
it runs. ``flat`` spreads these out, in the order in which parameters count them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from msgspec import Struct

from polystore.errors import FieldError
from polystore.query.coerce import Coerce
from polystore.query.functions import Combinable, F, Q
from polystore.query.signatures import CASTS
from polystore.schema.model import Schema


class Rows(Struct, frozen=True):
    """The structure of a query within another one; ``single`` when it is a slice of one row."""

    schema: Schema
    shape: tuple[Any, ...]
    single: bool = False


class Inner(Struct, frozen=True, eq=False):
    """A query within another one: its structure, its values, and the model and store that it is of.

    ``coerce`` makes one of its values what a field is compared with, where it stands behind ``in``.
    """

    rows: Rows
    values: tuple[Any, ...]
    model: type[Any]
    store: Any
    alias: str | None
    coerce: Coerce | None = None


class Queried(Protocol):
    """What a queryset is, as far as conditions and expressions know."""

    def _rows_within(self) -> Inner: ...

    def _values_within(self, what: str, *, key: bool) -> Inner: ...


def is_queried(value: Any) -> bool:
    """Whether this is a queryset."""
    return hasattr(type(value), "_values_within")


def flat(values: Sequence[Any]) -> list[Any]:
    """The values with those of all queries within spread out."""
    found: list[Any] = []
    for value in values:
        if value.__class__ is Inner:
            found += flat(value.values)
        else:
            found.append(value)
    return found


def subqueries_in(shape: Any) -> Iterator[Rows]:
    """The subqueries of a structure, not those within them."""
    if shape.__class__ is Rows:
        yield shape
    elif isinstance(shape, tuple):
        for part in shape:
            yield from subqueries_in(part)


def reach(shape: Any) -> int:
    """How many queries further out a structure refers to: 0 for one that can run alone."""
    if shape.__class__ is Rows:
        return max(reach(shape.shape) - 1, 0)
    if not isinstance(shape, tuple):
        return 0
    if len(shape) == 2 and shape[0] == "outer" and isinstance(shape[1], tuple):
        return 1 + reach(shape[1])
    return max(map(reach, shape), default=0)


# ---- what users write


class Exists(Q):
    """Whether the queryset has a row: ``Author.objects.filter(Exists(Book.objects.filter(author=OuterRef("pk"))))``.

    A condition like ``Q``: for ``filter`` and ``exclude``, with ``&``, ``|`` and ``~``, in ``annotate`` and ``When``.

    Args:
        queryset: a queryset of any model; ``OuterRef`` in it refers to the query around it.

    Cost: no round trip of its own where both models are on one store that can do it.
    """

    __slots__ = ("inner",)

    def __init__(self, queryset: Queried, /) -> None:
        _refuse_other("Exists", queryset)
        super().__init__()
        self.inner = queryset._rows_within()
        self.children = (self.inner,)

    def __repr__(self) -> str:
        return f"Exists({self.inner.rows.schema.name})"


class OuterRef(Combinable):
    """A field or annotation of the query around the queryset that it stands in.

    Args:
        name: the name there; another ``OuterRef`` reaches one query further out.
    """

    __slots__ = ("name",)

    def __init__(self, name: str | OuterRef, /) -> None:
        if not isinstance(name, str | OuterRef):
            raise FieldError(f"OuterRef takes the name of a field of the query around, not {name!r}")
        self.name = name

    @property
    def expression(self) -> F | OuterRef:
        """What it is in the query around."""
        return F(self.name) if isinstance(self.name, str) else self.name

    def __repr__(self) -> str:
        return f"OuterRef({self.name!r})"


class Subquery(Combinable):
    """The value of a queryset's first row, NULL when it has none: ``Subquery(books.values("title")[:1])``.

    Args:
        queryset: a queryset of one selected value. It is sliced with ``[:1]``, or has at most one row because its
            filters fix its primary key, a unique field or what its rows are grouped by.
        output_field: a type to cast the value to, as ``Cast`` takes it.

    Raises:
        QueryUsageError: several values are selected, or whole instances.

    Cost: no round trip of its own where both models are on one store that can do it.
    """

    __slots__ = ("inner", "output_field")

    def __init__(self, queryset: Queried, /, output_field: type[Any] | None = None) -> None:
        _refuse_other("Subquery", queryset)
        if output_field is not None and output_field not in CASTS:
            known = ", ".join(python.__name__ for python in CASTS)
            raise FieldError(f"Subquery: output_field is one of {known}, not {output_field!r}")
        self.inner = queryset._values_within("Subquery", key=False)
        self.output_field = output_field

    def __repr__(self) -> str:
        return f"Subquery({self.inner.rows.schema.name})"


def _refuse_other(what: str, given: Any) -> None:
    if not is_queried(given):
        raise FieldError(f"{what} takes a queryset, such as Album.objects.filter(...), not {given!r}")
