"""Which kinds of value functions, aggregates and casts take, and the kind of what they give: one table each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import TypeAlias

from msgspec import Struct

from polystore.query.coerce import allowed_operators
from polystore.query.operators import Aggregate, DatePart, Function, Operator
from polystore.schema.kinds import (
    BoolKind,
    DateKind,
    DateTimeKind,
    DecimalKind,
    DurationKind,
    EnumKind,
    FloatKind,
    IntKind,
    Kind,
    NaiveDateTimeKind,
    TextKind,
    TimeKind,
    UuidKind,
    describe_kind,
    is_container,
    plain_kind,
)

Kinds: TypeAlias = Sequence[Kind | None]
"""The kinds of arguments; None is that of NULL."""
Result: TypeAlias = Callable[[Kinds], Kind]

NUMBERS = (IntKind, FloatKind, DecimalKind)
_INT, _FLOAT, _TEXT, _BOOL = IntKind(), FloatKind(), TextKind(), BoolKind()


class Mismatch(Exception):
    """Kinds that do not go together; the message says what would."""


def common_kind(kinds: Kinds) -> Kind:
    """The kind of a choice between values: theirs where they are alike, float or Decimal for mixed numbers.

    Raises:
        Mismatch: values of different nature, containers, or nothing but NULL.
    """
    some = [kind for kind in kinds if kind is not None]
    if not some:
        raise Mismatch("NULL alone has no type; write Cast(None, int)")
    _refuse_containers(some)
    if all(same_kind(kind, some[0]) for kind in some):
        return some[0]
    plain = [plain_kind(kind) for kind in some]
    if all(isinstance(kind, NUMBERS) for kind in plain):
        return number_kind(plain)
    if any(type(kind) is not type(plain[0]) for kind in plain):
        raise Mismatch(f"{_listed(some)} do not go together")
    match plain[0]:
        case TextKind():
            return _TEXT
        case DateTimeKind():
            return DateTimeKind("us")
        case NaiveDateTimeKind():
            return NaiveDateTimeKind("us")
        case kind:
            return kind


def number_kind(kinds: Kinds) -> Kind:
    """The kind of arithmetic on numbers.

    Raises:
        Mismatch: something that is no number, or a float with a Decimal.
    """
    plain = [plain_kind(kind) for kind in kinds if kind is not None]
    found = {type(kind) for kind in plain}
    if not found or not found.issubset(NUMBERS):
        raise Mismatch(f"it computes with int, float and Decimal, not with {_listed(kinds)}")
    if found >= {FloatKind, DecimalKind}:
        raise Mismatch("float and Decimal do not go together; one is exact, the other is not")
    return DecimalKind() if DecimalKind in found else _FLOAT if FloatKind in found else _INT


def same_kind(left: Kind, right: Kind) -> bool:
    """Whether values of both are the same to users: of one Enum, of one type and size."""
    if isinstance(left, EnumKind) and isinstance(right, EnumKind):
        return left.enum is right.enum
    return left == right


def _refuse_containers(kinds: Sequence[Kind]) -> None:
    for kind in kinds:
        if is_container(kind):
            raise Mismatch(f"it takes single values, not {describe_kind(kind)}")


def _listed(kinds: Kinds) -> str:
    names = dict.fromkeys("NULL" if kind is None else describe_kind(kind) for kind in kinds)
    return " and ".join(names)


# ---- functions


class Signature(Struct, frozen=True):
    """How many arguments a function takes (``most`` None: any number), and the kind of its result."""

    least: int
    most: int | None
    result: Result


def _comparable(kinds: Kinds) -> Kind:
    common_kind(kinds)
    return _given(kinds)


def _given(kinds: Kinds) -> Kind:
    if kinds[0] is None:
        raise Mismatch("NULL alone has no type; write Cast(None, int)")
    return kinds[0]


def _ordered(kinds: Kinds) -> Kind:
    kind = common_kind(kinds)
    if Operator.GT not in allowed_operators(kind):
        raise Mismatch(f"values of {describe_kind(kind)} have no order")
    return kind


def _texts(result: Kind, texts: int | None = None) -> Result:
    """Texts, or so many of them followed by ints."""

    def check(kinds: Kinds) -> Kind:
        for place, kind in enumerate(kinds):
            wanted = TextKind if texts is None or place < texts else IntKind
            if kind is not None and not isinstance(plain_kind(kind), wanted):
                raise Mismatch(f"it takes texts, not {describe_kind(kind)}; Cast(..., str) makes one")
        return result

    return check


def _abs(kinds: Kinds) -> Kind:
    number_kind(kinds)
    return plain_kind(_given(kinds))


def _whole(kinds: Kinds) -> Kind:
    kind = number_kind(kinds[:1])
    return DecimalKind(decimal_places=0) if isinstance(kind, DecimalKind) else kind


def _round(kinds: Kinds) -> Kind:
    return _whole(kinds) if len(kinds) == 1 else number_kind(kinds[:1])


def _real(kinds: Kinds) -> Kind:
    if isinstance(number_kind(kinds), DecimalKind):
        raise Mismatch("its result is a float; a Decimal has to be cast: Cast(..., float)")
    return _FLOAT


def _now(kinds: Kinds) -> Kind:
    return DateTimeKind("us")


SIGNATURES: dict[Function, Signature] = {
    Function.COALESCE: Signature(2, None, common_kind),
    Function.NULLIF: Signature(2, 2, _comparable),
    Function.GREATEST: Signature(2, None, _ordered),
    Function.LEAST: Signature(2, None, _ordered),
    Function.CONCAT: Signature(2, None, _texts(_TEXT)),
    Function.LOWER: Signature(1, 1, _texts(_TEXT)),
    Function.UPPER: Signature(1, 1, _texts(_TEXT)),
    Function.LENGTH: Signature(1, 1, _texts(_INT)),
    Function.TRIM: Signature(1, 1, _texts(_TEXT)),
    Function.LTRIM: Signature(1, 1, _texts(_TEXT)),
    Function.RTRIM: Signature(1, 1, _texts(_TEXT)),
    Function.SUBSTR: Signature(2, 3, _texts(_TEXT, 1)),
    Function.REPLACE: Signature(3, 3, _texts(_TEXT)),
    Function.LEFT: Signature(2, 2, _texts(_TEXT, 1)),
    Function.RIGHT: Signature(2, 2, _texts(_TEXT, 1)),
    Function.ABS: Signature(1, 1, _abs),
    Function.CEIL: Signature(1, 1, _whole),
    Function.FLOOR: Signature(1, 1, _whole),
    Function.ROUND: Signature(1, 2, _round),
    Function.POWER: Signature(2, 2, _real),
    Function.SQRT: Signature(1, 1, _real),
    Function.NOW: Signature(0, 0, _now),
}
"""All but Cast (see ``CASTS``) and Trunc (see ``UNITS``)."""

CASTS: dict[type, tuple[Kind, tuple[type, ...]]] = {
    int: (_INT, (IntKind, FloatKind, DecimalKind, BoolKind, TextKind)),
    float: (_FLOAT, (IntKind, FloatKind, DecimalKind, TextKind)),
    Decimal: (DecimalKind(), (DecimalKind, IntKind, TextKind)),
    str: (_TEXT, (TextKind, IntKind, DecimalKind, UuidKind, DateKind)),
    date: (DateKind(), (DateKind, DateTimeKind, NaiveDateTimeKind)),
}
"""The types that ``Cast`` makes: their kinds, and those that can be cast to them."""

_DAYS = frozenset({DatePart.YEAR, DatePart.QUARTER, DatePart.MONTH, DatePart.WEEK, DatePart.DAY})
_TIMES = frozenset({DatePart.HOUR, DatePart.MINUTE, DatePart.SECOND})
UNITS: dict[type, frozenset[DatePart]] = {
    DateKind: _DAYS,
    DateTimeKind: _DAYS | _TIMES,
    NaiveDateTimeKind: _DAYS | _TIMES,
}
"""The units whose beginning ``Trunc`` finds."""

PARTS: dict[type, frozenset[DatePart]] = {
    DateKind: frozenset(DatePart) - _TIMES - {DatePart.DATE, DatePart.TIME},
    TimeKind: _TIMES,
    DateTimeKind: frozenset(DatePart),
    NaiveDateTimeKind: frozenset(DatePart),
}
"""The parts that values of a kind have."""


# ---- aggregates


def aggregate_kind(aggregate: Aggregate, operand: Kind | None, *, distinct: bool) -> Kind:
    """The kind of an aggregate of values of a kind.

    Raises:
        Mismatch: values that cannot be aggregated so.
    """
    if aggregate is Aggregate.COUNT:
        if operand is not None and distinct:
            _refuse_containers([operand])
        return _INT
    if operand is None:
        raise Mismatch("it takes the values of a field or an expression; only Count counts rows")
    match aggregate:
        case Aggregate.MIN | Aggregate.MAX:
            return _ordered([operand])
        case Aggregate.SUM | Aggregate.AVG if isinstance(plain_kind(operand), DurationKind):
            return DurationKind()
        case Aggregate.SUM:
            kind = number_kind([operand])
            return DecimalKind(decimal_places=_places(operand)) if isinstance(kind, DecimalKind) else kind
        case Aggregate.AVG:
            kind = number_kind([operand])
            return _FLOAT if isinstance(kind, IntKind) else kind
        case _:
            number_kind([operand])
            return _FLOAT


def _places(kind: Kind) -> int | None:
    plain = plain_kind(kind)
    return plain.decimal_places if isinstance(plain, DecimalKind) else None
