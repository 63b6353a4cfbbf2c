"""Rows are found within documents, arrays and JSON as the reference evaluator finds them, drawn at random."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polystore import Case, Cast, EmbeddedModel, F, Field, Model, Q, QuerySet, Store, Value, When, field
from polystore.errors import NotSupportedError

pytestmark = pytest.mark.hypothesis


class Box(EmbeddedModel):
    """What a shelf holds."""

    label: Field[str] = field(default="", db_column="name")
    size: Field[int | None] = field(default=None)
    sizes: Field[list[int] | None] = field(default=None)
    extra: Field[Any] = field(default=None)


class Shelf(Model):
    """One field for each kind of structure."""

    data: Field[Any] = field(default=None, index=True)
    tags: Field[list[str] | None] = field(default=None, index=True)
    holes: Field[list[int | None] | None] = field(default=None)
    loose: Field[list[Any] | None] = field(default=None)
    words: Field[dict[str, str] | None] = field(default=None)
    box: Field[Box | None] = field(default=None)
    boxes: Field[list[Box] | None] = field(default=None)

    class Meta:
        table = "mongo_shelf"


class Pair:
    """A store and the reference evaluator, with the same rows in both."""

    def __init__(self, store: Store, *, refuses: bool) -> None:
        self.stores = (store, Store({"default": "memory://"}))
        self.refuses = refuses
        for each in self.stores:
            each.drop_all([Shelf])
            each.create_all([Shelf])

    def put(self, rows: list[dict[str, Any]]) -> None:
        for store in self.stores:
            query = Shelf.objects.using(store)
            query.all().delete()
            query.bulk_create([Shelf(id=place + 1, **row) for place, row in enumerate(rows)])

    def compare(self, ask: Callable[[QuerySet[Shelf]], Any]) -> None:
        """Both answer alike, or the store refuses and may."""
        found, expected = (self._answer(store, ask) for store in self.stores)
        assert found == expected or (found is NotSupportedError and self.refuses)

    @staticmethod
    def _answer(store: Store, ask: Callable[[QuerySet[Shelf]], Any]) -> Any:
        try:
            return ask(Shelf.objects.using(store).all())
        except NotSupportedError as error:
            return type(error)


@pytest.fixture(
    scope="module",
    params=[pytest.param("mongodb", marks=pytest.mark.server("mongodb")), "mongomock"],
)
def pair(request: pytest.FixtureRequest, available_servers: dict[str, str]) -> Iterator[Pair]:
    url = "mongomock://" if request.param == "mongomock" else available_servers["mongodb"]
    with Store({"default": url}) as store:
        yield Pair(store, refuses=request.param == "mongomock")
        store.drop_all([Shelf])


# ---- drawing

KEYS = ["a", "b", "0", "1", "a.b", "$a", "", "exact"]
SINGLES = st.sampled_from(
    [None, True, False, 0, 1, 1.0, 1.5, -1, 2**53 + 1, float(2**53), "", "a", "A", "b", "1", "$a"]
)
JSON = st.recursive(
    SINGLES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=6,
)
TEXTS = st.sampled_from(["", "a", "A", "b", "$a", "a.b"])
NUMBERS = st.integers(-1, 2)
BOXES = st.builds(
    Box,
    label=TEXTS,
    size=st.none() | NUMBERS,
    sizes=st.none() | st.lists(NUMBERS, max_size=3),
    extra=JSON,
)
SHELVES = st.fixed_dictionaries(
    {},
    optional={
        "data": JSON,
        "tags": st.lists(TEXTS, max_size=3),
        "holes": st.lists(st.none() | NUMBERS, max_size=3),
        "loose": st.lists(JSON, max_size=3),
        "words": st.dictionaries(st.sampled_from(KEYS), TEXTS, max_size=3),
        "box": BOXES,
        "boxes": st.lists(BOXES, max_size=3),
    },
)


def json_paths(root: str) -> st.SearchStrategy[str]:
    """A path of at most two keys."""
    return st.lists(st.sampled_from(KEYS), max_size=2).map(lambda keys: "__".join([root, *keys]))


@st.composite
def json_lookups(draw: st.DrawFn, root: str) -> tuple[str, Any]:
    """A question about JSON, or about what lies at a path in it."""
    path = draw(json_paths(root))
    word, values = draw(
        st.sampled_from(
            [
                ("exact", JSON.filter(lambda value: value is not None or path != root)),
                ("in", st.lists(JSON, max_size=3)),
                ("isnull", st.booleans()),
                *((word, SINGLES.filter(_has_order)) for word in ("gt", "gte", "lt", "lte")),
                *((word, TEXTS) for word in ("startswith", "endswith", "icontains", "iexact")),
                ("contains", JSON.filter(lambda value: value is not None)),
                ("contained_by", JSON.filter(lambda value: value is not None)),
                ("has_key", st.sampled_from(KEYS)),
                ("has_keys", st.lists(st.sampled_from(KEYS), min_size=1, max_size=2)),
                ("has_any_keys", st.lists(st.sampled_from(KEYS), min_size=1, max_size=2)),
            ]
        )
    )
    return f"{path}__{word}", draw(values)


def _has_order(value: Any) -> bool:
    return isinstance(value, int | float | str) and not isinstance(value, bool)


def lookups_of(name: str, of_texts: bool) -> st.SearchStrategy[tuple[str, Any]]:
    """A question about a list of single values."""
    items = TEXTS if of_texts else NUMBERS
    lists = st.lists(items, max_size=3)
    questions: list[tuple[str, st.SearchStrategy[Any]]] = [
        (name, lists),
        (f"{name}__contains", lists),
        (f"{name}__contained_by", lists),
        (f"{name}__overlap", lists),
        (f"{name}__isnull", st.booleans()),
        (f"{name}__0", st.none() | items),
        (f"{name}__1__gte", items),
        (f"{name}__len", NUMBERS),
        (f"{name}__len__gt", NUMBERS),
        (f"{name}__2__isnull", st.booleans()),
    ]
    return st.sampled_from(questions).flatmap(lambda asked: st.tuples(st.just(asked[0]), asked[1]))


def box_lookups(name: str) -> st.SearchStrategy[tuple[str, Any]]:
    """A question about what an embedded model holds."""
    return st.one_of(
        st.tuples(st.sampled_from([f"{name}__label", f"{name}__label__startswith"]), TEXTS),
        st.tuples(st.just(f"{name}__size"), st.none() | NUMBERS),
        st.tuples(st.sampled_from([f"{name}__size__gt", f"{name}__size__lte"]), NUMBERS),
        st.tuples(st.just(f"{name}__size__in"), st.lists(NUMBERS, max_size=3)),
        st.tuples(st.sampled_from([f"{name}__isnull", f"{name}__extra__isnull"]), st.booleans()),
        lookups_of(f"{name}__sizes", of_texts=False),
        json_lookups(f"{name}__extra"),
    )


LOOKUPS = st.one_of(
    json_lookups("data"),
    json_lookups("data"),
    json_lookups("loose__0"),
    lookups_of("tags", of_texts=True),
    lookups_of("holes", of_texts=False),
    st.tuples(st.sampled_from(["words__a", "words__a.b", "words____gt", "words__$a__startswith"]), TEXTS),
    st.tuples(st.just("words__has_key"), st.sampled_from(KEYS)),
    st.tuples(st.sampled_from(["words__0__isnull", "words__isnull"]), st.booleans()),
    box_lookups("box"),
    box_lookups("boxes"),
    box_lookups("boxes__1"),
    st.tuples(st.just("boxes__len"), NUMBERS),
)


@st.composite
def conditions(draw: st.DrawFn) -> Q:
    """Some questions, joined in some way."""
    found = Q(**dict([draw(LOOKUPS)]))
    for _ in range(draw(st.integers(0, 2))):
        other = Q(**dict([draw(LOOKUPS)]))
        other = ~other if draw(st.booleans()) else other
        found = found & other if draw(st.booleans()) else found | other
    return found


# ---- comparing


often = settings(deadline=None, suppress_health_check=list(HealthCheck))


@often
@given(st.lists(SHELVES, min_size=1, max_size=6), st.lists(conditions(), min_size=6, max_size=6))
def test_rows_found_within_documents_are_those_of_the_reference(
    pair: Pair, rows: list[dict[str, Any]], asked: list[Q]
) -> None:
    pair.put(rows)
    for condition in asked:
        hit = Case(When(condition, then=Value(1)), default=Value(0))
        pair.compare(lambda query, c=condition: sorted(query.filter(c).values_list("id", flat=True)))
        pair.compare(lambda query, c=condition: sorted(query.exclude(c).values_list("id", flat=True)))
        pair.compare(lambda query, hit=hit: sorted(query.annotate(hit=hit).values_list("id", "hit")))


@often
@given(st.lists(SHELVES, min_size=1, max_size=8), st.lists(json_paths("data"), min_size=4, max_size=4))
def test_rows_are_read_and_ordered_by_json_as_the_reference_does(
    pair: Pair, rows: list[dict[str, Any]], paths: list[str]
) -> None:
    pair.put(rows)
    for path in paths:
        casts = [Cast(path, kind) for kind in (int, float, str)]
        pair.compare(lambda query, path=path: list(query.order_by(path).values_list("id", flat=True)))
        pair.compare(lambda query, path=path: list(query.order_by(f"-{path}").values_list("id", flat=True)))
        by = F(path).desc(nulls_last=True)
        pair.compare(lambda query, by=by: list(query.order_by(by).values_list("id", flat=True)))
        pair.compare(lambda query, path=path: repr(sorted_rows(query.values_list("id", path))))
        pair.compare(lambda query, casts=casts: repr(sorted_rows(query.values_list("id", *casts))))


def sorted_rows(rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(rows, key=lambda row: row[0])
