"""A drawn query as a value: the calls of a chain and the verb at its end; it runs on any store and reads as code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from polystore import QuerySet
from polystore.query.capabilities import Feature
from polystore.query.operators import Aggregate, Function
from polystore.query.subqueries import Inner, Queried
from polystore.testing.drawing.code import arguments_code
from polystore.testing.drawing.grammar import Need
from polystore.testing.models import Everything


class Ask(Protocol):
    """Runs a verb on a queryset; ``rows`` is the list of its rows."""

    def __call__(self, query: Any, verb: str, /, *arguments: Any, **named: Any) -> Any: ...


SETS: Mapping[str, Feature] = {
    "union": Feature.UNION,
    "intersection": Feature.INTERSECTION,
    "difference": Feature.DIFFERENCE,
}
"""The calls that put queries together, with what a store must declare."""
_ROUGH = {Function.POWER, Function.SQRT} | set(Aggregate) - {Aggregate.COUNT, Aggregate.MIN, Aggregate.MAX}


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a chain; ``[]`` is a slice."""

    name: str
    arguments: tuple[Any, ...] = ()
    named: Mapping[str, Any] = field(default_factory=dict)

    def on(self, query: Any, source: Any = None) -> Any:
        """The queryset with this call; what it is put together with is made of ``source``."""
        if self.name == "[]":
            return query[slice(*self.arguments)]
        if self.name in SETS:
            return getattr(query, self.name)(*(each.on(source) for each in self.arguments), **self.named)
        return getattr(query, self.name)(*self.arguments, **self.named)

    def __str__(self) -> str:
        if self.name == "[]":
            start, stop = self.arguments
            return f"[{'' if start is None else start}:{'' if stop is None else stop}]"
        return f".{self.name}({arguments_code(self.arguments, self.named)})"


@dataclass(frozen=True, slots=True)
class Inside:
    """A queryset in a part of a query: conditions and expressions of any store take it for one."""

    calls: tuple[Call, ...]

    def on(self, query: Any) -> Any:
        """The queryset with these calls."""
        for call in self.calls:
            query = call.on(query)
        return query

    def _rows_within(self) -> Inner:
        return self._queryset()._rows_within()

    def _values_within(self, what: str, *, key: bool) -> Inner:
        return self._queryset()._values_within(what, key=key)

    def _queryset(self) -> Queried:
        made: Queried = self.on(Everything.objects.all())
        return made

    def __repr__(self) -> str:
        return f"Everything.objects{''.join(map(str, self.calls)) or '.all()'}"


@dataclass(frozen=True, slots=True)
class DrawnQuery:
    """A chain of calls, the verb at its end, and what a store needs to answer it natively.

    A ``wild`` query was drawn without regard to what the store declares. With ``client_at`` it is asked a second time,
    with ``client()`` at this place.
    """

    calls: tuple[Call, ...]
    verb: Call
    needs: frozenset[Need] = frozenset()
    wild: bool = False
    client_at: int | None = None

    @property
    def writes(self) -> bool:
        """Whether it changes rows."""
        return self.verb.name in ("update", "delete")

    @property
    def of_a_store(self) -> bool:
        """Whether only a store can answer it, and nothing that comes after ``client()``."""
        return not self.needs.isdisjoint((Feature.SUBQUERIES, *SETS.values()))

    @property
    def rough(self) -> bool:
        """Whether its floats are compared nearly: stores add them in different orders and have their own libraries."""
        return not _ROUGH.isdisjoint(self.needs)

    @property
    def ordered(self) -> bool:
        """Whether its rows have an order: one was given, which the key makes total, or there is a slice."""
        last = max((place for place, call in enumerate(self.calls) if call.name in SETS), default=-1)
        calls = self.calls[last + 1 :]
        orders = any(call.name in ("order_by", "distinct") and call.arguments for call in calls)
        cut = any(call.name == "[]" and call.arguments not in ((0, None), (None, None)) for call in calls)
        return cut or orders or any(call.name in ("dates", "datetimes") for call in calls)

    def run(self, source: QuerySet[Any, Any], ask: Ask, client_at: int | None = None) -> Any:
        """What the query answers on a store.

        Args:
            source: all rows of the model there.
            ask: runs a verb there.
            client_at: the place among the calls from which on everything is done here.
        """
        query: Any = source
        for place, call in enumerate(self.calls):
            query = call.on(query.client(max_rows=1000) if place == client_at else query, source)
        if client_at == len(self.calls):
            query = query.client(max_rows=1000)
        perform = VERBS.get(self.verb.name)
        if perform is not None:
            return perform(query, ask, *self.verb.arguments, **self.verb.named)
        return ask(query, self.verb.name, *self.verb.arguments, **self.verb.named)

    def __str__(self) -> str:
        query = str(Inside(self.calls))
        match self.verb.name:
            case "rows":
                return f"list({query})"
            case "pages":
                return f"{query}.keyset({self.verb.arguments[0]})"
            case _:
                return f"{query}{self.verb}"


Perform: TypeAlias = Callable[..., Any]


def _pages(query: Any, ask: Ask, size: int) -> Any:
    """All pages to the end, and the way back from the last one."""
    page = ask(query, "keyset", size)
    found = [list(page)]
    while page.next is not None and len(found) < 100:
        page = ask(query, "keyset", size, after=page.next)
        found.append(list(page))
    back = None if page.previous is None else list(ask(query, "keyset", size, before=page.previous))
    return found, back


VERBS: Mapping[str, Perform] = {"pages": _pages}
"""Verbs that are more than one call."""
