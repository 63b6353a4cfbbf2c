"""Every verb of a queryset in turn, each a line of the capability table: answered, or refused before any command.

What each means in all its corners is held by the other files; here each is asked once, in its plainest form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import pytest

from polystore import Count, F, Feature, Lower, QuerySet, RowNumber, Sum, Window
from polystore.errors import TransactionManagementError, UniqueViolation
from polystore.query.operators import Aggregate, ArithmeticOperator, Function, WindowFunction
from polystore.testing.harness import Capability, Db, rule
from polystore.testing.models import Everything, Unique

rows = Everything.objects
uniques = Unique.objects
SOME = [
    {
        "name": f"n{place}",
        "number": place or None,
        "text": "odd" if place % 2 else "Even",
        "day": date(2024, place, 9) if place else None,
        "moment": datetime(2024, 1, place, 12, 30, tzinfo=UTC) if place else None,
    }
    for place in range(6)
]
Query = QuerySet[Any, Any]


class Verb(NamedTuple):
    """A line of the table: what a store must declare, and the test of it, given all rows.

    ``here`` tells whether what the store lacks is answered behind ``client()``.
    """

    answers: Callable[[Db, Any], None]
    needs: Sequence[Capability] = ()
    here: bool = True


# ---- chaining


def _filter(db: Db, query: Query) -> None:
    assert db.found(query.filter(number__gt=3)) == "n4 n5"
    assert db.found(query.filter(number__lt=3).filter(text="odd")) == "n1"


def _exclude(db: Db, query: Query) -> None:
    assert db.found(query.exclude(number__gt=3)) == "n0 n1 n2 n3"


def _all(db: Db, query: Query) -> None:
    assert db.found(query.all()) == "n0 n1 n2 n3 n4 n5"


def _none(db: Db, query: Query) -> None:
    with db.commands(0):
        assert db(query.none()).rows() == []


def _order_by(db: Db, query: Query) -> None:
    assert db.names(query.order_by("-number")) == ["n5", "n4", "n3", "n2", "n1", "n0"]


def _nulls(db: Db, query: Query) -> None:
    assert db.names(query.order_by(F("number").asc(nulls_last=True))) == ["n1", "n2", "n3", "n4", "n5", "n0"]


def _order_by_expression(db: Db, query: Query) -> None:
    assert db.names(query.order_by(Lower("text"), "-number")) == ["n4", "n2", "n0", "n5", "n3", "n1"]


def _reverse(db: Db, query: Query) -> None:
    assert db.names(query.order_by("number").reverse()) == ["n5", "n4", "n3", "n2", "n1", "n0"]


def _slices(db: Db, query: Query) -> None:
    assert db.names(query.order_by("number")[1:3]) == ["n1", "n2"]
    assert db.names(query.order_by("number")[4:]) == ["n4", "n5"]


def _distinct(db: Db, query: Query) -> None:
    assert sorted(db(query.values_list("text", flat=True).distinct()).rows()) == ["Even", "odd"]


def _distinct_fields(db: Db, query: Query) -> None:
    found = query.order_by("text", "-number").distinct("text")
    assert db.names(found) == ["n4", "n5"]


def _random_order(db: Db, query: Query) -> None:
    assert db.found(query.order_by("?")) == "n0 n1 n2 n3 n4 n5"


def _windows(db: Db, query: Query) -> None:
    place = Window(RowNumber(), partition_by="text", order_by="number")
    found = db(query.annotate(place=place).filter(place=2).values_list("name", flat=True)).rows()
    assert sorted(found) == ["n2", "n3"]


def _union(db: Db, query: Query) -> None:
    names = query.values_list("name", flat=True)
    found = names.filter(number__lt=3).union(names.filter(number__in=[2, 5]))
    assert sorted(db(found).rows()) == ["n1", "n2", "n5"]


def _intersection(db: Db, query: Query) -> None:
    names = query.values_list("name", flat=True)
    assert db(names.filter(number__lt=3).intersection(names.filter(number__gt=1))).rows() == ["n2"]


def _difference(db: Db, query: Query) -> None:
    names = query.values_list("name", flat=True)
    assert db(names.filter(number__lt=3).difference(names.filter(number__gt=1))).rows() == ["n1"]


def _select_for_update(db: Db, query: Query) -> None:
    with db.commands(0), pytest.raises(TransactionManagementError):
        db(query.select_for_update()).rows()


def _only(db: Db, query: Query) -> None:
    assert set(vars(db(query.only("name")).get(name="n1"))) == {"id", "name"}


def _defer(db: Db, query: Query) -> None:
    held = vars(db(query.defer("text", "day")).get(name="n1"))
    assert "text" not in held
    assert held["number"] == 1


def _annotate(db: Db, query: Query) -> None:
    assert db(query.annotate(low=Lower("text"))).get(name="n2").low == "even"


def _alias(db: Db, query: Query) -> None:
    assert db.found(query.alias(low=Lower("text")).filter(low="even")) == "n0 n2 n4"


def _values(db: Db, query: Query) -> None:
    assert db(query.values("name", "number")).get(name="n1") == {"name": "n1", "number": 1}


def _computed_values(db: Db, query: Query) -> None:
    assert db(query.values("name", low=Lower("text"))).get(name="n2") == {"name": "n2", "low": "even"}


def _values_list(db: Db, query: Query) -> None:
    assert db(query.values_list("name", "number")).get(name="n1") == ("n1", 1)


def _flat(db: Db, query: Query) -> None:
    assert sorted(db(query.values_list("name", flat=True)).rows()) == ["n0", "n1", "n2", "n3", "n4", "n5"]


def _named(db: Db, query: Query) -> None:
    row = db(query.values_list("name", "number", named=True)).get(name="n3")
    assert (row.name, row.number, row) == ("n3", 3, ("n3", 3))


def _groups(db: Db, query: Query) -> None:
    assert sorted(db(query.values_list("text").annotate(n=Count("*"))).rows()) == [("Even", 3), ("odd", 3)]


def _dates(db: Db, query: Query) -> None:
    assert db(query.dates("day", "quarter", "DESC")).rows() == [date(2024, 4, 1), date(2024, 1, 1)]


def _datetimes(db: Db, query: Query) -> None:
    assert db(query.datetimes("moment", "month")).rows() == [datetime(2024, 1, 1, tzinfo=UTC)]


def _using(db: Db, query: Query) -> None:
    assert db.found(query.using(db.store)) == "n0 n1 n2 n3 n4 n5"


def _client(db: Db, query: Query) -> None:
    assert db.found(query.client(max_rows=6).filter(name__regex="[24]")) == "n2 n4"


# ---- answers


def _rows(db: Db, query: Query) -> None:
    with db.commands(1):
        assert len(db(query.all()).rows()) == 6


def _get(db: Db, query: Query) -> None:
    assert db(query.all()).get(number=3).name == "n3"
    with pytest.raises(Everything.DoesNotExist):
        db(query.all()).get(number=99)
    with pytest.raises(Everything.MultipleObjectsReturned):
        db(query.all()).get(text="odd")


def _get_or_none(db: Db, query: Query) -> None:
    assert db(query.all()).get_or_none(number=99) is None
    assert db(query.all()).get_or_none(number=3).name == "n3"


def _first(db: Db, query: Query) -> None:
    assert db(query.order_by("-number")).first().name == "n5"


def _last(db: Db, query: Query) -> None:
    assert db(query.order_by("-number")).last().name == "n0"


def _earliest(db: Db, query: Query) -> None:
    assert db(query.filter(number__gt=1)).earliest("number").name == "n2"


def _latest(db: Db, query: Query) -> None:
    assert db(query.all()).latest("moment").name == "n5"


def _count(db: Db, query: Query) -> None:
    with db.commands(1):
        assert db(query.filter(number__gt=1)).count() == 4


def _estimate(db: Db, query: Query) -> None:
    assert db(query.all()).count(estimate=True) >= 0


def _exists(db: Db, query: Query) -> None:
    assert db(query.filter(number=5)).exists() is True
    assert db(query.filter(number=99)).exists() is False


def _contains(db: Db, query: Query) -> None:
    row = db(query.all()).get(number=2)
    assert db(query.filter(text="Even")).contains(row) is True
    assert db(query.filter(text="odd")).contains(row) is False


def _in_bulk(db: Db, query: Query) -> None:
    found = db(query.all()).in_bulk(["n1", "n9"], field_name="name")
    assert {name: row.number for name, row in found.items()} == {"n1": 1}


def _iterator(db: Db, query: Query) -> None:
    with db.commands(4):
        found = db(query.order_by("number")).iterator(chunk_size=2)
    assert [row.name for row in found] == ["n0", "n1", "n2", "n3", "n4", "n5"]


def _keyset(db: Db, query: Query) -> None:
    page = db(query.order_by("-number")).keyset(size=4)
    assert [row.name for row in page] == ["n5", "n4", "n3", "n2"]
    page = db(query.order_by("-number")).keyset(size=4, after=page.next)
    assert [row.name for row in page] == ["n1", "n0"]
    page = db(query.order_by("-number")).keyset(size=4, before=page.previous)
    assert [row.name for row in page] == ["n5", "n4", "n3", "n2"]


def _aggregate(db: Db, query: Query) -> None:
    assert db(query.all()).aggregate(n=Count("*"), s=Sum("number")) == {"n": 6, "s": 15}


def _explain(db: Db, query: Query) -> None:
    db(query.all()).count()
    with db.commands(0):
        assert "number__gt=3" in query.filter(number__gt=3).explain()


def _analyze(db: Db, query: Query) -> None:
    if db.loop is None:
        assert "server: " in db(query.filter(number__gt=3)).explain(analyze=True)
        return
    db.refused_after = 0
    assert "server: " in query.filter(number__gt=3).explain(analyze=True)


# ---- writes


def _create(db: Db, _: Query) -> None:
    made = db(uniques.all()).create(name="x", code=5)
    assert db(uniques.all()).get(pk=made.pk).code == 5


def _bulk_create(db: Db, _: Query) -> None:
    made = db(uniques.all()).bulk_create([Unique(name=name) for name in "xyz"])
    assert [db(uniques.all()).get(pk=row.pk).name for row in made] == ["x", "y", "z"]


def _batch_size(db: Db, _: Query) -> None:
    db(uniques.all()).bulk_create([Unique(name=name) for name in "uvxyz"], batch_size=2)
    assert db(uniques.all()).count() == 7


def _ignore_conflicts(db: Db, _: Query) -> None:
    db(uniques.all()).bulk_create([Unique(name="a", code=9), Unique(name="x")], ignore_conflicts=True)
    assert _content(db) == {("a", 1), ("b", 2), ("x", None)}


def _update_conflicts(db: Db, _: Query) -> None:
    made = [Unique(name="a", code=9), Unique(name="x")]
    db(uniques.all()).bulk_create(made, update_conflicts=True, unique_fields=["name"], update_fields=["code"])
    assert _content(db) == {("a", 9), ("b", 2), ("x", None)}


def _upsert(db: Db, _: Query) -> None:
    db(uniques.all()).upsert(Unique(name="a", code=9), unique_fields=["name"])
    db(uniques.all()).upsert(Unique(name="x", code=8), unique_fields=["name"])
    assert _content(db) == {("a", 9), ("b", 2), ("x", 8)}


def _get_or_create(db: Db, _: Query) -> None:
    assert db(uniques.all()).get_or_create(name="a", defaults={"code": 9})[1] is False
    assert db(uniques.all()).get_or_create(name="x", defaults={"code": 9})[1] is True
    assert _content(db) == {("a", 1), ("b", 2), ("x", 9)}


def _update_or_create(db: Db, _: Query) -> None:
    assert db(uniques.all()).update_or_create(name="a", defaults={"code": 9})[1] is False
    assert db(uniques.all()).update_or_create(name="x", defaults={"code": 8})[1] is True
    assert _content(db) == {("a", 9), ("b", 2), ("x", 8)}


def _update(db: Db, query: Query) -> None:
    assert db(query.filter(number__gt=3)).update(text="new") == 2
    assert db.found(query.filter(text="new")) == "n4 n5"


def _update_by_expression(db: Db, query: Query) -> None:
    assert db(query.filter(number__gt=3)).update(number=F("number") + 10) == 2
    assert db.found(query.filter(number__gt=10)) == "n4 n5"


def _bulk_update(db: Db, query: Query) -> None:
    some = db(query.filter(number__gt=3)).rows()
    for row in some:
        row.text = row.name
    assert db(query.all()).bulk_update(some, ["text"], batch_size=1) == 2
    assert db.found(query.filter(text__in=["n4", "n5"])) == "n4 n5"


def _delete(db: Db, query: Query) -> None:
    assert db(query.filter(number__gt=3)).delete() == (2, {"Everything": 2})
    assert db.found(query.all()) == "n0 n1 n2 n3"


def _save(db: Db, _: Query) -> None:
    row = db(uniques.all()).get(name="a")
    row.code = 7
    db(row).save()
    db(Unique(name="x")).save()
    assert _content(db) == {("a", 7), ("b", 2), ("x", None)}
    row.name = "b"
    with pytest.raises(UniqueViolation):
        db(row).save()


def _delete_instance(db: Db, _: Query) -> None:
    assert db(db(uniques.all()).get(name="a")).delete() == (1, {"Unique": 1})
    assert _content(db) == {("b", 2)}


def _refresh(db: Db, _: Query) -> None:
    row = db(uniques.all()).get(name="a")
    db(uniques.filter(name="a")).update(code=7)
    db(row).refresh_from_db()
    assert row.code == 7


def _content(db: Db) -> set[tuple[str, int | None]]:
    return {(row.name, row.code) for row in db(uniques.all()).rows()}


_SOURCE = (Aggregate.COUNT, Aggregate.SUM)
_DATES = (Feature.COMPUTED, Feature.DISTINCT, Function.TRUNC)
_LOWER = (Feature.COMPUTED, Function.LOWER)

VERBS: Mapping[str, Verb] = {
    "filter": Verb(_filter),
    "exclude": Verb(_exclude),
    "all": Verb(_all),
    "none": Verb(_none),
    "order_by": Verb(_order_by),
    "order_by(nulls_last=True)": Verb(_nulls, [Feature.NULLS_ORDER]),
    "order_by(expression)": Verb(_order_by_expression, [Feature.ORDER_EXPRESSIONS, Function.LOWER]),
    "reverse": Verb(_reverse),
    "slices": Verb(_slices),
    "distinct": Verb(_distinct, [Feature.DISTINCT]),
    "distinct(fields)": Verb(_distinct_fields, [Feature.DISTINCT_FIELDS]),
    'order_by("?")': Verb(_random_order, [Feature.ORDER_RANDOM]),
    "annotate(Window)": Verb(_windows, [Feature.COMPUTED, WindowFunction.ROW_NUMBER]),
    "union": Verb(_union, [Feature.UNION], here=False),
    "intersection": Verb(_intersection, [Feature.INTERSECTION], here=False),
    "difference": Verb(_difference, [Feature.DIFFERENCE], here=False),
    "select_for_update": Verb(_select_for_update, [Feature.ROW_LOCKS], here=False),
    "only": Verb(_only),
    "defer": Verb(_defer),
    "annotate": Verb(_annotate, _LOWER),
    "alias": Verb(_alias, _LOWER),
    "values": Verb(_values),
    "values(name=expression)": Verb(_computed_values, _LOWER),
    "values_list": Verb(_values_list),
    "values_list(flat=True)": Verb(_flat),
    "values_list(named=True)": Verb(_named),
    "values().annotate()": Verb(_groups, [Feature.GROUP, Aggregate.COUNT]),
    "dates": Verb(_dates, _DATES),
    "datetimes": Verb(_datetimes, _DATES),
    "using": Verb(_using),
    "client": Verb(_client),
    "iterating": Verb(_rows),
    "get": Verb(_get),
    "get_or_none": Verb(_get_or_none),
    "first": Verb(_first),
    "last": Verb(_last),
    "earliest": Verb(_earliest),
    "latest": Verb(_latest),
    "count": Verb(_count),
    "count(estimate=True)": Verb(_estimate, [Feature.COUNT_ESTIMATE], here=False),
    "exists": Verb(_exists),
    "contains": Verb(_contains),
    "in_bulk": Verb(_in_bulk),
    "iterator": Verb(_iterator),
    "keyset": Verb(_keyset),
    "aggregate": Verb(_aggregate, _SOURCE),
    "explain": Verb(_explain),
    "explain(analyze=True)": Verb(_analyze, [Feature.ANALYZE], here=False),
    "create": Verb(_create),
    "bulk_create": Verb(_bulk_create),
    "bulk_create(batch_size=)": Verb(_batch_size),
    "bulk_create(ignore_conflicts=True)": Verb(_ignore_conflicts, [Feature.IGNORE_CONFLICTS], here=False),
    "bulk_create(update_conflicts=True)": Verb(_update_conflicts, [Feature.UPDATE_CONFLICTS], here=False),
    "upsert": Verb(_upsert, [Feature.UPDATE_CONFLICTS], here=False),
    "get_or_create": Verb(_get_or_create),
    "update_or_create": Verb(_update_or_create),
    "update": Verb(_update),
    "update(name=expression)": Verb(
        _update_by_expression, [Feature.UPDATE_EXPRESSIONS, ArithmeticOperator.ADD], here=False
    ),
    "bulk_update": Verb(_bulk_update),
    "delete": Verb(_delete),
    "instance.save": Verb(_save),
    "instance.delete": Verb(_delete_instance),
    "instance.refresh_from_db": Verb(_refresh),
}
"""All verbs by their names in the table."""

BEHIND_CLIENT = [name for name, verb in VERBS.items() if verb.needs and verb.here]
"""The verbs that a store may lack and that are then answered here."""


def put(db: Db) -> None:
    """Six rows, and two unique ones."""
    db.given(Everything, SOME)
    db.given(Unique, [{"name": "a", "code": 1}, {"name": "b", "code": 2}])


@rule("declared", "F1", "F7", "F12", "F18", "F22", "F23", "F25")
@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_is_answered_or_refused(db: Db, verb: str) -> None:
    db.proves(f"Verb:{verb}")
    db.need(*VERBS[verb].needs)
    put(db)
    VERBS[verb].answers(db, rows.all())


@rule("declared")
@pytest.mark.parametrize("verb", BEHIND_CLIENT)
def test_a_verb_is_answered_behind_client(db: Db, verb: str) -> None:
    db.proves(f"client:Verb:{verb}")
    put(db)
    VERBS[verb].answers(db, rows.client(max_rows=50))
