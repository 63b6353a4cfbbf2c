"""Clauses about values in JSON: their structure depends on the type of what is compared with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from polystore.query.coerce import Refused, Verdict, coercer
from polystore.query.lookups import Lookup
from polystore.query.lookups.containers import json_tag
from polystore.query.operators import Operator
from polystore.schema.kinds import TextKind
from polystore.schema.paths import JsonKey, PathInfo

Find = Callable[[str], Lookup]


def json_clause(lookup: Lookup, value: Any, values: list[Any], find: Find) -> Any:
    """The structure of a comparison of something in JSON with a value; what is compared is appended to ``values``.

    Args:
        lookup: an operator, ``in`` or ``range`` about JSON.
        value: what the user gave.
        values: the flat list of values.
        find: finds another lookup by its name.

    Raises:
        Refused: a value that JSON has not, or that the comparison does not take.
    """
    stem = lookup.name.removesuffix(f"__{lookup.test}")
    match lookup.test:
        case "in":
            if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
                raise Refused("a list, tuple, set or other collection of values")
            return _membership(lookup, value, values, find(f"{stem}__exact"))
        case "range":
            if isinstance(value, str | bytes) or not isinstance(value, Sequence) or len(value) != 2 or None in value:
                raise Refused("a pair (low, high)")
            ends = zip(("gte", "lte"), value, strict=True)
            return ("Q", "AND", False, tuple(json_clause(find(f"{stem}__{w}"), end, values, find) for w, end in ends))
        case Operator() as operator:
            return _comparison(lookup, operator, value, values)
    raise AssertionError(lookup)


def _comparison(lookup: Lookup, operator: Operator, value: Any, values: list[Any]) -> Any:
    if value is None:
        return ("json", lookup.name, "null") if _within_json(lookup) else ("null", lookup.name, True)
    tag = json_tag(value, operator)
    plain = coercer(TextKind(), operator)(value) if tag == "text" else value
    if plain is Verdict.NOT_NULL:
        return ("json", lookup.name, "any text")
    values.append(list(plain) if isinstance(plain, tuple) else plain)
    return ("json", lookup.name, tag)


def _membership(lookup: Lookup, given: Iterable[Any], values: list[Any], exact: Lookup) -> Any:
    """One list for each type among the values; what no list holds is compared one by one."""
    listed: dict[str, dict[Any, None]] = {}
    alone: list[Any] = []
    for each in given:
        tag = None if each is None else _listed_as(each)
        if tag is not None:
            listed.setdefault(tag, {})[int(each) if tag == "int" else each] = None
        elif each is not None and each not in alone:
            alone.append(each)
    parts = []
    for tag, distinct in listed.items():
        found = tuple(distinct)
        size = 1 << (len(found) - 1).bit_length()
        values.append(found + found[-1:] * (size - len(found)))
        parts.append(("json in", lookup.name, tag, size))
    parts += [_comparison(exact, Operator.EXACT, each, values) for each in alone]
    return ("Q", "OR", False, tuple(parts)) if parts else ("verdict", lookup.name, Verdict.NEVER)


def _listed_as(value: Any) -> str | None:
    """The type as which what may equal the value is read; None where it is compared by itself."""
    tag = json_tag(value, Operator.EXACT)
    if tag == "float":
        return "float" if value != int(value) else "int" if abs(value) < 2.0**63 else None
    return tag if tag in ("int", "text") else None


def _within_json(lookup: Lookup) -> bool:
    field = lookup.field
    return isinstance(field, PathInfo) and isinstance(field.steps[-1], JsonKey)
