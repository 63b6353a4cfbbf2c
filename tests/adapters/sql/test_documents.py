"""How SQL databases look into documents, without any server: patterns over elements, indexes, exact numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polystore import QuerySet, Store
from polystore.adapters.sql.ddl import create_texts
from polystore.adapters.sql.mysql.depth import shallow
from polystore.adapters.sql.mysql.elements import all_of, any_of, only
from polystore.adapters.sql.mysql.numbers import text_of
from polystore.adapters.sql.postgresql.jsonb import jsonb_dump
from polystore.api.complete import schema_of
from polystore.errors import DataError, NotSupportedError
from polystore.schema.kinds import JsonKind
from polystore.testing.models import Document
from tests.adapters.sql.support import adapter_of

ITEMS = st.one_of(
    st.text(st.sampled_from('ab,"\\][ %é\n'), max_size=4),
    st.integers(-12, 12),
    st.booleans(),
    st.sampled_from([0.5, 1e300]),
)
SETS: list[tuple[Callable[[Any], str], Callable[[Any, Any], bool]]] = [
    (all_of, lambda held, wanted: all(each in held for each in wanted)),
    (any_of, lambda held, wanted: any(each in held for each in wanted)),
    (only, lambda held, wanted: all(each in wanted for each in held)),
]


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern of PCRE that begins by turning flags off matches, in Python's words."""
    return re.search(pattern.replace("(?s-i)", "(?s)").replace(r"\z", r"\Z"), text) is not None


@pytest.mark.hypothesis
@pytest.mark.parametrize(("pattern", "holds"), SETS)
@given(st.lists(ITEMS, max_size=4), st.lists(ITEMS, min_size=1, max_size=3), st.booleans())
def test_patterns_tell_whole_elements_apart(pattern: Any, holds: Any, held: Any, wanted: Any, spaced: bool) -> None:
    texts = [text_of(each) for each in held]
    array = f"[{(', ' if spaced else ',').join(texts)}]"
    assert json.loads(array) == held
    asked = [text_of(each) for each in wanted]
    assert matches(pattern(asked), array) is holds(texts, asked)


def test_an_element_is_not_found_across_two() -> None:
    array = text_of(["a,", ",b"])
    assert not matches(any_of([text_of(",")]), array)
    assert matches(all_of([text_of(",b"), text_of("a,")]), array)


def test_only_the_empty_array_has_no_elements() -> None:
    assert matches(only([]), "[]")
    assert not matches(only([]), "[1]")


def test_a_long_array_is_matched_without_going_back() -> None:
    array = text_of(["x" * 20] * 3000)
    assert not matches(all_of([text_of("y")]), array)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([1e300, 1000000000000000.5], None),
        ([2.0**62, 1e16], "[4611686018427387904.0,10000000000000000.0]"),
        ([0.1, 1e-7], "[0.1,1e-7]"),
    ],
)
def test_jsonb_is_given_floats_in_full(value: list[float], text: str | None) -> None:
    dumped = jsonb_dump(JsonKind())(value)
    assert json.loads(dumped) == value
    assert all(type(each) is float for each in json.loads(dumped))
    assert text is None or dumped == text


def nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels - 1):
        value = [value, "[[{"]
    return value


def test_mariadb_is_given_no_json_that_is_too_deep_for_it() -> None:
    dump = shallow(lambda value: json.dumps(value))
    assert json.loads(dump(nested(31))) == nested(31)
    assert json.loads(dump(["[" * 99, [[]] * 50])) == ["[" * 99, [[]] * 50]
    with pytest.raises(DataError, match="at most 31 levels, this one has 32"):
        dump(nested(32))


# ---- indexes


URLS = {"sqlite": "sqlite://", "postgresql": "postgresql://me@localhost/shop", "mariadb": "mariadb://me@localhost/shop"}
docs = Document.objects


def indexes(database: str) -> list[str]:
    """What creates the indexes of ``Document``."""
    texts = create_texts(adapter_of(URLS[database])._dialect, schema_of(Document))
    return [text for text in texts if text.startswith("CREATE INDEX")]


def command(database: str, query: QuerySet[Any]) -> str:
    """The SQL of a query."""
    with Store(URLS[database]) as store:
        return query.using(store).explain()


@pytest.mark.parametrize(
    ("database", "query", "term"),
    [
        ("postgresql", docs.filter(author__name="x"), "((author ->> 'full_name') COLLATE \"C\")"),
        ("postgresql", docs.filter(author__age__gt=3), "CAST((author ->> 'age') AS bigint)"),
        ("postgresql", docs.filter(author__city__name="x"), "(((author -> 'city') ->> 'name') COLLATE \"C\")"),
        ("sqlite", docs.filter(author__name="x"), "json_extract(author, '$.full_name')"),
        ("sqlite", docs.filter(author__age__in=[1, 2]), "json_extract(author, '$.age')"),
    ],
)
def test_an_index_over_a_path_holds_what_a_condition_asks_for(database: str, query: Any, term: str) -> None:
    assert any(term in text for text in indexes(database))
    assert term in command(database, query).replace("compliance_document.", "")


def test_lists_and_json_have_inverted_indexes_on_postgresql() -> None:
    inverted = [text.partition("USING ")[2] for text in indexes("postgresql") if "USING" in text]
    assert sorted(inverted) == ["gin (data)", "gin (numbers)", "gin (tags)"]


def test_an_index_that_a_database_has_not_is_left_out() -> None:
    assert not [text for text in indexes("mariadb") if "author" in text or "tags" in text]


# ---- refusals


@pytest.mark.parametrize("query", [docs.filter(data__contains={"a": 1}), docs.filter(author__loose=1)])
def test_mariadb_refuses_what_it_would_answer_otherwise(query: Any) -> None:
    with pytest.raises(
        NotSupportedError, match=r"Document on default .*author__loose|Document on default .*data__contains"
    ):
        command("mariadb", query)
