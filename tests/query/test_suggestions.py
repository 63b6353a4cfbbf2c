"""A name that is nearly one there is gets it suggested; one that is like none gets nothing."""

from __future__ import annotations

from typing import Any

import pytest

from polystore import Count, F, Field, Model, Round, Store, Trunc
from polystore.api.fields import field
from polystore.errors import ConfigurationError, FieldError, ModelError, QueryUsageError, suggestion
from polystore.query.planner import plan
from polystore.schema.model import Schema


class Album(Model):
    """What the names are near to."""

    title: Field[str] = field(max_length=20)
    year: Field[int | None] = field(default=None)


SCHEMA: Schema = Album.__polystore_schema__
FIELDS = ["id", "title", "year", "created_at", "composer"]


@pytest.mark.parametrize(
    ("given", "meant"),
    [("titel", "title"), ("Title", "title"), ("yaer", "year"), ("create_at", "created_at"), ("composers", "composer")],
)
def test_a_name_with_a_letter_or_two_amiss_is_recognised(given: str, meant: str) -> None:
    assert suggestion(given, FIELDS) == f"; did you mean {meant!r}?"


@pytest.mark.parametrize("given", ["price", "xy", "", "i", "label", 5, None, ["title"], "title"])
def test_what_is_like_no_name_gets_no_suggestion(given: Any) -> None:
    assert suggestion(given, FIELDS) == ""


@pytest.mark.parametrize(
    "build",
    [
        lambda: Album.objects.filter(titel="x"),
        lambda: Album.objects.order_by("-titel"),
        lambda: Album.objects.annotate(n=F("titel")).values("n"),
        lambda: Album.objects.values("titel"),
    ],
    ids=["filter", "order_by", "annotate", "values"],
)
def test_a_field_is_suggested_wherever_one_is_named(build: Any) -> None:
    with pytest.raises(FieldError, match=r"Album has no field 'titel'.*; did you mean 'title'\?$"):
        plan(SCHEMA, build()._shape, "rows")


def test_an_annotation_is_suggested_as_a_field_is() -> None:
    query = Album.objects.values("year").annotate(total=Count("*"))
    with pytest.raises(FieldError, match=r"did you mean 'total'\?$"):
        query.filter(totl=3)


def test_lookups_and_parts_of_dates_are_suggested() -> None:
    with pytest.raises(FieldError, match=r"has no lookup 'contain'.*; did you mean 'contains'\?$"):
        Album.objects.filter(title__contain="x")
    with pytest.raises(FieldError, match=r"'moth' is no part.*; did you mean 'month'\?$"):
        Trunc("released", "moth")


def test_stores_options_and_settings_are_suggested() -> None:
    with pytest.raises(ConfigurationError, match=r"did you mean 'documents'\?$"):
        Store({"default": "memory://", "documents": "memory://"}, routes={"Album": "document"})
    with pytest.raises(ConfigurationError, match=r"did you mean 'pool_size'\?$"):
        Store({"default": {"url": "postgresql://h/d", "poolsize": 3}})
    with pytest.raises(ConfigurationError, match=r"did you mean 'postgresql'\?$"):
        Store("postgresq://h/d")
    with pytest.raises(ModelError, match=r"did you mean 'max_length'\?$"):
        field(max_lenght=5)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: Count("title", distict=True), r"Count\(\) takes no 'distict'; .*did you mean 'distinct'\?$"),
        (lambda: Trunc("released", "month", tzinf=None), r"Trunc\(\) takes no 'tzinf'; .*did you mean 'tzinfo'\?$"),
        (lambda: Round("year", digits=2), r"Round\(\) takes no 'digits'; its keywords are [a-z, ]+$"),
    ],
    ids=["aggregate", "part of a date", "function"],
)
def test_keywords_of_functions_are_suggested(call: Any, said: str) -> None:
    with pytest.raises(QueryUsageError, match=said):
        call()


def test_other_mistakes_of_a_call_are_pythons_own_to_tell() -> None:
    with pytest.raises(TypeError, match="positional argument"):
        Count()
