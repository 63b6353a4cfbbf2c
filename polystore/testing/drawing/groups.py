"""Groups and aggregates: keys, what is aggregated, conditions on groups; and the verb that makes one row of all."""

from __future__ import annotations

from typing import Any

from polystore import Avg, Coalesce, Count, Max, Min, StdDev, Sum, Value, Variance
from polystore.query.capabilities import Feature
from polystore.query.operators import Aggregate, ArithmeticOperator, Function
from polystore.testing.drawing.chains import Chain, annotate, cut, narrow, order
from polystore.testing.drawing.conditions import condition
from polystore.testing.drawing.expressions import computed, numbers, operand, ordered
from polystore.testing.drawing.families import FAMILIES, FIELDS
from polystore.testing.drawing.grammar import Grammar, construct, drawn
from polystore.testing.drawing.query import Call

_SPREADS = (Aggregate.STDDEV, Aggregate.VARIANCE, Aggregate.STDDEV_SAMPLE, Aggregate.VARIANCE_SAMPLE)


@construct("rows", 4, Feature.GROUP, Aggregate.COUNT)
def _groups(grammar: Grammar, chain: Chain) -> None:
    annotate(chain, 0.6 if grammar.may(Feature.GROUP_EXPRESSIONS) else 0, windows=False)
    narrow(chain, 0.2)
    known = [name for name, family in chain.read.items() if family not in ("whole", "rough")]
    keys = grammar.some(grammar.near(known), 1, 2)
    annotations = [name for name in known if name not in FIELDS]
    if annotations and grammar.chance(0.6) and grammar.use(Feature.GROUP_EXPRESSIONS):
        keys = [grammar.pick(annotations), *(key for key in keys[:1] if key in FIELDS)]
    chain.call(grammar.pick(["values", "values_list"]), *keys)
    outputs = {key: grammar.names[key] for key in keys}
    made: dict[str, Any] = {}
    for place in range(grammar.pick([1, 1, 2, 3])):
        made[f"g{place}"], outputs[f"g{place}"] = drawn(grammar, "aggregate")
    chain.call("annotate", **made)
    grammar.names, chain.outputs, chain.grouped = outputs, outputs, True
    if grammar.chance(0.2) and grammar.use(Feature.COMPUTED):
        family = grammar.pick([family for family in outputs.values() if family != "rough"])
        chain.call("annotate", h1=computed(grammar, family, 1))
        outputs["h1"] = family
    if grammar.chance(0.35) and grammar.use(Feature.HAVING):
        chain.call(grammar.pick(["filter", "exclude"]), condition(grammar, 1))
    if grammar.chance(0.5):
        order(chain, outputs, expressions=False)
    cut(chain, 0.2)


@construct("verb", 2, Feature.GROUP)
def _aggregate(grammar: Grammar, chain: Chain) -> Call:
    """``aggregate`` of what the chain answers."""
    if chain.combined:
        return Call("rows")
    if chain.outputs is not None and (chain.distinct or chain.grouped):
        grammar.names = {name: family for name, family in chain.outputs.items() if FAMILIES[family].lookups}
        if not grammar.use(Feature.GROUP_SOURCE):
            return Call("rows")
    elif chain.chosen or chain.sliced:
        grammar.names = chain.read
        if not grammar.use(Feature.GROUP_SOURCE):
            return Call("rows")
    made = {f"v{place}": drawn(grammar, "aggregate")[0] for place in range(grammar.pick([1, 2, 3]))}
    return Call("aggregate", (), made)


# ---- aggregates: an expression and the family of its values


def _options(grammar: Grammar) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if grammar.chance(0.2) and grammar.use(Feature.AGGREGATE_DISTINCT):
        options["distinct"] = True
    if grammar.chance(0.25) and grammar.use(Feature.AGGREGATE_FILTER):
        options["filter"] = condition(grammar, 1)
    return options


@construct("aggregate", 4, Aggregate.COUNT)
def _count(grammar: Grammar) -> tuple[Any, str]:
    if grammar.chance(0.4):
        options = _options(grammar)
        options.pop("distinct", None)
        return Count("*", **options), "int"
    names = grammar.named([name for name, family in FAMILIES.items() if family.exact and name != "whole"])
    if not names:
        return Count("*"), "int"
    return Count(grammar.pick(names), **_options(grammar)), "int"


@construct("aggregate", 3, Aggregate.SUM)
def _sum(grammar: Grammar) -> tuple[Any, str]:
    what, family = operand(grammar, numbers(grammar))
    options = _options(grammar)
    if grammar.chance(0.2):
        options["default"] = 0
    return Sum(what, **options), "rough" if family == "float" else family


@construct("aggregate", 1, Aggregate.SUM, Aggregate.COUNT, ArithmeticOperator.ADD)
def _sum_and_count(grammar: Grammar) -> tuple[Any, str]:
    what, _ = operand(grammar, ["int"])
    return Sum(what, **_options(grammar)) + Count("*"), "int"


@construct("aggregate", 1, Aggregate.SUM, Function.COALESCE)
def _sum_or_value(grammar: Grammar) -> tuple[Any, str]:
    what, family = operand(grammar, ["int", "decimal"])
    return Coalesce(Sum(what, **_options(grammar)), Value(grammar.value(family))), family


@construct("aggregate", 2, Aggregate.AVG)
def _avg(grammar: Grammar) -> tuple[Any, str]:
    what, family = operand(grammar, numbers(grammar))
    return Avg(what, **_options(grammar)), "decimal" if family == "decimal" else "rough"


@construct("aggregate", 2, Aggregate.MIN)
def _min(grammar: Grammar) -> tuple[Any, str]:
    return _end(grammar, Min)


@construct("aggregate", 2, Aggregate.MAX)
def _max(grammar: Grammar) -> tuple[Any, str]:
    return _end(grammar, Max)


def _end(grammar: Grammar, aggregate: Any) -> tuple[Any, str]:
    families = ordered(grammar)
    if not grammar.named(families):
        return Count("*"), "int"
    what, family = operand(grammar, families)
    return aggregate(what, **_options(grammar)), family


@construct("aggregate", 1, *_SPREADS)
def _spread(grammar: Grammar) -> tuple[Any, str]:
    what, _ = operand(grammar, numbers(grammar) if grammar.pools.tame else ["int"])
    spread = grammar.pick([StdDev, Variance])
    return spread(what, sample=grammar.chance(0.4), **_options(grammar)), "rough"
