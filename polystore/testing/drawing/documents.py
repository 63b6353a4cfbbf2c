"""What lies within documents and lists: paths that are named as fields are, and conditions on lists, dicts and JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from polystore import Q
from polystore.query.capabilities import Feature
from polystore.query.operators import Holding
from polystore.testing.drawing.conditions import lookup, plain
from polystore.testing.drawing.families import FAMILIES, WHOLE
from polystore.testing.drawing.grammar import Grammar, Need, construct


class Place(NamedTuple):
    """What lies at a path: values of a family, and what a store must declare to name them."""

    family: str
    needs: tuple[Need, ...]


PLACES: Mapping[str, Place] = {
    "person__name": Place("text", (Feature.PATHS,)),
    "person__born": Place("moment", (Feature.PATHS,)),
    "person__city__name": Place("text", (Feature.PATHS,)),
    "person__city__founded": Place("date", (Feature.PATHS,)),
    "person__city__area": Place("decimal", (Feature.PATHS,)),
    "person__nicknames__0": Place("text", (Feature.PATHS, Feature.PATH_ITEMS)),
    "people__0__name": Place("text", (Feature.PATHS, Feature.PATH_ITEMS)),
    "people__1__city__area": Place("decimal", (Feature.PATHS, Feature.PATH_ITEMS)),
    "tags__0": Place("text", (Feature.PATH_ITEMS,)),
    "moments__1": Place("moment", (Feature.PATH_ITEMS,)),
    "amounts__a": Place("decimal", (Feature.PATH_KEYS, Feature.LOOSE_PATHS)),
    "data__a": Place("whole", (Feature.JSON_PATHS,)),
    "data__a__0": Place("whole", (Feature.JSON_PATHS,)),
}
_ELEMENTS: Mapping[str, str] = {
    "people__name": "text",
    "people__born": "moment",
    "people__city__name": "text",
    "people__city__area": "decimal",
}
_KEYS = ("a", "b", "c")
_NUMBERS = (0, 1, 1.5, -1, 2, 2**53 + 1)
_ORDER = ("exact", "gt", "gte", "lt", "lte", "in", "isnull")


def look_into(grammar: Grammar) -> None:
    """Makes a few paths names like those of fields."""
    known = [name for name, place in PLACES.items() if grammar.may(Feature.COMPUTED, *place.needs)]
    for name in grammar.some(known, 1, 3):
        grammar.use(Feature.COMPUTED, *PLACES[name].needs)
        grammar.names[name] = PLACES[name].family


def _of_rows(grammar: Grammar) -> bool:
    """Whether conditions are on rows of the model, not on groups."""
    return "data" in grammar.names


@construct("lookup", 0.1, Feature.SIZES)
def _size(grammar: Grammar) -> Q:
    if not _of_rows(grammar):
        return plain(grammar)
    names = ["tags", "moments", "people"]
    name = grammar.pick([*names, "person__nicknames"] if grammar.use(Feature.PATHS) else names)
    word, number = grammar.pick(["exact", "gt", "lte"]), grammar.values.choice([-1, 0, 1, 2, 3])
    return Q(**{f"{name}__len" if word == "exact" else f"{name}__len__{word}": number})


@construct("lookup", 0.12, Feature.ANY_ELEMENT, Feature.PATHS)
def _element(grammar: Grammar) -> Q:
    if not _of_rows(grammar):
        return plain(grammar)
    name = grammar.pick([*_ELEMENTS])
    family = _ELEMENTS[name]
    return lookup(grammar, name, list(FAMILIES[family].lookups), family)


@construct("lookup", 0.12)
def _list(grammar: Grammar) -> Q:
    """What a list of texts has."""
    words: list[tuple[Need, str]] = [
        (Holding.ARRAY_EXACT, "tags"),
        (Holding.ARRAY_CONTAINS, "tags__contains"),
        (Holding.ARRAY_CONTAINED_BY, "tags__contained_by"),
        (Holding.ARRAY_OVERLAP, "tags__overlap"),
    ]
    name = _allowed(grammar, words)
    if name is None:
        return plain(grammar)
    if name == "tags__contains" and grammar.chance(0.5):
        return Q(tags__contains=grammar.value("text"))
    return Q(**{name: grammar.values.choice([*WHOLE["tags"], ["a"], [grammar.value("text"), "b"]])})


@construct("lookup", 0.12)
def _json(grammar: Grammar) -> Q:
    """What a JSON value is and has."""
    words: list[tuple[Need, str]] = [
        (Holding.JSON_EXACT, "data"),
        (Holding.JSON_CONTAINS, "data__contains"),
        (Holding.JSON_CONTAINED_BY, "data__contained_by"),
        (Holding.HAS_KEY, "data__has_key"),
        (Holding.HAS_KEYS, "data__has_keys"),
        (Holding.HAS_ANY_KEYS, "data__has_any_keys"),
    ]
    name = _allowed(grammar, words)
    if name is None:
        return plain(grammar)
    if name == "data__has_key":
        return Q(data__has_key=grammar.values.choice(_KEYS))
    if name in ("data__has_keys", "data__has_any_keys"):
        return Q(**{name: grammar.values.sample(_KEYS, 2)})
    return Q(**{name: grammar.values.choice(WHOLE["data"])})


def _allowed(grammar: Grammar, words: Sequence[tuple[Need, str]]) -> str | None:
    """One of the lookups that the store has, where there are rows of the model."""
    known = [(need, name) for need, name in words if grammar.may(need)]
    if not known or not _of_rows(grammar):
        return None
    need, name = grammar.pick(known)
    grammar.needs.add(need)
    return name


@construct("lookup", 0.2, Feature.JSON_PATHS)
def _json_path(grammar: Grammar) -> Q:
    """A comparison of what lies at a path into JSON, by the type of the value."""
    if not _of_rows(grammar):
        return plain(grammar)
    name = grammar.pick(["data__a", "data__a__0", "data__a__2__b", "data__b", "data__0"])
    match grammar.dice.randint(0, 3):
        case 0 if grammar.use(Holding.JSON_NULL):
            return Q(**{name: grammar.values.choice([None, True, False])})
        case 1:
            return lookup(grammar, name, ["exact", "startswith", "icontains", "gt"], "text")
        case _:
            return _number_at(grammar, name)


def _number_at(grammar: Grammar, name: str) -> Q:
    word = grammar.pick(_ORDER)
    asked: Any = grammar.values.choice(_NUMBERS)
    if word == "in":
        asked = [asked, grammar.values.choice(_NUMBERS)]
    if word == "isnull":
        asked = grammar.values.random() < 0.5
    return Q(**{name if word == "exact" else f"{name}__{word}": asked})
