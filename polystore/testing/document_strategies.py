"""Random documents, and conditions on what lies within them, for Hypothesis, over the fields of ``Document``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from polystore import Feature, Q
from polystore.query.operators import DatePart, Holding, Operator
from polystore.testing import strategies
from polystore.testing.models import Author, City, Line
from polystore.testing.strategies import FIELDS

LEAVES: dict[str, str] = {
    "name": "word",
    "age": "number",
    "height": "real",
    "fee": "amount",
    "loose": "loose",
    "alive": "flag",
    "born": "moment",
    "wall": "wall",
    "day": "day",
    "at": "at",
    "span": "span",
    "uid": "uid",
    "mood": "mood",
    "level": "level",
}
"""The single values of an author, and the fields of ``Everything`` that hold the like."""

_KEYS = ["a", "b", "A", "0", "1", "01", "x.y", "$", "", 'q"', "é", "\\"]
_PIECES = ["", "a", "A", "b", "ab", "a,b", '"', ',"', "]", "[", "\\", "%", "é", "\n", "null", "1", "true", " ", "a "]
_INTS = st.one_of(st.integers(-2, 3), st.sampled_from([2**53 + 1, -(2**63), 2**63 - 1, 10**15]))

Declares = Callable[..., bool]


def keys() -> st.SearchStrategy[str]:
    """Keys of objects, many of them awkward."""
    return st.sampled_from(_KEYS)


def words() -> st.SearchStrategy[str]:
    """Texts that look like the JSON around them."""
    return st.sampled_from(_PIECES) | st.lists(st.sampled_from(_PIECES), max_size=3).map("".join)


def scalars() -> st.SearchStrategy[Any]:
    """Single JSON values but null; floats that are not beyond all ints that a float holds."""
    reals = st.sampled_from([0.0, 1.0, -1.5, 0.1, 1e-9, 2.0]) | st.floats(-1e9, 1e9).map(lambda value: value + 0.0)
    return st.one_of(st.booleans(), _INTS, reals, words())


def documents() -> st.SearchStrategy[Any]:
    """JSON values of few keys, nested."""
    leaf = st.none() | scalars()
    nested = st.recursive(
        leaf, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys(), inner, max_size=3), max_leaves=6
    )
    return nested.filter(lambda value: value is not None)


def authors() -> st.SearchStrategy[Author]:
    """Authors with some values."""
    some: dict[str, st.SearchStrategy[Any]] = {
        leaf: FIELDS[like].strategy for leaf, like in LEAVES.items() if leaf != "name"
    }
    some |= {
        "city": st.builds(City, name=words()),
        "nicknames": st.lists(words(), max_size=3),
        "extra": documents(),
    }
    return st.fixed_dictionaries({"name": strategies.texts()}, optional=some).map(Author.model_validate)


def lines() -> st.SearchStrategy[Line]:
    """Elements of few different values, so that some are alike."""
    return st.builds(
        Line,
        sku=st.sampled_from(["a", "b", ""]),
        quantity=st.none() | st.integers(0, 2),
        price=st.none() | st.sampled_from([Decimal("9.50"), Decimal("10.00")]),
        marks=st.lists(st.integers(0, 2), max_size=2),
    )


_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "author": authors(),
    "lines": st.lists(lines(), max_size=3),
    "tags": st.lists(words(), max_size=4),
    "numbers": st.lists(_INTS, max_size=4),
    "data": documents(),
    "words": st.dictionaries(keys(), words(), max_size=3),
}


def rows(most: int) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Rows of ``Document`` with some of the fields given."""
    optional = {name: values if name == "lines" else st.none() | values for name, values in _FIELDS.items()}
    return st.lists(st.fixed_dictionaries({}, optional=optional), min_size=1, max_size=most).map(
        lambda made: [{"name": f"n{place}", **row} for place, row in enumerate(made)]
    )


# ---- conditions


@dataclass(frozen=True, slots=True)
class Asked:
    """Conditions of one sort, and what a store must declare to answer them."""

    needs: tuple[Feature | Holding, ...]
    conditions: st.SearchStrategy[Q]


def _one(name: str, value: st.SearchStrategy[Any]) -> st.SearchStrategy[Q]:
    return value.map(lambda given: Q(**{name: given}))


def _tests(name: str, values: st.SearchStrategy[Any], tests: Sequence[str]) -> st.SearchStrategy[Q]:
    """One of some lookups of the same values, or whether there is one."""
    some = st.sampled_from(list(tests)).flatmap(lambda test: _one(f"{name}__{test}", values))
    listed = _one(f"{name}__in", st.lists(values, max_size=3))
    return st.one_of(some, listed, _one(f"{name}__isnull", st.booleans()))


def _of_author(leaf: str, allowed: Callable[[str], bool]) -> st.SearchStrategy[Q]:
    values = FIELDS[LEAVES[leaf]]
    tests = [each for each in values.lookups if each not in ("in", "range", "isnull") and allowed(each)]
    return _tests(f"author__{leaf}", values.strategy, tests)


def _of_lines() -> st.SearchStrategy[Q]:
    """Conditions on elements, some of them on several values of the same one."""
    leaf = st.one_of(
        _tests("lines__sku", st.sampled_from(["a", "b", ""]), ["exact", "gt"]),
        _tests("lines__quantity", st.integers(0, 2), ["exact", "gt", "lte"]),
        _tests("lines__price", st.sampled_from([Decimal("9.5"), Decimal(10)]), ["exact", "gt"]),
    )
    return strategies.conditions(leaf)


_ORDERED = ["exact", "gt", "gte", "lt", "lte"]
_TEXTS = ["exact", "iexact", "icontains", "startswith", "istartswith", "endswith", "gt", "lte"]


def _of_json(allowed: Callable[[str], bool]) -> st.SearchStrategy[Q]:
    """Comparisons of what lies at paths of up to three keys, or none."""
    numbers = _INTS | st.floats(-1e9, 1e9)
    texts = [each for each in _TEXTS if allowed(each)]

    def at(path: list[str]) -> st.SearchStrategy[Q]:
        name = "__".join(["data", *path])
        return st.one_of(
            _tests(name, scalars(), ["exact"]),
            _tests(name, numbers, _ORDERED),
            _tests(name, words(), texts),
            *([_one(f"{name}__exact", st.none())] if path else []),
        )

    return st.lists(keys(), max_size=3).flatmap(at)


def _of_lists(name: str, values: st.SearchStrategy[Any]) -> list[Asked]:
    listed = st.lists(values, max_size=3)
    return [
        Asked((Holding.ARRAY_EXACT,), _one(name, listed)),
        Asked((Holding.ARRAY_CONTAINS,), _one(f"{name}__contains", values | listed)),
        Asked((Holding.ARRAY_CONTAINED_BY,), _one(f"{name}__contained_by", listed)),
        Asked((Holding.ARRAY_OVERLAP,), _one(f"{name}__overlap", listed)),
        Asked((Feature.SIZES,), _tests(f"{name}__len", st.integers(-1, 4), _ORDERED)),
        Asked((Feature.PATH_ITEMS,), _tests(f"{name}__1", values, _ORDERED)),
    ]


def asked(declares: Declares) -> list[st.SearchStrategy[Q]]:
    """The conditions that a store answers, one strategy for each sort."""
    known = {each.value: each for each in (*Operator, *DatePart)}
    some_keys = st.lists(keys(), min_size=1, max_size=3)

    def allowed(word: str) -> bool:
        return word not in known or declares(known[word])

    found = [
        *(
            Asked((Feature.PATHS, *([Feature.LOOSE_PATHS] if leaf == "loose" else [])), _of_author(leaf, allowed))
            for leaf in LEAVES
        ),
        Asked((Feature.PATHS,), _tests("author__city__name", words(), _ORDERED)),
        Asked((Feature.PATHS, Feature.SIZES), _tests("author__nicknames__len", st.integers(0, 3), _ORDERED)),
        Asked((Feature.PATHS, Feature.JSON_PATHS), _tests("author__extra__a", scalars(), ["exact"])),
        Asked((Feature.ANY_ELEMENT, Feature.PATHS), _of_lines()),
        Asked((Feature.PATH_ITEMS, Feature.PATHS), _tests("lines__1__quantity", st.integers(0, 2), _ORDERED)),
        Asked((Feature.JSON_PATHS, Holding.JSON_NULL), _of_json(allowed)),
        Asked((Feature.JSON_PATHS, Holding.JSON_EXACT), _one("data__a", documents())),
        Asked((Holding.JSON_EXACT, Feature.JSON_PATHS), _one("data", documents())),
        Asked((Holding.JSON_CONTAINS,), _one("data__contains", documents())),
        Asked((Holding.JSON_CONTAINED_BY,), _one("data__contained_by", documents())),
        Asked((Holding.HAS_KEY,), _one("data__has_key", keys())),
        Asked((Holding.HAS_KEYS,), _one("data__has_keys", some_keys)),
        Asked((Holding.HAS_ANY_KEYS,), _one("data__has_any_keys", some_keys)),
        Asked((Feature.PATH_KEYS,), keys().flatmap(lambda key: _tests(f"words__{key}", words(), _ORDERED))),
        *_of_lists("tags", words()),
        *_of_lists("numbers", _INTS),
    ]
    return [each.conditions for each in found if declares(*each.needs)]
