"""Queries within queries: ``in``, ``Exists`` and ``Subquery`` of rows of the same model, told of the row around."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from polystore import OuterRef, Q
from polystore.errors import FieldError
from polystore.query.aggregates import Aggregation
from polystore.query.capabilities import Feature
from polystore.query.operators import Aggregate
from polystore.testing.drawing.chains import Chain, annotate, cut, narrow, order
from polystore.testing.drawing.conditions import compared, plain
from polystore.testing.drawing.expressions import leaf
from polystore.testing.drawing.families import FAMILIES, FIELDS
from polystore.testing.drawing.grammar import Grammar, construct, drawn
from polystore.testing.drawing.inner import DrawnExists, DrawnSubquery
from polystore.testing.drawing.query import Call, Inside

_COMPARED = {"int": ("int", "int", "float", "decimal"), "decimal": ("decimal", "int"), "float": ("float", "int")}
"""Families of which a value is one of those of another query, by its own family; other families go with themselves."""
_MOST = 2
"""How deep queries stand within each other."""


def _begun(grammar: Grammar) -> Chain:
    """A chain of rows within: annotated, narrowed, perhaps by what the row around has."""
    chain = Chain(replace(grammar, names=dict(FIELDS), windowed=set(), around=()))
    annotate(chain, 0.15)
    chain.grammar.around = (grammar.names, *grammar.around)
    narrow(chain, 0.35)
    if grammar.chance(0.65) and grammar.may(Feature.SUBQUERIES):
        correlated = _like_the_row_around(chain.grammar)
        if correlated is not None:
            grammar.needs.add(Feature.SUBQUERIES)
            chain.call(grammar.pick(["filter", "filter", "exclude"]), correlated)
    return chain


def _like_the_row_around(grammar: Grammar) -> Q | None:
    """A comparison with what the row around has."""
    there = [name for name, family in grammar.around[0].items() if len(FAMILIES[family].lookups) > 1]
    if not there:
        return None
    outer = grammar.pick(grammar.near(there))
    family = grammar.around[0][outer]
    here = grammar.named([family])
    return compared(grammar, grammar.pick(here), OuterRef(outer)) if here else None


@construct("lookup", 0.15)
def _exists(grammar: Grammar) -> Q:
    if len(grammar.around) >= _MOST:
        return plain(grammar)
    chain = _begun(grammar)
    if grammar.chance(0.2):
        order(chain, chain.grammar.names, expressions=True)
    cut(chain, 0.2)
    return DrawnExists(Inside(tuple(chain.calls)))


@construct("lookup", 0.15)
def _in(grammar: Grammar) -> Q:
    names = [name for name, family in grammar.names.items() if len(FAMILIES[family].lookups) > 1]
    if len(grammar.around) >= _MOST or not names:
        return plain(grammar)
    name = grammar.pick(grammar.near(names))
    chain = _begun(grammar)
    inner = chain.grammar
    here = _selectable(chain, grammar.pick(_COMPARED.get(grammar.names[name], (grammar.names[name],))))
    if not here:
        return plain(grammar)
    if grammar.chance(0.4):
        order(chain, inner.names, expressions=True)
    _selected(chain, inner.pick(here))
    cut(chain, 0.3)
    return Q(**{f"{name}__in": Inside(tuple(chain.calls))})


def _selectable(chain: Chain, family: str) -> list[str]:
    return [name for name in chain.grammar.named([family]) if name in chain.read]


def _selected(chain: Chain, name: str) -> None:
    if chain.grammar.chance(0.5):
        chain.call("values", name)
    else:
        chain.call("values_list", name, flat=True)


@construct("choice", 0.3, Feature.SUBQUERIES)
def _value(grammar: Grammar, family: str, depth: int) -> Any:
    """The value of another row."""
    if len(grammar.around) >= _MOST:
        return leaf(grammar, family)
    chain = _begun(grammar)
    inner = chain.grammar
    here = _selectable(chain, family)
    if not here:
        return leaf(grammar, family)
    if grammar.chance(0.8):
        order(chain, inner.names, expressions=True)
    _selected(chain, inner.pick(here))
    place = grammar.pick([0, 0, 1, 2])
    chain.call("[]", place, place + 1)
    return DrawnSubquery(Inside(tuple(chain.calls)))


@construct("choice", 0.25, Feature.SUBQUERIES, Feature.GROUP, Aggregate.COUNT)
def _aggregated(grammar: Grammar, family: str, depth: int) -> Any:
    """An aggregate of the rows that are like the row around in one field."""
    names = [name for name in FIELDS if len(FAMILIES[FIELDS[name]].lookups) > 1]
    outer = grammar.near([name for name in grammar.names if name in names])
    if len(grammar.around) >= _MOST or not outer:
        return leaf(grammar, family)
    key = grammar.pick(outer)
    inner = replace(grammar, names={name: known for name, known in FIELDS.items() if name != key}, windowed=set())
    found, made = drawn(inner, "aggregate")
    if made != family or not isinstance(found, Aggregation):
        return leaf(grammar, family)
    calls = (
        Call("filter", (Q(**{key: OuterRef(key)}),)),
        Call("values", (key,)),
        Call("annotate", (), {"it": found}),
        Call("values", ("it",)),
    )
    try:
        return DrawnSubquery(Inside(calls))
    except FieldError:  # made of the row around alone, an aggregate has no kind before that is known
        return leaf(grammar, family)
