"""What is refused, and what would be sent; no server is needed."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest

from polystore import F, Field, Index, Model, Q, Store, field
from polystore.adapters.redis import open as open_redis
from polystore.adapters.redis.wire import SCRIPTS, find_script
from polystore.errors import ConfigurationError, IndexRequired, NotSupportedError


class Book(Model):
    title: Field[str] = field(index=True)
    year: Field[int | None] = field(default=None, index=True)
    isbn: Field[str | None] = field(default=None, unique=True)
    shelf: Field[str | None] = None
    note: Field[str | None] = None
    tags: Field[list[str]] = field(default_factory=list)
    added: Field[datetime | None] = field(default=None, index=True)

    class Meta:
        indexes = [Index("shelf", "-year"), Index("title", casefold=True)]


UNREACHABLE = "redis://127.0.0.1:1/0"


@pytest.fixture
def books() -> Any:
    """Books on a server that nobody can reach: whatever is refused is refused without it."""
    return Book.objects.using(Store(UNREACHABLE))


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (Q(note="x"), r"Book\.note: note__exact needs an index on Redis; declare index=True on note"),
        (Q(title="x") | Q(note__startswith="x"), r"Book\.note: note__startswith needs an index"),
        (Q(note=None), r"Book\.note: note__isnull needs an index"),
        (Q(shelf__istartswith="x"), r'Book\.shelf: .*declare Index\("shelf", casefold=True\) in Meta\.indexes'),
        (Q(tags=None), r"Book\.tags: tags__isnull needs an index on Redis; declare index=True on tags"),
        (Q(isbn__gt="x"), r"Book\.isbn: no index on Redis begins with what is asked \(isbn__gt\)"),
        (Q(isbn=None), r"Book\.isbn: no index on Redis begins with what is asked \(isbn__isnull\)"),
        (~Q(isbn="x"), r"Book\.isbn: no index on Redis begins with what is asked \(not isbn__exact\)"),
    ],
)
def test_a_condition_without_an_index_is_refused_with_its_remedy(books: Any, condition: Q, message: str) -> None:
    for ask in (books.filter(condition).count, books.filter(condition).exists, books.filter(condition).delete):
        with pytest.raises(IndexRequired, match=message):
            ask()
    with pytest.raises(IndexRequired, match=message):
        list(books.filter(condition))
    with pytest.raises(IndexRequired, match=message):
        books.filter(condition).update(note="y")


@pytest.mark.parametrize(
    ("order", "remedy"),
    [
        (("note",), '"note"'),
        (("isbn",), '"isbn"'),
        (("year", "title"), '"year", "title"'),
        (("shelf", "year"), '"shelf", "year"'),
        (("-title", "id"), '"-title", "id"'),
    ],
)
def test_an_order_without_an_index_is_refused_with_its_remedy(books: Any, order: tuple[str, ...], remedy: str) -> None:
    with pytest.raises(IndexRequired, match=rf"Book: order_by\(.*\) needs an index .* declare Index\({remedy}\)"):
        list(books.order_by(*order))


@pytest.mark.parametrize(
    "refused",
    [
        lambda books: books.filter(title__contains="x"),
        lambda books: books.filter(title__iendswith="x"),
        lambda books: books.filter(title__regex="x"),
        lambda books: books.filter(added__month=1),
        lambda books: books.filter(title=F("shelf")),
        lambda books: books.values("note").distinct(),
    ],
    ids=["contains", "iendswith", "regex", "date part", "two fields", "distinct"],
)
def test_what_no_index_tells_is_refused(books: Any, refused: Any) -> None:
    with pytest.raises(NotSupportedError):
        list(refused(books))


def test_too_many_alternatives_are_refused(books: Any) -> None:
    condition = Q()
    for number in range(5):
        condition &= Q(title=f"{number}") | Q(year=number)
    with pytest.raises(NotSupportedError, match="falls into 32 alternatives"):
        list(books.filter(condition))


def test_alternatives_on_one_field_are_one(books: Any) -> None:
    condition = Q()
    for number in range(100):
        condition |= Q(year=number) | Q(year__gt=number * 1000) | ~Q(year__lt=5)
    assert "all rows" not in books.filter(condition).explain()


def test_the_column_of_versions_is_taken() -> None:
    class Clash(Model):
        v: Field[int] = field(db_column="_v")

    with pytest.raises(NotSupportedError, match="the column _v is taken"):
        list(Clash.objects.using(Store(UNREACHABLE)).all())


# ---- what would be sent


def test_a_get_by_key_is_one_command(books: Any) -> None:
    text = books.filter(pk=7).explain()
    assert text.endswith("command: HMGET ps:{book.0}:e:7 _v id title year isbn shelf note tags added"), text


def test_several_keys_are_one_message(books: Any) -> None:
    text = books.filter(pk__in=[7, 9, 7]).only("title").order_by("-id").explain()
    assert text.endswith("command: HMGET ps:{book.0}:e:9 _v id title\nHMGET ps:{book.0}:e:7 _v id title"), text


def test_the_plan_names_the_indexes(books: Any) -> None:
    text = books.filter(shelf="a", year__gte=1990).order_by("year")[5:15].explain()
    assert "in order from i:book_shelf_year_desc_idx read backward" in text, text
    assert "where shelf__exact and year__gte: the cheapest of i:book_year_idx, i:book_shelf_year_desc_idx" in text
    assert "10 rows after 5" in text


def test_a_unique_value_is_looked_up_where_unique_values_are_kept(books: Any) -> None:
    assert "the cheapest of u (book_isbn_key)" in books.filter(isbn="x").explain()


def test_a_contradiction_asks_nothing(books: Any) -> None:
    assert list(books.filter(year=1).filter(year=2)) == []
    assert books.filter(year__gt=5, year__lt=3).count() == 0
    assert books.filter(title="a").filter(title="b").update(note="x") == 0
    assert books.filter(title="a").filter(title="b").delete()[0] == 0


def test_scripts_touch_declared_keys_only() -> None:
    declared = re.compile(r"(STATE|MANIFESTS|EXPIRIES|UNIQUES|KEYS\[.*|key|body|operation\.body)$")
    for name in SCRIPTS:
        found = re.findall(r"call\(('[A-Z]+'|[^',]*'[A-Z]+' or '[A-Z]+'), ([^,)]+)", find_script(name).text.decode())
        assert len(found) > 5
        for command, key in found:
            assert declared.match(key), f"{name}: {command} {key}"


def test_scripts_never_compare_texts_by_the_locale_of_the_server() -> None:
    texts = {"member", "value", "low", "high", "id", "key", "version", "manifest", "holder", "a", "b", "last_seen"}
    for name in SCRIPTS:
        code = re.sub(r"--.*|'[^'\n]*'", "", find_script(name).text.decode())
        compared = {word for pair in re.findall(r"([\w#.]+)\]? [<>]=? ([\w#.]+)", code) for word in pair}
        assert compared
        assert not compared & texts, name


# ---- URLs and settings


@pytest.mark.parametrize(
    ("url", "settings", "message"),
    [
        ("http://x", {}, "is no URL of Redis; use redis://localhost:6379/0"),
        ("redis://localhost?socket_timeout=abc", {}, "cannot be read"),
        ("redis://localhost", {"socket_timeout": "1"}, "socket_timeout='1' does not work; it is like 10.0"),
        ("redis://localhost", {"max_connections": 0}, "max_connections=0 does not work"),
        ("redis://localhost", {"colour": 1}, "no setting 'colour'; the settings are namespace, app"),
        ("redis://u:secret@localhost?nonsense=1", {}, "nonsense"),
    ],
)
def test_a_wrong_url_or_setting_is_refused(url: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        open_redis(url, settings)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("redis://localhost:6379/3", "redis://localhost:6379/3"),
        ("rediss://me:secret@host/0?ssl_password=secret", "rediss://me:***@host/0?ssl_password=***"),
        ("redis://:secret@host", "redis://:***@host"),
        ("unix:///run/redis.sock?db=1&password=secret", "unix:///run/redis.sock?db=1&password=***"),
        ("fakeredis://name", "fakeredis://name"),
    ],
)
def test_places_are_named_without_passwords(url: str, place: str) -> None:
    assert open_redis(url, {})._target.place == place
