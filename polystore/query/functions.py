"""What users build conditions and expressions from: ``Q``, ``F``, ``Value``, ``Case`` and their operators.

These objects only keep what they were given. ``shapes`` takes them apart into structure and values. Functions stand
in ``calls``, aggregates in ``aggregates``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Generic, Literal, TypeAlias, TypeVar, overload

from polystore.errors import DataError, FieldError
from polystore.schema.kinds import INT64_MAX, INT64_MIN

T = TypeVar("T")
E = TypeVar("E")

Clause: TypeAlias = Any
"""A clause of a filter: (lookup name, value) or a Q."""


class Q:
    """Conditions joined by AND or OR, possibly negated: ``Q(title="x") | ~Q(artist=None)``.

    Args:
        conditions: other Q objects, joined by AND with the rest; a ``Q()`` says nothing and is left out.
        lookups: ``field__lookup=value``.
    """

    __slots__ = ("children", "connector", "negated")

    def __init__(self, /, *conditions: Q, **lookups: Any) -> None:
        for condition in conditions:
            if not isinstance(condition, Q):
                raise FieldError(f"Q takes Q objects and field__lookup=value, not {condition!r}")
        self.connector = "AND"
        self.negated = False
        said = (condition for condition in conditions if condition.children)
        self.children: tuple[Clause, ...] = (*said, *lookups.items())

    def __and__(self, other: Q) -> Q:
        return _joined("AND", self, other)

    def __or__(self, other: Q) -> Q:
        return _joined("OR", self, other)

    def __xor__(self, other: Q) -> Q:
        return (self | other) & ~(self & other)

    def __invert__(self) -> Q:
        return _made("AND", True, (self,)) if self.children else self

    def __bool__(self) -> bool:
        raise TypeError("a condition has no truth value here; combine conditions with &, | and ~")

    def __repr__(self) -> str:
        joined = f" {self.connector} ".join(
            repr(child) if isinstance(child, Q) else f"{child[0]}={child[1]!r}" for child in self.children
        )
        return f"{'~' if self.negated else ''}Q({joined})"


def _made(connector: str, negated: bool, children: tuple[Clause, ...]) -> Q:
    condition = Q()
    condition.connector, condition.negated, condition.children = connector, negated, children
    return condition


def _joined(connector: str, left: Q, right: Q) -> Q:
    if not isinstance(right, Q):
        return NotImplemented
    if not left.children:
        return right
    if not right.children:
        return left
    return _made(connector, False, (left, right))


class Combinable:
    """An expression: arithmetic can be done on it, and rows can be ordered by it."""

    __slots__ = ()

    def __add__(self, other: Any) -> Combined:
        return Combined("+", self, other)

    def __radd__(self, other: Any) -> Combined:
        return Combined("+", other, self)

    def __sub__(self, other: Any) -> Combined:
        return Combined("-", self, other)

    def __rsub__(self, other: Any) -> Combined:
        return Combined("-", other, self)

    def __mul__(self, other: Any) -> Combined:
        return Combined("*", self, other)

    def __rmul__(self, other: Any) -> Combined:
        return Combined("*", other, self)

    def __truediv__(self, other: Any) -> Combined:
        return Combined("/", self, other)

    def __rtruediv__(self, other: Any) -> Combined:
        return Combined("/", other, self)

    def __mod__(self, other: Any) -> Combined:
        return Combined("%", self, other)

    def __rmod__(self, other: Any) -> Combined:
        return Combined("%", other, self)

    def asc(self, *, nulls_first: bool = False, nulls_last: bool = False) -> Ordering:
        """Ascending, for ``order_by``; NULL comes first unless ``nulls_last`` is said."""
        return Ordering(self, False, _end_of_nulls(nulls_first, nulls_last))

    def desc(self, *, nulls_first: bool = False, nulls_last: bool = False) -> Ordering:
        """Descending, for ``order_by``; NULL comes last unless ``nulls_first`` is said."""
        return Ordering(self, True, _end_of_nulls(nulls_first, nulls_last))


class Ordering:
    """A term of ``order_by``: an expression, its direction, the end at which NULL comes."""

    __slots__ = ("descending", "expression", "nulls")

    def __init__(self, expression: Combinable, descending: bool, nulls: Literal["first", "last"] | None) -> None:
        self.expression, self.descending, self.nulls = expression, descending, nulls

    def __repr__(self) -> str:
        nulls = f"nulls_{self.nulls}=True" if self.nulls else ""
        return f"{self.expression!r}.{'desc' if self.descending else 'asc'}({nulls})"


def _end_of_nulls(first: bool, last: bool) -> Literal["first", "last"] | None:
    if first and last:
        raise FieldError("NULLs come first or last; say nulls_first=True or nulls_last=True")
    return "first" if first else "last" if last else None


class F(Combinable):
    """The value of a field or an annotation, read in the store: ``update(plays=F("plays") + 1)``."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"F({self.name!r})"


class Value(Combinable):
    """A value as an expression, where a text would be taken for a field's name: ``Concat("name", Value("!"))``."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"Value({self.value!r})"


class Combined(Combinable):
    """Arithmetic between two expressions or an expression and a number."""

    __slots__ = ("left", "operator", "right")

    def __init__(self, operator: str, left: Any, right: Any) -> None:
        self.operator, self.left, self.right = operator, _operand(left), _operand(right)

    def __repr__(self) -> str:
        return f"({self.left!r} {self.operator} {self.right!r})"


def _operand(side: Any) -> Any:
    """A side of an arithmetic expression: an expression, or a number that a field could hold."""
    match side:
        case Combinable():
            return side
        case int() if not isinstance(side, bool):
            if not INT64_MIN <= side <= INT64_MAX:
                raise DataError(f"arithmetic takes ints between -2**63 and 2**63 - 1, not {side!r}")
            return int(side)
        case float() if not math.isnan(side):
            return float(side)
        case Decimal() if side.is_finite():
            return Decimal(side)
        case _:
            raise TypeError(f"arithmetic takes F, int, float and Decimal, not {side!r}")


class When:
    """A branch of ``Case``: ``When(plays__gt=100, then=Value("hit"))``.

    Args:
        conditions: Q objects and typed comparisons.
        then: an expression, the name of a field, or a value (a text as ``Value("text")``).
        lookups: ``field__lookup=value``.
    """

    __slots__ = ("condition", "then")

    def __init__(self, /, *conditions: Q, then: Any, **lookups: Any) -> None:
        if not conditions and not lookups:
            raise FieldError("When needs a condition; what else holds goes to Case(..., default=...)")
        self.condition = Q(*conditions, **lookups)
        self.then = then

    def __repr__(self) -> str:
        return f"When({self.condition!r}, then={self.then!r})"


class Case(Combinable):
    """The value of the first branch whose condition is true, else ``default`` (NULL when none is given).

    Args:
        branches: ``When`` objects.
        default: an expression, the name of a field, or a value (a text as ``Value("text")``).
    """

    __slots__ = ("branches", "default")

    def __init__(self, *branches: When, default: Any = None) -> None:
        if not branches or not all(isinstance(branch, When) for branch in branches):
            raise FieldError(f"Case takes When(...) branches, at least one, not {branches!r}")
        self.branches, self.default = branches, default

    def __repr__(self) -> str:
        return f"Case({', '.join(map(repr, self.branches))}, default={self.default!r})"


class Column(F, Generic[T]):
    """A field as seen on the model's class: ``Album.title.icontains("rock")``, ``Album.id > 3``.

    Comparing gives a ``Q`` for ``filter``; arithmetic gives an expression as ``F`` does. The names are the lookups'.
    """

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]  # == builds a condition

    def __eq__(self, other: object) -> Q:  # type: ignore[override]  # a condition, as the field's users expect
        return Q(**{self.name: other})

    def __ne__(self, other: object) -> Q:  # type: ignore[override]  # a condition
        return ~Q(**{self.name: other})

    def __gt__(self, other: T | F) -> Q:
        return Q(**{f"{self.name}__gt": other})

    def __ge__(self, other: T | F) -> Q:
        return Q(**{f"{self.name}__gte": other})

    def __lt__(self, other: T | F) -> Q:
        return Q(**{f"{self.name}__lt": other})

    def __le__(self, other: T | F) -> Q:
        return Q(**{f"{self.name}__lte": other})

    def in_(self, values: Iterable[T]) -> Q:
        """The value is one of these; None among them is left out."""
        return Q(**{f"{self.name}__in": values})

    def range(self, low: T, high: T) -> Q:
        """The value lies between the two, both included."""
        return Q(**{f"{self.name}__range": (low, high)})

    def isnull(self, null: bool = True) -> Q:
        """The value is NULL, or with False is not."""
        return Q(**{f"{self.name}__isnull": null})

    def iexact(self: Column[str] | Column[str | None], value: str) -> Q:
        """Equal without regard to case (Unicode simple case folding)."""
        return Q(**{f"{self.name}__iexact": value})

    @overload
    def contains(self: Column[str] | Column[str | None], value: str) -> Q: ...
    @overload
    def contains(self: Column[list[E]] | Column[list[E] | None], value: list[E]) -> Q: ...
    @overload
    def contains(self: Column[list[E]] | Column[list[E] | None], value: E) -> Q: ...
    def contains(self: Column[Any], value: Any) -> Q:
        """The text contains this one; the list holds this element, or all of these."""
        return Q(**{f"{self.name}__contains": value})

    def contained_by(self: Column[list[E]] | Column[list[E] | None], values: list[E]) -> Q:
        """The list holds no other elements than these."""
        return Q(**{f"{self.name}__contained_by": values})

    def overlap(self: Column[list[E]] | Column[list[E] | None], values: list[E]) -> Q:
        """The list holds at least one of these elements."""
        return Q(**{f"{self.name}__overlap": values})

    def has_key(self, key: str) -> Q:
        """The dict or JSON object has the key."""
        return Q(**{f"{self.name}__has_key": key})

    def has_keys(self, keys: Iterable[str]) -> Q:
        """The dict or JSON object has all of the keys."""
        return Q(**{f"{self.name}__has_keys": keys})

    def has_any_keys(self, keys: Iterable[str]) -> Q:
        """The dict or JSON object has at least one of the keys."""
        return Q(**{f"{self.name}__has_any_keys": keys})

    def icontains(self: Column[str] | Column[str | None], value: str) -> Q:
        """The text contains this one without regard to case."""
        return Q(**{f"{self.name}__icontains": value})

    def startswith(self: Column[str] | Column[str | None], value: str) -> Q:
        """The text begins with this one."""
        return Q(**{f"{self.name}__startswith": value})

    def istartswith(self: Column[str] | Column[str | None], value: str) -> Q:
        """The text begins with this one without regard to case."""
        return Q(**{f"{self.name}__istartswith": value})

    def endswith(self: Column[str] | Column[str | None], value: str) -> Q:
        """The text ends with this one."""
        return Q(**{f"{self.name}__endswith": value})

    def iendswith(self: Column[str] | Column[str | None], value: str) -> Q:
        """The text ends with this one without regard to case."""
        return Q(**{f"{self.name}__iendswith": value})

    def regex(self: Column[str] | Column[str | None], pattern: str) -> Q:
        """A portable regular expression matches somewhere in the text."""
        return Q(**{f"{self.name}__regex": pattern})

    def iregex(self: Column[str] | Column[str | None], pattern: str) -> Q:
        """As ``regex`` without regard to case."""
        return Q(**{f"{self.name}__iregex": pattern})

    def __repr__(self) -> str:
        return f"Column({self.name!r})"
