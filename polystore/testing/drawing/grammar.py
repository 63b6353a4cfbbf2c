"""What drawing a query goes by: dice, what the store declares, and what the query has needed so far.

What can be drawn is entered with ``construct``, by the place in a query where it stands: a new verb or function is one
more function with that decorator, and nothing else changes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple, TypeAlias, TypeVar

from polystore.query.capabilities import Feature
from polystore.query.operators import (
    Aggregate,
    ArithmeticOperator,
    DatePart,
    Function,
    Holding,
    Operator,
    WindowFunction,
)
from polystore.testing.drawing.families import FIELDS, Pools

Need: TypeAlias = Feature | Operator | DatePart | ArithmeticOperator | Function | Aggregate | WindowFunction | Holding
T = TypeVar("T")


@dataclass
class Grammar:
    """One query in the making.

    ``wild`` queries use what the store does not declare, too: it has to refuse them. Values are drawn with dice of
    their own, so that one structure can be drawn again with others. ``names`` are the fields and annotations in
    reach, each with its family; ``windowed`` those that may be values of windows; ``around`` the names of the queries
    around a query within, the nearest first.
    """

    dice: Random
    pools: Pools
    declares: Callable[..., bool]
    wild: bool
    values: Random
    names: dict[str, str] = field(default_factory=lambda: dict(FIELDS))
    needs: set[Need] = field(default_factory=set)
    windowed: set[str] = field(default_factory=set)
    around: tuple[Mapping[str, str], ...] = ()

    def may(self, *needs: Need) -> bool:
        """Whether a construct that needs these can be drawn."""
        return self.wild or self.declares(*needs)

    def use(self, *needs: Need) -> bool:
        """Whether such a construct can be drawn; if so it counts as drawn."""
        if not self.may(*needs):
            return False
        self.needs.update(needs)
        return True

    def chance(self, share: float) -> bool:
        """True in this share of the cases."""
        return self.dice.random() < share

    def pick(self, options: Sequence[T]) -> T:
        """One of these."""
        return self.dice.choice(options)

    def some(self, options: Sequence[T], least: int, most: int) -> list[T]:
        """A few of these, none of them twice."""
        return self.dice.sample(options, min(len(options), self.dice.randint(least, most)))

    def named(self, families: Iterable[str]) -> list[str]:
        """The names of these families; mostly those alone that the example is about."""
        wanted = set(families)
        return self.near([name for name, family in self.names.items() if family in wanted])

    def near(self, names: list[str]) -> list[str]:
        """Mostly the annotations and the fields that the example is about, where there are some among these names."""
        near = [name for name in names if name in self.pools.fields or name not in FIELDS]
        return near if near and self.chance(0.8) else names

    def value(self, family: str) -> Any:
        """A value of a family."""
        return self.pools.of_family(self.values, family)


class Construct(NamedTuple):
    """Something that can be drawn: how often, what it needs of the store, how it is made."""

    weight: float
    needs: tuple[Need, ...]
    make: Callable[..., Any]


CONSTRUCTS: dict[str, list[Construct]] = defaultdict(list)
"""All constructs, by the place in a query where they can stand."""


def construct(place: str, weight: float, *needs: Need) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Makes a function of a grammar (and what the place gives besides) a construct of this place."""

    def enter(make: Callable[..., Any]) -> Callable[..., Any]:
        CONSTRUCTS[place].append(Construct(weight, needs, make))
        return make

    return enter


def drawn(grammar: Grammar, place: str, *arguments: Any) -> Any:
    """One of the place's constructs that the grammar allows, made with these arguments; None where there is none."""
    allowed = [each for each in CONSTRUCTS[place] if grammar.may(*each.needs)]
    if not allowed:
        return None
    (chosen,) = grammar.dice.choices(allowed, [each.weight for each in allowed])
    grammar.needs.update(chosen.needs)
    return chosen.make(grammar, *arguments)
