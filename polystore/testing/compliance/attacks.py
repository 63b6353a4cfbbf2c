"""What strangers may send: as values it is only ever a value, as names it is refused before any command; K3 to K6."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polystore import Count, Exists, F, Lower, Max, OuterRef, Q, RowNumber, Window
from polystore.errors import FieldError, PolystoreError, ValidationError
from polystore.query.operators import Operator
from polystore.testing import strategies
from polystore.testing.compliance.properties import often
from polystore.testing.harness import Db, rule
from polystore.testing.models import Everything, TextKey

rows = Everything.objects

TEXTS = [
    "' OR '1'='1",
    '"; DROP TABLE compliance_everything; --',
    "\\'; --",
    "%",
    "_",
    "\\",
    "%s %(name)s :name ? $1 @p",
    "$gt",
    "$$ROOT",
    "$name",
    '{"$gt": ""}',
    '{"$where": "sleep(1000)"}',
    "] } return redis.call('FLUSHALL') --",
    "*",
    "a:b:{c}:*",
    "?[a-z]",
    "\r\nFLUSHALL\r\n",
    "(a+)+$",
    ".*",
    "\u202etxt",
    " ",
    "\t",
    "NULL",
    "None",
    "\U0010ffff",
]
STRUCTURES: list[Any] = [{"$gt": ""}, {"$ne": None}, {"$where": "1"}, {}, ["$gt"], [], [[]], {"a"}, ("a", "b"), object]
NAMES = [
    "nosuch",
    "",
    "$where",
    "text__$gt",
    "text__",
    "__text",
    "text__exact__exact",
    "text.lower()",
    "text; DROP TABLE x",
    'text" --',
    "text--",
    "text)",
    "text desc",
    "--text",
    "data.$ne",
    "__class__",
    "__polystore_schema__",
    "_shape",
    "_values",
    "_connector",
    "_negated",
    "objects",
    "DoesNotExist",
    "save",
    "__pk_only__",
    "pk__pk",
    "Text",
    "self",
    "conditions",
    "tёxt",
]


@rule("K3", "K6", "C4")
@pytest.mark.parametrize("text", TEXTS)
def test_a_hostile_text_is_a_value_like_any_other(db: Db, text: str) -> None:
    db.given(Everything, [{"name": "it", "text": text}, {"name": "ab", "text": "ab"}, {"name": "null"}])
    for lookup in (Operator.EXACT, Operator.IEXACT, Operator.STARTSWITH, Operator.ISTARTSWITH):
        assert db.found(rows.filter(**{f"text__{lookup.value}": text})) == "it"
    for lookup in (Operator.CONTAINS, Operator.ICONTAINS, Operator.ENDSWITH, Operator.IENDSWITH):
        if db.declares(lookup):
            assert db.found(rows.filter(**{f"text__{lookup.value}": text})) == "it"
    assert db.found(rows.filter(text__in=[text, text + "x"])) == "it"
    assert db.found(rows.exclude(text=text)) == "ab null"
    assert db.found(rows.filter(text__range=(text, text))) == "it"
    assert db(rows.filter(text="ab")).update(text=text, data={text.replace("\0", ""): text}) == 1
    assert db(rows.filter(text=text)).count() == 2
    assert db(rows.all()).get(name="ab").data == {text: text}


@rule("C18", "K6")
@pytest.mark.parametrize("text", TEXTS)
def test_a_hostile_key_is_one_row(db: Db, text: str) -> None:
    db.given(TextKey, [{"code": text, "name": "it"}, {"code": "ab"}, {"code": text + ":x"}, {"code": "x" + text}])
    assert db(TextKey.objects.all()).get(pk=text).name == "it"
    assert db(TextKey.objects.filter(pk=text)).update(name="changed") == 1
    assert [row.code for row in db(TextKey.objects.filter(name="changed")).rows()] == [text]
    assert db(TextKey.objects.filter(pk=text)).delete()[0] == 1
    assert sorted(row.code for row in db(TextKey.objects.all()).rows()) == sorted(["ab", text + ":x", "x" + text])


@rule("K3")
@pytest.mark.parametrize("value", STRUCTURES, ids=repr)
def test_a_structure_is_refused_where_a_scalar_belongs(db: Db, value: Any) -> None:
    db.given(Everything, [{"name": "a", "text": "a", "number": 1}])
    lookups = ["exact", "iexact", "contains", "startswith", "gt", "lte", "regex"]
    with db.commands(0):
        for field in ("text", "number", "flag", "real", "amount", "moment", "uid", "mood", "pk"):
            for lookup in lookups:
                with pytest.raises(FieldError, match="Everything"):
                    db(rows.filter(**{f"{field}__{lookup}": value})).rows()
            with pytest.raises(FieldError, match="Everything"):
                db(rows.filter(**{f"{field}__in": [value]})).rows()
            with pytest.raises(FieldError, match="Everything"):
                db(rows.filter(**{f"{field}__isnull": value})).rows()
            if field != "pk":
                with pytest.raises((FieldError, ValidationError), match="Everything"):
                    db(rows.all()).update(**{field: value})
        with pytest.raises(PolystoreError, match="Everything"):
            db(rows.all()).get(text=value)


VERBS: dict[str, Callable[[Db, str], Any]] = {
    "filter": lambda db, name: db(rows.filter(**{name: "a"})).rows(),
    "exclude": lambda db, name: db(rows.exclude(**{name: "a"})).rows(),
    "Q": lambda db, name: db(rows.filter(Q(text="a") | ~Q(**{name: "a"}))).count(),
    "get": lambda db, name: db(rows.all()).get(**{name: "a"}),
    "F": lambda db, name: db(rows.filter(number=F(name))).rows(),
    "order_by": lambda db, name: db(rows.order_by(name)).rows(),
    "order_by descending": lambda db, name: db(rows.order_by(f"-{name}")).rows(),
    "values": lambda db, name: db(rows.values(name)).rows(),
    "values_list": lambda db, name: db(rows.values_list("text", name)).rows(),
    "only": lambda db, name: db(rows.only(name)).rows(),
    "defer": lambda db, name: db(rows.defer(name)).rows(),
    "distinct": lambda db, name: db(rows.distinct(name)).rows(),
    "annotate": lambda db, name: db(rows.annotate(low=Lower(name))).rows(),
    "groups": lambda db, name: db(rows.values(name).annotate(n=Count("*"))).rows(),
    "aggregate": lambda db, name: db(rows.all()).aggregate(most=Max(name)),
    "Window": lambda db, name: db(rows.annotate(place=Window(RowNumber(), partition_by=name))).rows(),
    "OuterRef": lambda db, name: db(rows.filter(Exists(rows.filter(text=OuterRef(name))))).rows(),
    "in with a queryset": lambda db, name: db(rows.filter(text__in=rows.values(name))).rows(),
    "dates": lambda db, name: db(rows.dates(name, "year")).rows(),
    "earliest": lambda db, name: db(rows.all()).earliest(name),
    "in_bulk": lambda db, name: db(rows.all()).in_bulk([1], field_name=name),
    "create": lambda db, name: db(rows.all()).create(**{"name": "n", name: "a"}),
    "update": lambda db, name: db(rows.all()).update(**{name: "a"}),
    "update with F": lambda db, name: db(rows.all()).update(number=F(name) + 1),
    "get_or_create": lambda db, name: db(rows.all()).get_or_create({name: "a"}, name="new"),
    "update_or_create": lambda db, name: db(rows.all()).update_or_create({name: "a"}, name="new"),
}


@rule("K4", "K5")
@pytest.mark.parametrize("verb", VERBS)
def test_a_name_that_is_no_field_is_refused_before_any_command(db: Db, verb: str) -> None:
    db.given(Everything, [{"name": "a", "text": "a"}])
    for name in NAMES:
        with db.commands(0), pytest.raises(FieldError, match="Everything"):
            VERBS[verb](db, name)
    assert db(rows.all()).count() == 1


@pytest.mark.hypothesis
@rule("K3", "K6", "C6")
def test_random_texts_select_what_they_are_and_nothing_else(db: Db) -> None:
    hostile = st.one_of(st.sampled_from(TEXTS), strategies.texts(20))
    joined = st.lists(hostile, min_size=1, max_size=3).map("".join)

    @often(db, 0.5)
    @given(st.lists(joined, min_size=2, max_size=5, unique=True))
    def check(texts: list[str]) -> None:
        db.clear(Everything)
        db(rows.all()).bulk_create([Everything(name=f"n{place}", text=text) for place, text in enumerate(texts)])
        for place, text in enumerate(texts):
            assert db.found(rows.filter(text=text)) == f"n{place}"
            assert db(rows.exclude(text=text)).count() == len(texts) - 1
            starting = " ".join(f"n{at}" for at, other in enumerate(texts) if other.startswith(text))
            assert db.found(rows.filter(text__startswith=text)) == starting
            if db.declares(Operator.CONTAINS):
                holding = " ".join(f"n{at}" for at, other in enumerate(texts) if text in other)
                assert db.found(rows.filter(text__contains=text)) == holding

    check()


@pytest.mark.hypothesis
@rule("K4", "K5")
def test_random_names_are_fields_or_refused(db: Db) -> None:
    pieces = st.sampled_from(["text", "__", "_", "$", ".", "-", "gt", "exact", "pk", "in", " ", "'", '"', ";", "year"])
    names = st.one_of(st.lists(pieces, min_size=1, max_size=4).map("".join), st.text(max_size=8))

    fields = {"id", "pk", "name", *strategies.FIELDS}

    @often(db, 0.5)
    @given(names)
    def check(name: str) -> None:
        with db.commands(0):
            for ask, known in (
                (rows.values, fields),
                (rows.only, fields),
                (rows.order_by, {*fields, *(f"-{field}" for field in fields)}),
            ):
                try:
                    made = ask(name)
                except FieldError:
                    continue
                assert name in known, made.explain()

    check()
