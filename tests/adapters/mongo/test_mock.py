"""mongomock gives the server's answers or refuses; what it lacks is kept beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal

import pytest

from polystore import F, Field, Model, Store, UniqueConstraint, field
from polystore.errors import NotSupportedError, UniqueViolation
from tests.adapters.mongo.helpers import Note


class Seat(Model):
    """A row and a seat, each pair once; both may be unknown."""

    row: Field[str | None] = None
    number: Field[int | None] = None
    price: Field[Decimal] = field(default=Decimal(0), max_digits=30, decimal_places=10)

    class Meta:
        table = "mock_seat"
        constraints = [UniqueConstraint("row", "number")]


@pytest.fixture
def store() -> Iterator[Store]:
    with Store({"default": "mongomock://"}) as opened:
        opened.create_all([Note, Seat])
        yield opened


def test_a_unique_pair_allows_many_nulls(store: Store) -> None:
    Seat.objects.bulk_create([Seat(row="A", number=1), Seat(row="A"), Seat(row="A"), Seat(), Seat()])
    with pytest.raises(UniqueViolation) as caught:
        Seat(row="A", number=1).save()
    assert caught.value.fields == ("row", "number")
    assert Seat.objects.count() == 5


def test_a_batch_in_conflict_writes_nothing(store: Store) -> None:
    with pytest.raises(UniqueViolation):
        Seat.objects.bulk_create([Seat(row="A", number=1), Seat(row="B", number=1), Seat(row="A", number=1)])
    assert Seat.objects.count() == 0
    with pytest.raises(UniqueViolation):
        Note.objects.bulk_create([Note(id=1), Note(id=2), Note(id=1)])
    assert Note.objects.count() == 0


def test_an_update_in_conflict_changes_nothing(store: Store) -> None:
    Seat.objects.bulk_create([Seat(row="A", number=1), Seat(row="B", number=1), Seat(row="C", number=2)])
    with pytest.raises(UniqueViolation):
        Seat.objects.filter(number=1).update(row="D")
    assert sorted(Seat.objects.values_list("row", flat=True)) == ["A", "B", "C"]
    assert Seat.objects.filter(row="A").update(row="A", number=5) == 1


def test_keys_continue_behind_those_that_users_chose(store: Store) -> None:
    first, chosen, last = Note(), Note(id=10), Note()
    for note in (first, chosen, last):
        note.save()
    assert (first.id, chosen.id, last.id) == (1, 10, 11)


def test_decimals_are_compared_and_ordered_as_numbers(store: Store) -> None:
    prices = [Decimal(text) for text in ("-10.5", "-9", "0", "0.0000000001", "2", "12345678901234567890.1", "10")]
    Seat.objects.bulk_create([Seat(price=price) for price in prices])
    assert list(Seat.objects.order_by("price").values_list("price", flat=True)) == sorted(prices)
    assert Seat.objects.filter(price__gt=Decimal("2")).count() == 2
    assert Seat.objects.filter(price__range=(Decimal(-9), Decimal(0))).count() == 2


def test_what_mongomock_computes_wrongly_is_refused(store: Store) -> None:
    for ask in (
        lambda: Note.objects.filter(stars=F("votes")).count(),
        lambda: Note.objects.filter(moment__month=5).count(),
        lambda: Note.objects.all().update(votes=F("votes") + 1),
    ):
        with pytest.raises(NotSupportedError, match="mongomock"):
            ask()


def test_stores_of_one_name_share_their_rows_and_both_colours_too() -> None:
    with Store({"default": "mongomock://shared"}):
        Note(title="x").save()
    with Store({"default": "mongomock://shared"}):
        assert asyncio.run(Note.objects.acount()) == 1
        Note.objects.all().delete()
    with Store({"default": "mongomock://"}):
        assert Note.objects.count() == 0
