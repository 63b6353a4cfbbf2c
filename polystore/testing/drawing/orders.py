"""Terms of orders: by name or expression, in both directions, NULLs at either end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from polystore import F
from polystore.query.capabilities import Feature
from polystore.query.functions import Combinable
from polystore.testing.drawing.expressions import READ, computed
from polystore.testing.drawing.families import FAMILIES, FIELDS
from polystore.testing.drawing.grammar import Grammar

_SINGLE = [name for name, family in FAMILIES.items() if name != "whole" and family.exact]


def sortable(grammar: Grammar, names: Mapping[str, str]) -> list[str]:
    """The names, among these, that rows are told apart and ordered by."""
    families = [name for name in _SINGLE if name != "bytes" or grammar.may(Feature.ORDER_BYTES)]
    return grammar.near([name for name, family in names.items() if family in families])


def terms(grammar: Grammar, names: Sequence[str], most: int, *, expressions: bool) -> list[Any]:
    """A few terms by these names; with ``expressions`` perhaps one that is computed before them."""
    most = most if grammar.may(Feature.ORDER_ANY) else 1
    found = [term(grammar, name) for name in grammar.some(names, 1, most)]
    if expressions and grammar.chance(0.25) and grammar.use(Feature.ORDER_EXPRESSIONS):
        made = computed(grammar, grammar.pick([name for name in READ if name != "rough"]), 1)
        if isinstance(made, Combinable):
            ends = _nulls(grammar)
            found.insert(0, made.desc(**ends) if grammar.chance(0.5) else made.asc(**ends))
    return found


def term(grammar: Grammar, name: str) -> Any:
    """A term by a field or an annotation."""
    if name not in FIELDS:
        grammar.use(Feature.ORDER_EXPRESSIONS)
    if ends := _nulls(grammar):
        return F(name).desc(**ends) if grammar.chance(0.5) else F(name).asc(**ends)
    return grammar.pick(["", "-"]) + name


def _nulls(grammar: Grammar) -> dict[str, Any]:
    if grammar.chance(0.2) and grammar.use(Feature.NULLS_ORDER):
        return {grammar.pick(["nulls_first", "nulls_last"]): True}
    return {}
