"""Expressions of a family of values: leaves, choices, functions and arithmetic within each other.

Their places are called as their families; what can stand in each of them is in the place ``choice``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from polystore import (
    Abs,
    Cast,
    Ceil,
    Coalesce,
    Concat,
    Extract,
    F,
    Floor,
    Greatest,
    Least,
    Left,
    Length,
    Lower,
    LTrim,
    NullIf,
    OuterRef,
    Power,
    Replace,
    Right,
    Round,
    RTrim,
    Sqrt,
    Substr,
    Trim,
    Trunc,
    Upper,
    Value,
)
from polystore.query.capabilities import Feature
from polystore.query.operators import ArithmeticOperator, DatePart, Function
from polystore.testing.drawing.families import DAY_PARTS, FAMILIES, TIME_PARTS
from polystore.testing.drawing.grammar import CONSTRUCTS, Grammar, construct, drawn

_WIDER = {"decimal": ("decimal", "decimal", "int"), "float": ("float", "float", "int"), "rough": ("float",)}
"""Families whose values stand in an expression of another one, too."""
READ = ["int", "int", "float", "rough", "decimal", "decimal", "text", "text", "date", "moment", "wall", "time", "bool"]
"""The families of what is computed and read."""
_ZONES = [ZoneInfo(name) for name in ("Europe/Berlin", "America/St_Johns", "Pacific/Apia")]
_DAY_UNITS = ("year", "quarter", "month", "week", "day")
_TIME_UNITS = ("hour", "minute", "second")


def leaf(grammar: Grammar, family: str) -> Any:
    """The value of a field or annotation, or a value."""
    family = grammar.pick(_WIDER.get(family, (family,)))
    if grammar.around and grammar.chance(0.3):
        outer = _of_a_row_around(grammar, family)
        if outer is not None:
            return outer
    names = grammar.named([family])
    if names and (family in ("address", "site") or grammar.chance(0.75)):
        return F(grammar.pick(names))
    return Value(grammar.value(family))


def _of_a_row_around(grammar: Grammar, family: str) -> OuterRef | None:
    """A field or annotation of one of the queries around."""
    depth = grammar.dice.randrange(len(grammar.around))
    names = [name for name, known in grammar.around[depth].items() if known == family]
    if not names or not grammar.use(Feature.SUBQUERIES):
        return None
    found = OuterRef(grammar.pick(names))
    for _ in range(depth):
        found = OuterRef(found)
    return found


def computed(grammar: Grammar, family: str, depth: int) -> Any:
    """A function, a choice or arithmetic of this family; a leaf where the store has none."""
    if depth < 1:
        return leaf(grammar, family)
    places = ["choice", *([family, family] if CONSTRUCTS[family] else [])]
    made = drawn(grammar, grammar.pick(places), family, depth - 1)
    return leaf(grammar, family) if made is None else made


def expression(grammar: Grammar, family: str, depth: int = 2) -> Any:
    """An expression of this family, of functions within functions at most so deep."""
    return leaf(grammar, family) if grammar.chance(0.3) else computed(grammar, family, depth)


def operand(grammar: Grammar, families: Sequence[str]) -> tuple[Any, str]:
    """What something is computed of, and its family: the name of a field or annotation, or an expression."""
    names = grammar.named(families)
    if not names:
        return leaf(grammar, families[0]), families[0]
    name = grammar.pick(names)
    family = grammar.names[name]
    if grammar.chance(0.25) and grammar.use(Feature.COMPUTED):
        return expression(grammar, family, 1), family
    return name, family


def numbers(grammar: Grammar) -> list[str]:
    """The families that are added up: floats where none of them is so large that it swallows others."""
    return ["int", "decimal", *(["float"] if grammar.pools.tame else [])]


def ordered(grammar: Grammar) -> list[str]:
    """The families of which there is a least value."""
    known = [name for name, family in FAMILIES.items() if family.ordered and name != "whole"]
    return [name for name in known if name != "bytes" or grammar.may(Feature.ORDER_BYTES)]


# ---- choices


@construct("choice", 3, Function.COALESCE)
def _coalesce(grammar: Grammar, family: str, depth: int) -> Any:
    rest = [expression(grammar, family, depth) for _ in range(grammar.pick([1, 1, 2]))]
    return Coalesce(expression(grammar, family, depth), *rest)


@construct("choice", 2, Function.NULLIF)
def _null_if(grammar: Grammar, family: str, depth: int) -> Any:
    return NullIf(expression(grammar, family, depth), leaf(grammar, family))


@construct("choice", 2, Function.GREATEST)
def _greatest(grammar: Grammar, family: str, depth: int) -> Any:
    return _extreme(grammar, Greatest, family, depth)


@construct("choice", 2, Function.LEAST)
def _least(grammar: Grammar, family: str, depth: int) -> Any:
    return _extreme(grammar, Least, family, depth)


def _extreme(grammar: Grammar, extreme: Any, family: str, depth: int) -> Any:
    if not FAMILIES[family].ordered or (family == "bytes" and not grammar.use(Feature.ORDER_BYTES)):
        return leaf(grammar, family)
    options = {"ignore_nulls": True} if grammar.chance(0.2) and grammar.use(Function.COALESCE) else {}
    return extreme(expression(grammar, family, depth), expression(grammar, family, depth), **options)


# ---- texts

for _weight, _function, _call in (
    (3, Function.LOWER, Lower),
    (3, Function.UPPER, Upper),
    (1, Function.TRIM, Trim),
    (1, Function.LTRIM, LTrim),
    (1, Function.RTRIM, RTrim),
):
    construct("text", _weight, _function)(
        lambda grammar, family, depth, call=_call: call(expression(grammar, family, depth))
    )


@construct("text", 2, Function.SUBSTR)
def _substr(grammar: Grammar, family: str, depth: int) -> Any:
    return Substr(expression(grammar, family, depth), grammar.pick([1, 2, 9]), grammar.pick([None, 0, 1, 3]))


@construct("text", 1, Function.LEFT)
def _left(grammar: Grammar, family: str, depth: int) -> Any:
    return Left(expression(grammar, family, depth), grammar.pick([0, 1, 2]))


@construct("text", 1, Function.RIGHT)
def _right(grammar: Grammar, family: str, depth: int) -> Any:
    return Right(expression(grammar, family, depth), grammar.pick([0, 1, 2]))


@construct("text", 2, Function.REPLACE)
def _replace(grammar: Grammar, family: str, depth: int) -> Any:
    return Replace(expression(grammar, family, depth), leaf(grammar, family), leaf(grammar, family))


@construct("text", 3, Function.CONCAT)
def _concat(grammar: Grammar, family: str, depth: int) -> Any:
    return Concat(expression(grammar, family, depth), expression(grammar, family, depth))


@construct("text", 2, Function.CAST)
def _as_text(grammar: Grammar, family: str, depth: int) -> Any:
    return Cast(expression(grammar, grammar.pick(["int", "decimal", "uuid", "date"]), depth), str)


# ---- numbers


@construct("int", 3, ArithmeticOperator.ADD)
@construct("float", 2, ArithmeticOperator.ADD)
@construct("decimal", 3, ArithmeticOperator.ADD)
def _add(grammar: Grammar, family: str, depth: int) -> Any:
    return expression(grammar, family, depth) + leaf(grammar, family)


@construct("int", 2, ArithmeticOperator.SUBTRACT)
@construct("float", 2, ArithmeticOperator.SUBTRACT)
@construct("decimal", 2, ArithmeticOperator.SUBTRACT)
def _subtract(grammar: Grammar, family: str, depth: int) -> Any:
    return expression(grammar, family, depth) - leaf(grammar, family)


@construct("int", 2, ArithmeticOperator.MULTIPLY)
@construct("float", 1, ArithmeticOperator.MULTIPLY)
@construct("decimal", 2, ArithmeticOperator.MULTIPLY)
def _multiply(grammar: Grammar, family: str, depth: int) -> Any:
    return expression(grammar, family, depth) * grammar.pick([2, 3, -1])


@construct("int", 1, ArithmeticOperator.MODULO)
@construct("decimal", 1, ArithmeticOperator.MODULO)
def _modulo(grammar: Grammar, family: str, depth: int) -> Any:
    return expression(grammar, family, depth) % grammar.pick([2, 3, 7])


@construct("float", 1, ArithmeticOperator.MODULO, Feature.MODULO_FLOATS)
def _modulo_floats(grammar: Grammar, family: str, depth: int) -> Any:
    return expression(grammar, family, depth) % grammar.pick([2, 0.3])


@construct("float", 2, ArithmeticOperator.DIVIDE)
def _divide(grammar: Grammar, _: str, depth: int) -> Any:
    return expression(grammar, grammar.pick(["int", "float"]), depth) / grammar.pick([2, 4, -8])


@construct("int", 1, Function.ABS)
@construct("float", 1, Function.ABS)
@construct("decimal", 1, Function.ABS)
def _abs(grammar: Grammar, family: str, depth: int) -> Any:
    return Abs(expression(grammar, family, depth))


@construct("float", 1, Function.CEIL)
@construct("decimal", 1, Function.CEIL)
def _ceil(grammar: Grammar, family: str, depth: int) -> Any:
    return Ceil(expression(grammar, family, depth))


@construct("float", 1, Function.FLOOR)
@construct("decimal", 1, Function.FLOOR)
def _floor(grammar: Grammar, family: str, depth: int) -> Any:
    return Floor(expression(grammar, family, depth))


@construct("int", 1, Function.ROUND)
@construct("decimal", 2, Function.ROUND)
def _round(grammar: Grammar, family: str, depth: int) -> Any:
    return Round(expression(grammar, family, depth), grammar.pick([0, 1, -1]))


@construct("float", 1, Function.ROUND)
def _round_floats(grammar: Grammar, family: str, depth: int) -> Any:
    places = grammar.pick([1, -1]) if grammar.chance(0.5) and grammar.use(Feature.ROUND_FLOATS) else 0
    return Round(expression(grammar, family, depth), places)


@construct("int", 2, Function.LENGTH)
def _length(grammar: Grammar, _: str, depth: int) -> Any:
    return Length(expression(grammar, "text", depth))


@construct("int", 2, Function.CAST)
def _as_int(grammar: Grammar, _: str, depth: int) -> Any:
    return Cast(expression(grammar, grammar.pick(["decimal", "bool", "float"]), depth), int)


@construct("float", 1, Function.CAST)
def _as_float(grammar: Grammar, _: str, depth: int) -> Any:
    return Cast(expression(grammar, grammar.pick(["int", "decimal"]), depth), float)


@construct("decimal", 1, Function.CAST)
def _as_decimal(grammar: Grammar, _: str, depth: int) -> Any:
    return Cast(expression(grammar, "int", depth), Decimal)


@construct("rough", 1, Function.POWER, ArithmeticOperator.MODULO)
def _power(grammar: Grammar, _: str, depth: int) -> Any:
    return Power(expression(grammar, "int", depth) % 10, grammar.pick([2, 0.5, 3]))


@construct("rough", 1, Function.SQRT, Function.ABS)
def _sqrt(grammar: Grammar, _: str, depth: int) -> Any:
    return Sqrt(Abs(expression(grammar, grammar.pick(["int", "float"]), depth)))


# ---- dates and times


def _zone(grammar: Grammar, family: str) -> dict[str, Any]:
    if family == "moment" and grammar.chance(0.3) and grammar.use(Feature.TIME_ZONES):
        return {"tzinfo": grammar.pick(_ZONES)}
    return {}


def extracted(grammar: Grammar, families: list[str], parts: list[str], depth: int) -> Any:
    """A part of a date or time, of those parts that the store has; None where it has none."""
    family = grammar.pick(families)
    known = [part for part in parts if part in FAMILIES[family].parts and grammar.may(DatePart(part))]
    if not known:
        return None
    part = grammar.pick(known)
    grammar.needs.add(DatePart(part))
    return Extract(expression(grammar, family, depth), part, **_zone(grammar, family))


@construct("int", 3)
def _part(grammar: Grammar, _: str, depth: int) -> Any:
    return extracted(grammar, ["date", "moment", "wall", "time"], [*DAY_PARTS, *TIME_PARTS], depth)


@construct("date", 2)
def _date_of(grammar: Grammar, _: str, depth: int) -> Any:
    return extracted(grammar, ["moment", "wall"], ["date"], depth)


@construct("time", 1)
def _time_of(grammar: Grammar, _: str, depth: int) -> Any:
    return extracted(grammar, ["moment", "wall"], ["time"], depth)


@construct("date", 1, Function.CAST)
def _as_date(grammar: Grammar, _: str, depth: int) -> Any:
    return Cast(expression(grammar, grammar.pick(["moment", "wall", "date"]), depth), date)


@construct("date", 2, Function.TRUNC)
def _trunc_date(grammar: Grammar, family: str, depth: int) -> Any:
    return Trunc(expression(grammar, family, depth), grammar.pick(_DAY_UNITS))


@construct("moment", 2, Function.TRUNC)
@construct("wall", 2, Function.TRUNC)
def _trunc(grammar: Grammar, family: str, depth: int) -> Any:
    unit = grammar.pick([*_DAY_UNITS, *_TIME_UNITS])
    return Trunc(expression(grammar, family, depth), unit, **_zone(grammar, family))
