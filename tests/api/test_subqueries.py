"""Queries within queries: where they run, how much they pass on, and what they keep apart."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from polystore import Count, EmbeddedModel, Exists, F, Field, Model, OuterRef, Q, Store, Subquery, field
from polystore.errors import ConfigurationError, FieldError, NotSupportedError, QueryTooBroad, QueryUsageError
from tests.api.shop import told


class Author(Model):
    name: Field[str] = field(max_length=50, index=True)
    level: Field[int | None] = field(default=None, index=True)

    class Meta:
        table = "within_author"


class Print(EmbeddedModel):
    ink: Field[str]


class Book(Model):
    title: Field[str] = field(max_length=50, index=True)
    author: Field[int | None] = field(default=None, index=True)
    pages: Field[int] = field(default=0, index=True)
    print: Field[Print | None] = field(default=None)

    class Meta:
        table = "within_book"


def fill(store: Store) -> None:
    store.create_all([Author, Book])
    ann, bob = (Author.objects.create(name=name, level=level) for name, level in [("ann", 1), ("bob", 2)])
    Author.objects.create(name="eve")
    for title, author, pages in [("a", ann, 10), ("b", ann, 20), ("c", bob, 30), ("d", None, 40)]:
        Book.objects.create(title=title, author=None if author is None else author.pk, pages=pages)


@pytest.fixture
def one() -> Iterator[Store]:
    """Both models on one store."""
    with Store("sqlite://") as store:
        fill(store)
        yield store


@pytest.fixture
def two() -> Iterator[Store]:
    """Each model on a store of its own."""
    with Store({"default": "sqlite://", "books": "memory://"}, {"Book": "books"}, most_values=3) as store:
        fill(store)
        yield store


def names(query: object) -> list[str]:
    return sorted(row.name for row in query)  # type: ignore[attr-defined]  # a queryset


OF_AUTHOR = Book.objects.filter(author=OuterRef("pk"))


def test_one_store_sends_one_command(one: Store) -> None:
    query = Author.objects.filter(id__in=Book.objects.filter(pages__gt=15).values("author"))
    assert names(query) == ["ann", "bob"]
    text = query.explain()
    assert "first:" not in text
    assert "id__in=(select Book where pages__gt=15, of author)" in text


def test_values_never_make_a_new_plan(one: Store) -> None:
    handle = one.handle(Author)
    for pages in range(5):
        query = Author.objects.filter(
            Exists(OF_AUTHOR.filter(pages__gt=pages)), level__in=Author.objects.values("level")[: pages + 1]
        )
        list(query)
    assert len([key for key in handle._plans if key[0] == "rows"]) == 2


def test_two_stores_ask_the_inner_one_first(two: Store) -> None:
    query = Author.objects.filter(id__in=Book.objects.filter(pages__gt=15, pages__lt=35).values("author"))
    assert names(query) == ["ann", "bob"]
    assert names(Author.objects.exclude(id__in=Book.objects.filter(pages=30).values("author"))) == ["ann", "eve"]
    assert names(Author.objects.filter(Exists(Book.objects.filter(pages=40)))) == ["ann", "bob", "eve"]
    assert names(Author.objects.filter(~Exists(Book.objects.filter(pages=40)))) == []
    assert names(Author.objects.filter(level=Subquery(Book.objects.filter(pages=10).values("author")[:1]))) == ["ann"]
    text = query.explain()
    assert [line.split(":")[0].strip() for line in text.splitlines() if ":" in line][:3] == ["query", "first", "query"]
    assert "at most 3 values of it are passed on" in text
    assert "default (sqlite)" in text
    assert "books (memory)" in text


async def test_two_stores_do_so_in_the_async_colour(two: Store) -> None:
    query = Author.objects.filter(id__in=Book.objects.filter(pages__gt=25).values("author"))
    assert [row.name for row in await query] == ["bob"]
    assert await query.acount() == 1
    assert await query.aupdate(name="Bob") == 1
    assert await Author.objects.filter(id__in=Book.objects.filter(pages=30).values("author")).adelete() == (
        1,
        {"Author": 1},
    )


def test_more_values_than_the_budget_are_refused_by_name(two: Store) -> None:
    text = told(QueryTooBroad, lambda: list(Author.objects.filter(name__in=Book.objects.values("title"))))
    assert "Book on books (memory): more than 3 values" in text
    assert "most_values" in text
    sliced = Book.objects.order_by("title").values("title")
    assert names(Author.objects.exclude(name__in=sliced[:3])) == ["ann", "bob", "eve"]
    told(QueryTooBroad, lambda: list(Author.objects.filter(name__in=sliced[0:4])))
    assert names(Author.objects.exclude(name__in=sliced[1:])) == ["ann", "bob", "eve"]


def test_equal_values_count_once_against_the_budget(two: Store) -> None:
    Book.objects.bulk_create([Book(title=f"t{n}", author=1) for n in range(20)])
    assert names(Author.objects.filter(id__in=Book.objects.filter(author=1).values("author"))) == ["ann"]


def test_the_first_rows_of_another_store_are_those_of_their_order(two: Store) -> None:
    Book.objects.all().delete()
    for title, pages in [("ann", 2), ("bob", 2), ("eve", 3)]:
        Book.objects.create(title=title, pages=pages)
    by_pages = Book.objects.order_by("pages", "-title").distinct("pages")
    assert names(Author.objects.filter(name__in=by_pages.values("title"))) == ["bob", "eve"]


def test_what_lies_in_documents_of_another_store_is_passed_on(two: Store) -> None:
    Book.objects.create(title="e", print=Print(ink="eve"))
    assert names(Author.objects.filter(name__in=Book.objects.filter(title="e").values("print__ink"))) == ["eve"]


def test_what_refers_to_another_store_is_refused_with_both(two: Store) -> None:
    text = told(NotSupportedError, lambda: list(Author.objects.filter(Exists(OF_AUTHOR))))
    assert text.startswith("Author is on default (sqlite) and Book on books (memory): ")
    assert "OuterRef" in text


def test_models_that_live_together_move_together(one: Store) -> None:
    other = Store({"default": "sqlite://", "copy": "sqlite://"})
    try:
        for model in (Author, Book):
            other.handle(model, "copy").connection.backend.create_all([other.handle(model).schema])
        Author.objects.using(other).using("copy").create(name="zoe")
        copied = Author.objects.using(other).using("copy").filter(~Exists(OF_AUTHOR))
        assert names(copied) == ["zoe"]
        assert "first:" not in copied.explain()
    finally:
        other.close()


def test_a_budget_is_an_int_of_at_least_one() -> None:
    with pytest.raises(ConfigurationError, match="most_values of a Store is an int of at least 1, not 0"):
        Store("memory://", most_values=0)


def test_an_annotation_about_the_query_around_says_its_type(one: Store) -> None:
    with pytest.raises(FieldError, match=r"Book: the type of there is not known.*Cast\(OuterRef"):
        Book.objects.annotate(there=OuterRef("level"))
    sums = Book.objects.annotate(sum=F("pages") + OuterRef("level")).filter(sum=21, author=OuterRef("pk"))
    assert names(Author.objects.filter(Exists(sums))) == ["ann"]
    text_sum = Book.objects.annotate(sum=F("pages") + OuterRef("name")).filter(sum=21)
    with pytest.raises(FieldError):
        list(Author.objects.filter(Exists(text_sum)))


def test_one_row_is_certain_or_asked_for() -> None:
    Subquery(Book.objects.filter(author=OuterRef("pk")).values("title")[:1])
    fixed = Author.objects.filter(pk=OuterRef("author")).values("name")
    Book.objects.annotate(by=Subquery(fixed))
    grouped = OF_AUTHOR.values("author").annotate(n=Count("*")).values("n")
    Author.objects.annotate(n=Subquery(grouped))
    for unclear in (
        OF_AUTHOR.values("title"),
        OF_AUTHOR.values("title")[:2],
        OF_AUTHOR.values("author", "pages").annotate(n=Count("*")).values("n"),
        Book.objects.filter(Q(pk=OuterRef("pk")) | Q(pages=1)).values("title"),
    ):
        with pytest.raises(QueryUsageError, match=r"may have several; slice it with \[:1\]"):
            Author.objects.annotate(some=Subquery(unclear))


def test_what_stands_behind_client_is_asked_first_or_refused(one: Store) -> None:
    here = Author.objects.client(max_rows=10)
    assert names(here.filter(id__in=Book.objects.values("author"))) == ["ann", "bob"]
    text = told(NotSupportedError, lambda: list(here.filter(Exists(OF_AUTHOR))))
    assert "client()" in text
    assert names(Author.objects.filter(Exists(OF_AUTHOR)).client(max_rows=10).filter(name__regex="^a")) == ["ann"]
    with pytest.raises(QueryUsageError, match=r"Book: what stands behind client\(\)"):
        list(Author.objects.filter(id__in=Book.objects.client(max_rows=5).filter(pages=10).values("author")))
