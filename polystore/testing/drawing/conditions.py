"""Conditions: lookups of fields, parts of dates and annotations, nested in and, or, xor and not; and what holds one."""

from __future__ import annotations

from typing import Any

from polystore import Case, Q, When
from polystore.query.capabilities import Feature
from polystore.query.operators import DatePart, Operator
from polystore.testing.drawing.expressions import expression, leaf
from polystore.testing.drawing.families import FAMILIES, FIELDS, PART_VALUES, PATTERNS
from polystore.testing.drawing.grammar import Grammar, construct, drawn

_OPERATORS = {operator.value: operator for operator in Operator}


def condition(grammar: Grammar, depth: int = 2) -> Q:
    """A condition, of conditions within conditions at most so deep."""
    if depth < 1 or grammar.chance(0.55):
        found: Q = drawn(grammar, "lookup") if _subjects(grammar) else Q()
        return found
    left = condition(grammar, depth - 1)
    match grammar.dice.randint(0, 7):
        case 0 | 1:
            return ~left
        case 2 | 3 | 4:
            return left | condition(grammar, depth - 1)
        case 5 | 6:
            return left & condition(grammar, depth - 1)
        case _:
            return left ^ condition(grammar, depth - 1)


def lookup(grammar: Grammar, name: str, words: list[str], family: str) -> Q:
    """A condition of one of these lookups that the store has, on a field, an annotation or a part of one."""
    words = [word for word in words if word not in _OPERATORS or grammar.may(_OPERATORS[word])]
    if family == "bytes" and not grammar.may(Feature.ORDER_BYTES):
        words = [word for word in words if word in ("exact", "in", "isnull")]
    word = grammar.pick(words)
    if word in _OPERATORS:
        grammar.needs.add(_OPERATORS[word])
    return Q(**{name if word == "exact" else f"{name}__{word}": _asked(grammar, word, family)})


def _asked(grammar: Grammar, word: str, family: str) -> Any:
    match word:
        case "isnull":
            return grammar.chance(0.5)
        case "in":
            found = [grammar.value(family) for _ in range(grammar.dice.randint(0, 3))]
            return [*found, None] if grammar.chance(0.15) else found
        case "range":
            return (grammar.value(family), grammar.value(family))
        case "regex" | "iregex":
            return grammar.pick(PATTERNS)
        case "contains" | "icontains" | "startswith" | "istartswith" | "endswith" | "iendswith":
            return grammar.value(family)[:2]
        case "exact" if grammar.chance(0.05):
            return None
        case _:
            return grammar.value(family)


def _subjects(grammar: Grammar) -> list[str]:
    anything = grammar.may(Feature.FILTER_ANY)
    names = grammar.names.items()
    return grammar.near(
        [name for name, family in names if FAMILIES[family].lookups and (anything or family != "whole")]
    )


def plain(grammar: Grammar) -> Q:
    """A lookup of a field or an annotation."""
    names = _subjects(grammar)
    annotations = [name for name in names if name not in FIELDS]
    name = grammar.pick(annotations if annotations and grammar.chance(0.5) else names)
    family = grammar.names[name]
    return lookup(grammar, name, list(FAMILIES[family].lookups), family)


construct("lookup", 6)(plain)


@construct("lookup", 2)
def _part(grammar: Grammar) -> Q:
    names = [name for name in _subjects(grammar) if FAMILIES[grammar.names[name]].parts]
    if not names:
        return plain(grammar)
    name = grammar.pick(names)
    parts = [part for part in FAMILIES[grammar.names[name]].parts if grammar.may(DatePart(part))]
    if not parts:
        return plain(grammar)
    part = grammar.pick(parts)
    grammar.needs.add(DatePart(part))
    word = grammar.pick(["exact", "gt", "gte", "lt", "lte", "in", "range"])
    values = PART_VALUES[part]
    number = {"in": grammar.dice.randint(0, 2), "range": 2}.get(word, 1)
    asked = [grammar.values.choice(values) for _ in range(number)]
    name = f"{name}__{part}" if word == "exact" else f"{name}__{part}__{word}"
    return Q(**{name: asked if word in ("in", "range") else asked[0]})


@construct("lookup", 2, Feature.COMPARE_COLUMNS)
def _with_expression(grammar: Grammar) -> Q:
    names = [name for name in _subjects(grammar) if len(FAMILIES[grammar.names[name]].lookups) > 1]
    if not names:
        return plain(grammar)
    name = grammar.pick(names)
    family = grammar.names[name]
    right = expression(grammar, family, 1) if grammar.use(Feature.COMPUTED) else leaf(grammar, family)
    return compared(grammar, name, right)


def compared(grammar: Grammar, name: str, right: Any) -> Q:
    """A comparison of a field or an annotation with an expression."""
    family = grammar.names[name]
    words = [word for word in FAMILIES[family].lookups if word in ("exact", "gt", "gte", "lt", "lte")]
    if family == "bytes" and not grammar.use(Feature.ORDER_BYTES):
        words = ["exact"]
    word = grammar.pick(words)
    return Q(**{name if word == "exact" else f"{name}__{word}": right})


# ---- expressions that hold conditions


@construct("choice", 3, Feature.CASE)
def _case(grammar: Grammar, family: str, depth: int) -> Case:
    branches = [When(condition(grammar, 1), then=expression(grammar, family, depth)) for _ in grammar.pick(["1", "12"])]
    return Case(*branches, default=expression(grammar, family, depth) if grammar.chance(0.7) else None)


@construct("bool", 2, Feature.CASE)
def _truth(grammar: Grammar, _family: str, _depth: int) -> Q:
    return condition(grammar, 1)
