"""Unions, intersections and differences: parts that select values of the same families, and what follows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from polystore.query.capabilities import Feature
from polystore.testing.drawing.chains import Chain, annotate, cut, narrow, order
from polystore.testing.drawing.expressions import computed
from polystore.testing.drawing.families import FAMILIES, FIELDS
from polystore.testing.drawing.grammar import Grammar, construct
from polystore.testing.drawing.query import SETS, Inside

_MIXED = ("decimal", "float")
"""Families whose expressions may be of another kind, with which theirs do not stand in one place."""
_COMPUTED = ("int", "text", "date", "moment", "wall", "time", "bool")
"""Families of which expressions are selected, too."""


@construct("rows", 0.8)
def _combined(grammar: Grammar, chain: Chain) -> None:
    verbs = [verb for verb, feature in SETS.items() if grammar.may(feature)]
    if not verbs:
        narrow(chain, 0.3)
        return
    verb = grammar.pick(verbs)
    grammar.use(SETS[verb])
    families = _families(grammar) if grammar.chance(0.8) else None
    others = [Chain(replace(grammar, names=dict(FIELDS))) for _ in grammar.pick(["1", "1", "12"])]
    for part in (chain, *others):
        _part(part, families)
    options = {"all": True} if verb == "union" and grammar.chance(0.4) else {}
    chain.call(verb, *(Inside(tuple(part.calls)) for part in others), **options)
    chain.combined = True
    grammar.names = dict(FIELDS) if chain.outputs is None else chain.outputs
    if grammar.chance(0.5):
        order(chain, grammar.names, expressions=False)
    chain.sliced = False
    cut(chain, 0.3)
    if chain.outputs is not None and grammar.chance(0.15):
        chain.call("values", *grammar.some([*chain.outputs], 1, 2))


def _families(grammar: Grammar) -> list[str]:
    """What is selected in each part."""
    return grammar.some([name for name, family in FAMILIES.items() if family.exact and name != "whole"], 1, 3)


def _part(chain: Chain, families: Sequence[str] | None) -> None:
    """One of the queries: values of these families, or instances."""
    grammar = chain.grammar
    if families is not None:
        annotate(chain, 0.2)
    narrow(chain, 0.4)
    sliced = grammar.chance(0.25)
    if sliced:
        order(chain, grammar.names, expressions=True)
    if families is not None:
        _select(chain, families)
        if grammar.chance(0.15) and grammar.use(Feature.DISTINCT) and not sliced:
            chain.call("distinct")
    if sliced:
        cut(chain, 1)


def _select(chain: Chain, families: Sequence[str]) -> None:
    grammar = chain.grammar
    chosen: dict[str, str] = {}
    for family in families:
        there = FIELDS if family in _MIXED else chain.read
        chosen[grammar.pick(grammar.near([name for name, known in there.items() if known == family]))] = family
    *names, last = chosen
    if chosen[last] in _COMPUTED and grammar.chance(0.25) and grammar.use(Feature.COMPUTED):
        chain.call("values", *names, c1=computed(grammar, chosen[last], 1))
        chosen = {**{name: chosen[name] for name in names}, "c1": chosen[last]}
    else:
        chain.call(grammar.pick(["values", "values_list"]), *chosen)
    chain.outputs = chosen
