"""Draws a whole query: what is narrowed, what rows are, and the verb at the end."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from polystore.testing.drawing import chains, conditions, documents, expressions, groups, sets, subqueries, windows
from polystore.testing.drawing.families import Pools
from polystore.testing.drawing.grammar import Grammar, drawn
from polystore.testing.drawing.query import Call, DrawnQuery

FILES = (expressions, conditions, windows, documents, chains, groups, subqueries, sets)
"""The files whose constructs are drawn; one with further constructs is entered here."""
_DOCUMENTS = 0.08
"""The share of queries that look into documents by name."""


def drawn_query(
    dice: Random, pools: Pools, declares: Callable[..., bool], *, wild: bool = False, values: Random
) -> DrawnQuery:
    """A query of what the store declares; a ``wild`` one of anything. Its values come from dice of their own."""
    grammar = Grammar(dice, pools, declares, wild, values)
    if grammar.chance(_DOCUMENTS):
        documents.look_into(grammar)
    chain = chains.Chain(grammar)
    chains.narrow(chain, 0.5)
    drawn(grammar, "rows", chain)
    verb = drawn(grammar, "verb", chain) or Call("rows")
    return DrawnQuery(tuple(chain.calls), verb, frozenset(grammar.needs), wild)
