"""Chains of calls: what is narrowed, computed, chosen, grouped, ordered and cut; and the verb at the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from polystore.query.capabilities import Feature
from polystore.query.operators import Function
from polystore.testing.drawing.conditions import condition
from polystore.testing.drawing.expressions import READ, computed, expression
from polystore.testing.drawing.families import FIELDS, FIRST_KEY
from polystore.testing.drawing.grammar import Grammar, construct
from polystore.testing.drawing.orders import sortable, term, terms
from polystore.testing.drawing.query import Call
from polystore.testing.drawing.windows import window


@dataclass
class Chain:
    """A chain in the making.

    ``outputs`` are the names that rows consist of, with their families; None while rows are instances. ``firsts`` says
    that they are the first rows of those that are alike in some fields, ``combined`` that they are of several queries.
    """

    grammar: Grammar
    calls: list[Call] = field(default_factory=list)
    outputs: dict[str, str] | None = None
    grouped: bool = False
    distinct: bool = False
    firsts: bool = False
    combined: bool = False
    sliced: bool = False

    def call(self, verb: str, /, *arguments: Any, **named: Any) -> None:
        """One more call."""
        self.calls.append(Call(verb, arguments, named))

    def name(self) -> str:
        """A name for the next annotation."""
        return f"a{len(self.grammar.names) - len(FIELDS) + 1}" if not self.grouped else f"g{len(self.grammar.names)}"

    @property
    def plain(self) -> bool:
        """Whether its rows are instances that a condition chooses: they can be written."""
        return self.outputs is None and not (self.distinct or self.sliced or self.chosen)

    @property
    def chosen(self) -> bool:
        """Whether rows are chosen by other rows: by windows, as the first of those that are alike, by other queries."""
        return self.firsts or self.combined or bool(self.grammar.windowed)

    @property
    def read(self) -> dict[str, str]:
        """What can be selected: what is in reach but aliases."""
        aliases = {name for call in self.calls if call.name == "alias" for name in call.named}
        return {name: family for name, family in self.grammar.names.items() if name not in aliases}


def narrow(chain: Chain, share: float) -> None:
    """Filters and excludes."""
    grammar = chain.grammar
    while grammar.chance(share):
        verb = grammar.pick(["filter", "filter", "exclude"])
        if grammar.chance(0.15):
            chain.call(verb, condition(grammar, 1), condition(grammar, 1))
        else:
            chain.call(verb, condition(grammar))
        share /= 2


def annotate(chain: Chain, share: float, *, windows: bool = True) -> None:
    """Annotations and aliases of expressions, and perhaps of windows."""
    grammar = chain.grammar
    while grammar.chance(share) and grammar.use(Feature.COMPUTED):
        family = grammar.pick(READ)
        verb = grammar.pick(["annotate", "annotate", "alias"])
        name = chain.name()
        over = window(grammar) if windows and grammar.chance(0.15) else None
        if over is not None:
            made, family = over
        else:
            made = computed(grammar, family, 2)
        chain.call(verb, **{name: made})
        if over is not None or grammar.windowed:
            grammar.windowed.add(name)
        grammar.names[name] = family
        share /= 2


def order(chain: Chain, names: dict[str, str], *, expressions: bool) -> None:
    """Terms by name and, where they may be, by expression; NULLs at either end; perhaps backwards."""
    grammar = chain.grammar
    known = sortable(grammar, names)
    if not known:
        return
    found = terms(grammar, known, 3, expressions=expressions)
    if grammar.chance(0.2):
        found.append(grammar.pick(["pk", "-pk"]) if expressions else found[0])
    chain.call("order_by", *found)
    if grammar.chance(0.15):
        chain.call("reverse")


def cut(chain: Chain, share: float) -> None:
    """A slice."""
    grammar = chain.grammar
    if grammar.chance(share):
        start, stop = grammar.pick([None, 0, 1, 2]), grammar.pick([None, 1, 3, 5])
        if start is not None or stop is not None:
            chain.call("[]", start, None if stop is None else (start or 0) + stop)
            chain.sliced = True


# ---- what rows are


@construct("rows", 9)
def _instances(grammar: Grammar, chain: Chain) -> None:
    annotate(chain, 0.35)
    narrow(chain, 0.4)
    if grammar.chance(0.15):
        chain.call(grammar.pick(["only", "defer"]), *grammar.some([*FIELDS], 1, 3))
    if grammar.chance(0.55):
        order(chain, grammar.names, expressions=True)
    cut(chain, 0.25)


@construct("rows", 6)
def _projected(grammar: Grammar, chain: Chain) -> None:
    annotate(chain, 0.5)
    narrow(chain, 0.3)
    names = grammar.some(grammar.near([*chain.read]), 1, 4)
    chain.outputs = {name: grammar.names[name] for name in names}
    form = grammar.pick(["values", "values_list", "flat", "named", "computed"])
    if form == "computed" and not grammar.use(Feature.COMPUTED):
        form = "values"
    match form:
        case "values":
            chain.call("values", *names)
        case "values_list" if grammar.chance(0.4) and grammar.use(Feature.COMPUTED):
            family = grammar.pick(READ)
            chain.call("values_list", *names, computed(grammar, family, 2))
            chain.outputs[f"value{len(names) + 1}"] = family
        case "values_list":
            chain.call("values_list", *names)
        case "flat":
            chain.call("values_list", names[0], flat=True)
            chain.outputs = {names[0]: grammar.names[names[0]]}
        case "named":
            chain.call("values_list", *names, named=True)
        case _:
            family = grammar.pick(READ)
            name = chain.name()
            chain.call("values", *names, **{name: computed(grammar, family, 2)})
            chain.outputs[name] = grammar.names[name] = family
    whole = any(family in ("whole", "rough") for family in chain.outputs.values())
    if not whole and grammar.chance(0.35) and grammar.use(Feature.DISTINCT):
        chain.call("distinct")
        chain.distinct = True
    if grammar.chance(0.55):
        order(chain, chain.outputs if chain.distinct else grammar.names, expressions=not chain.distinct)
    cut(chain, 0.25)


@construct("rows", 1, Feature.DISTINCT_FIELDS)
def _firsts(grammar: Grammar, chain: Chain) -> None:
    """The first row for each value of some fields, by an order that begins with these."""
    annotate(chain, 0.35)
    narrow(chain, 0.3)
    known = sortable(grammar, chain.read)
    alike = grammar.some(known, 1, 2)
    chain.call("distinct", *alike)
    chain.firsts = True
    if grammar.chance(0.3):
        names = grammar.some(grammar.near([*chain.read]), 1, 3)
        chain.outputs = {name: grammar.names[name] for name in names}
        chain.call(grammar.pick(["values", "values_list"]), *names)
    if grammar.chance(0.8):
        leading = [term(grammar, name) for name in grammar.some(alike, len(alike), len(alike))]
        chain.call("order_by", *leading, *terms(grammar, known, 2, expressions=True))
        if grammar.chance(0.15):
            chain.call("reverse")
    narrow(chain, 0.15)
    cut(chain, 0.25)


@construct("rows", 1, Feature.DISTINCT, Feature.COMPUTED, Function.TRUNC)
def _dates(grammar: Grammar, chain: Chain) -> None:
    if grammar.chance(0.5):
        unit = grammar.pick(["year", "month", "week", "day"])
        chain.call("dates", grammar.pick(["day", "moment", "wall"]), unit, grammar.pick(["ASC", "DESC"]))
    else:
        unit = grammar.pick(["year", "quarter", "month", "week", "day", "hour", "minute", "second"])
        chain.call("datetimes", grammar.pick(["moment", "wall", "instant"]), unit)
    chain.outputs, chain.distinct = {}, True


# ---- the verb


@construct("verb", 12)
def _rows(grammar: Grammar, chain: Chain) -> Call:
    return Call("rows")


@construct("verb", 3)
def _count(grammar: Grammar, chain: Chain) -> Call:
    return Call(grammar.pick(["count", "count", "exists"]))


@construct("verb", 2)
def _edge(grammar: Grammar, chain: Chain) -> Call:
    return Call("first" if chain.sliced or chain.firsts else grammar.pick(["first", "last"]))


@construct("verb", 1)
def _get(grammar: Grammar, chain: Chain) -> Call:
    verb = grammar.pick(["get", "get_or_none"])
    if chain.sliced or chain.combined or chain.outputs is not None or grammar.chance(0.3):
        return Call(verb)
    return Call(verb, (condition(grammar, 0),))


@construct("verb", 1)
def _earliest(grammar: Grammar, chain: Chain) -> Call:
    if chain.sliced or chain.firsts or chain.combined or chain.outputs is not None:
        return Call("rows")
    names = grammar.some(grammar.named(["int", "decimal", "text", "date", "moment"]), 1, 1)
    return Call(grammar.pick(["earliest", "latest"]), tuple(name for name in names if name in FIELDS) or ("number",))


@construct("verb", 1)
def _in_bulk(grammar: Grammar, chain: Chain) -> Call:
    if not chain.plain:
        return Call("rows")
    places = grammar.some(range(12), 0, 4)
    if grammar.chance(0.4):
        return Call("in_bulk", ([FIRST_KEY + place for place in places],))
    return Call("in_bulk", ([f"n{place}" for place in places],) if grammar.chance(0.7) else (), {"field_name": "name"})


@construct("verb", 1)
def _iterator(grammar: Grammar, chain: Chain) -> Call:
    return Call("iterator", (), {"chunk_size": grammar.pick([1, 2, 5])})


@construct("verb", 2)
def _pages(grammar: Grammar, chain: Chain) -> Call:
    terms = [term for call in chain.calls if call.name == "order_by" for term in call.arguments]
    plain = all(isinstance(term, str) and term.lstrip("-") in {*FIELDS, "pk"} for term in terms)
    whole = not (chain.sliced or chain.distinct or chain.grouped or chain.chosen)
    return Call("pages", (grammar.pick([1, 2, 5]),)) if whole and plain else Call("rows")


ASSIGNED = [name for name in FIELDS if name != "name"]


@construct("verb", 5)
def _update(grammar: Grammar, chain: Chain) -> Call:
    if not _can_be_written(chain):
        return Call("rows")
    values: dict[str, Any] = {}
    for name in grammar.some(grammar.near(ASSIGNED), 1, 3):
        family = FIELDS[name]
        if family != "whole" and grammar.chance(0.5) and grammar.use(Feature.UPDATE_EXPRESSIONS):
            values[name] = expression(grammar, family, 1)
        else:
            values[name] = grammar.pools.of_field(grammar.values, name)
    return Call("update", (), values) if _can_be_written(chain) else Call("rows")


@construct("verb", 2)
def _delete(grammar: Grammar, chain: Chain) -> Call:
    return Call("delete" if _can_be_written(chain) else "rows")


def _can_be_written(chain: Chain) -> bool:
    """Whether the rows can be updated and deleted: those that conditions choose, or queries within them."""
    if not chain.plain or any(call.name in ("order_by", "only", "defer") for call in chain.calls):
        return False
    return Feature.SUBQUERIES not in chain.grammar.needs or chain.grammar.use(Feature.SUBQUERY_WRITES)
