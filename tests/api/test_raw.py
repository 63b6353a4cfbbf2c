"""Where raw queries go, and what stores without a language of their own say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from polystore import Field, Model, Store, field
from polystore.errors import FieldError, NotSupportedError, QueryUsageError
from tests.api.shop import told


class Coin(Model):
    """A row with a column under another name."""

    name: Field[str] = field(max_length=20, db_column="coin_name")
    cents: Field[int] = field(default=0)

    class Meta:
        table = "raw_coin"


ALL = "SELECT * FROM raw_coin ORDER BY id"


@pytest.fixture
def coins() -> Iterator[Store]:
    """Two databases with one coin each."""
    with Store(
        {"default": "sqlite://", "archive": "sqlite://", "here": "memory://", "keys": "fakeredis://raw"}
    ) as store:
        for name in ("default", "archive"):
            store.handle(Coin, name).connection.backend.create_all([store.handle(Coin, name).schema])
            Coin.objects.using(name).create(name=name, cents=5)
        yield store


def test_a_raw_query_asks_the_store_that_is_named(coins: Store) -> None:
    assert [coin.name for coin in Coin.objects.raw(ALL)] == ["default"]
    assert [coin.name for coin in Coin.objects.raw(ALL).using("archive")] == ["archive"]
    with Store("memory://other"):
        assert [coin.name for coin in Coin.objects.raw(ALL).using(coins)] == ["default"]
        assert [coin.name for coin in coins.repository(Coin).raw(ALL)] == ["default"]
    assert told(QueryUsageError, lambda: Coin.objects.raw(ALL).using(5)) == (  # type: ignore[arg-type]  # tested
        "Coin: using() takes a store's name or a Store, not 5"
    )


def test_a_row_of_a_raw_query_is_saved_where_it_came_from(coins: Store) -> None:
    (coin,) = Coin.objects.raw("SELECT id, coin_name FROM raw_coin").using("archive")
    assert coin.cents == 5
    coin.cents = 7
    coin.save()
    assert Coin.objects.using("archive").get().cents == 7
    assert Coin.objects.get().cents == 5


def test_columns_are_known_by_the_names_of_columns_and_of_fields(coins: Store) -> None:
    for query in ("SELECT id, coin_name FROM raw_coin", "SELECT id, coin_name AS name FROM raw_coin"):
        assert [coin.__dict__ for coin in Coin.objects.raw(query)] == [{"id": 1, "name": "default"}]
    twice = "SELECT id, coin_name, coin_name AS name FROM raw_coin"
    assert told(FieldError, lambda: list(Coin.objects.raw(twice))) == (
        "Coin: the raw query answers 'name' twice; give one of them another name"
    )


@pytest.mark.parametrize(
    ("store", "remedy"), [("here", "use filter()"), ("keys", "use store.redis() for its commands")]
)
def test_a_store_without_a_language_says_what_would_work(coins: Store, store: str, remedy: str) -> None:
    text = told(NotSupportedError, lambda: list(Coin.objects.raw(ALL).using(store)))
    assert text.startswith(f"Coin on {store} (")
    assert text.endswith(f": the store takes no raw queries; {remedy}")


def test_translations_are_a_dict(coins: Store) -> None:
    assert told(QueryUsageError, lambda: Coin.objects.raw(ALL, translations=["id"])) == (  # type: ignore[arg-type]
        "Coin: raw() takes translations as a dict, not ['id']"
    )
