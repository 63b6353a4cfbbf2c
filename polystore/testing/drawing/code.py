"""Drawn values as the code that a user would write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from enum import Enum
from typing import Any

from pydantic import AnyUrl, BaseModel

from polystore import Case, Cast, Exists, Extract, F, Q, RowRange, Subquery, Trunc, Value, When, Window
from polystore.query.aggregates import Aggregation
from polystore.query.calls import Call, Extreme
from polystore.query.functions import Combined, Ordering
from polystore.query.windows import RankFunction


def arguments_code(arguments: Sequence[Any], named: Mapping[str, Any]) -> str:
    """What stands between the brackets of a call."""
    return ", ".join([*map(code, arguments), *(f"{name}={code(value)}" for name, value in named.items())])


def code(value: Any) -> str:
    """A value, a condition or an expression as code."""
    match value:
        case Exists() | Subquery():
            return repr(value)
        case Q():
            return _condition(value)
        case F(name=name):
            return f"F({name!r})"
        case Value(value=inner):
            return f"Value({code(inner)})"
        case Combined(left=left, operator=operator, right=right):
            return f"({code(left)} {operator} {code(right)})"
        case Case(branches=branches, default=default):
            return f"Case({', '.join(map(code, branches))}, default={code(default)})"
        case When(condition=condition, then=then):
            return f"When({code(condition)}, then={code(then)})"
        case Cast(expression=inner, target=target):
            return f"Cast({code(inner)}, {target.__name__})"
        case Extract(expression=inner, part=part, zone=zone) | Trunc(expression=inner, part=part, zone=zone):
            where = "" if zone is None else f", tzinfo=ZoneInfo({zone!r})"
            return f"{type(value).__name__}({code(inner)}, {part.value!r}{where})"
        case Aggregation():
            return _aggregation(value)
        case Call(arguments=arguments):
            options = {"ignore_nulls": True} if isinstance(value, Extreme) and value.ignore_nulls else {}
            return f"{type(value).__name__}({arguments_code(arguments, options)})"
        case Window() | RankFunction() | RowRange():
            return _window(value)
        case Ordering(expression=inner, descending=descending, nulls=nulls):
            end = f"nulls_{nulls}=True" if nulls else ""
            return f"{code(inner)}.{'desc' if descending else 'asc'}({end})"
        case _:
            return _plain(value)


def _condition(condition: Q) -> str:
    parts = [code(child) if isinstance(child, Q) else f"Q({child[0]}={code(child[1])})" for child in condition.children]
    joined = (" | " if condition.connector == "OR" else " & ").join(parts)
    joined = f"({joined})" if len(parts) > 1 else joined or "Q()"
    return f"~{joined}" if condition.negated else joined


def _aggregation(value: Aggregation) -> str:
    options = {
        "distinct": True if value.distinct else None,
        "filter": value.filter,
        "default": value.default,
        "sample": getattr(value, "sample", None) or None,
    }
    given = {name: option for name, option in options.items() if option is not None}
    return f"{type(value).__name__}({arguments_code([value.expression], given)})"


def _window(value: Window | RankFunction | RowRange) -> str:
    name = type(value).__name__
    match value:
        case Window(expression=given, partition_by=partition, order_by=order, frame=frame):
            options = {"partition_by": [*partition], "order_by": [*order], "frame": frame}
            return f"{name}({arguments_code([given], {key: each for key, each in options.items() if each})})"
        case RowRange(start=start, end=end):
            return f"{name}({start}, {end})"
        case RankFunction(expression=given, number=number, default=default):
            arguments = [] if given is None else [given]
            arguments += [number] if number != 1 or default is not None else []
            return f"{name}({arguments_code([*arguments, *([] if default is None else [default])], {})})"


def _plain(value: Any) -> str:
    match value:
        case Enum():
            return str(type(value).__name__) + "." + value.name
        case datetime() | date() | time() | timedelta():
            return repr(value).removeprefix("datetime.").replace("tzinfo=datetime.timezone.utc", "tzinfo=UTC")
        case AnyUrl():
            return f"AnyUrl({str(value)!r})"
        case BaseModel():
            fields = {name: part for name, part in value if name in value.model_fields_set}
            return f"{type(value).__name__}({arguments_code((), fields)})"
        case dict():
            return "{" + ", ".join(f"{code(key)}: {code(part)}" for key, part in value.items()) + "}"
        case list():
            return f"[{', '.join(map(code, value))}]"
        case tuple():
            return f"({', '.join(map(code, value))}{',' if len(value) == 1 else ''})"
        case _:
            return repr(value)
