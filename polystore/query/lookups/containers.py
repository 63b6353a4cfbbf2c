"""What can be asked of lists, dicts, embedded models and JSON as a whole, and the values that these questions take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from polystore.query.coerce import Coerce, Refused, Verdict, coercer, refuse_container
from polystore.query.operators import Holding, Operator
from polystore.schema.kinds import JsonKind, Kind, ListKind, MapKind, TextKind, describe_kind, is_container
from polystore.schema.storable import is_json

Test = Operator | Holding | str

_KEYS: dict[str, Test] = {
    "has_key": Holding.HAS_KEY,
    "has_keys": Holding.HAS_KEYS,
    "has_any_keys": Holding.HAS_ANY_KEYS,
}
_OF_ARRAYS: dict[str, Test] = {
    "exact": Holding.ARRAY_EXACT,
    "contains": Holding.ARRAY_CONTAINS,
    "contained_by": Holding.ARRAY_CONTAINED_BY,
    "overlap": Holding.ARRAY_OVERLAP,
    "isnull": "isnull",
}
_OF_JSON: dict[str, Test] = {
    **{operator.value: operator for operator in Operator},
    "contains": Holding.JSON_CONTAINS,
    "contained_by": Holding.JSON_CONTAINED_BY,
    **_KEYS,
    "in": "in",
    "range": "range",
    "isnull": "isnull",
}
_OF_OTHERS: dict[str, Test] = {"exact": Operator.EXACT, "isnull": "isnull"}
CONTAINER_WORDS = ("contained_by", "overlap", *_KEYS)


def container_tests(kind: Kind) -> Mapping[str, Test]:
    """The words for what can be asked of a kind of container; ``exact`` of some only knows None."""
    match kind:
        case ListKind(item=item) if not is_container(item):
            return _OF_ARRAYS
        case JsonKind():
            return _OF_JSON
        case MapKind():
            return {**_OF_OTHERS, **_KEYS}
        case _:
            return _OF_OTHERS


def words_of(kind: Kind) -> list[str]:
    """The words that are told: ``exact`` where it knows more than None."""
    tests = container_tests(kind)
    return [word for word in tests if word != "exact" or (isinstance(kind, JsonKind | ListKind) and len(tests) > 2)]


def value_kind(kind: Kind, test: Holding) -> Kind:
    """The kind of the values that a question about a container takes."""
    match test:
        case Holding.HAS_KEY:
            return TextKind()
        case Holding.HAS_KEYS | Holding.HAS_ANY_KEYS:
            return ListKind(TextKind())
        case _:
            return kind


def holding_coercer(kind: Kind, test: Test) -> Coerce:
    """The function from a user's value (never None) to the plain one of a question, or its certain answer."""
    match test:
        case Holding.HAS_KEY:
            return coercer(TextKind(), Operator.EXACT)
        case Holding.HAS_KEYS | Holding.HAS_ANY_KEYS:
            return _keys
        case Holding.JSON_CONTAINS | Holding.JSON_CONTAINED_BY:
            return json_value
        case Holding() if isinstance(kind, ListKind):
            return _array_coercer(kind, test)
        case _:
            return refuse_container


def _keys(value: Any) -> list[str]:
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        raise Refused("a list of keys")
    found = [coercer(TextKind(), Operator.EXACT)(key) for key in value]
    if not found:
        raise Refused("a list of at least one key")
    return found


def _array_coercer(kind: ListKind, test: Holding) -> Coerce:
    item = coercer(kind.item, Operator.EXACT)
    what = describe_kind(kind)
    exact = test is Holding.ARRAY_EXACT

    def coerce(value: Any) -> Any:
        items = [value] if test is Holding.ARRAY_CONTAINS and _is_single(value) else value
        if not isinstance(items, list | tuple):
            raise Refused(f"a {what}" + (" or one element" if test is Holding.ARRAY_CONTAINS else ""))
        if None in items and not (exact and kind.item_null):
            raise Refused(f"a {what} without None")
        return _settled(test, [None if each is None else item(each) for each in items])

    return coerce


def _is_single(value: Any) -> bool:
    return not isinstance(value, list | tuple | set | frozenset | Mapping)


def _settled(test: Holding, items: list[Any]) -> Any:
    """The list without items that no list has, or what is certain then."""
    possible = [each for each in items if not isinstance(each, Verdict)]
    if len(possible) < len(items) and test in (Holding.ARRAY_EXACT, Holding.ARRAY_CONTAINS):
        return Verdict.NEVER
    if test is Holding.ARRAY_CONTAINS and not possible:
        return Verdict.NOT_NULL
    if test is Holding.ARRAY_OVERLAP and not possible:
        return Verdict.NEVER
    return possible


# ---- JSON


def json_value(value: Any) -> Any:
    """A JSON value that every store can hold."""
    value = list(value) if isinstance(value, tuple) else value
    if not is_json(value):
        raise Refused("a JSON value: dict, list, str, bool, finite float, int of 64 bits")
    return value


_TAGS: dict[type, str] = {bool: "bool", int: "int", float: "float", str: "text"}


def json_tag(value: Any, operator: Operator) -> str:
    """The type of a JSON value that something in JSON is compared with, as structure names it.

    Raises:
        Refused: a value that JSON has not, or that the comparison does not take.
    """
    tag = _TAGS.get(type(json_value(value)), "json")
    if operator in (Operator.GT, Operator.GTE, Operator.LT, Operator.LTE):
        if tag not in ("int", "float", "text"):
            raise Refused("a number or a text: nothing else in JSON is ordered")
    elif operator is not Operator.EXACT and tag != "text":
        raise Refused("a text")
    return tag
