"""Constraints of optional fields."""

from decimal import Decimal

import pydantic
import pytest

from polystore import Field, Model, field


class Priced(Model):
    price: Field[Decimal | None] = field(default=None, max_digits=5, decimal_places=2)
    stars: Field[int | None] = field(default=None, ge=1, le=5)
    note: Field[str | None] = field(default=None, max_length=3, pattern="^a")


def test_none_passes_the_constraints_of_an_optional_field() -> None:
    assert Priced(price=None, stars=None, note=None).price is None


@pytest.mark.parametrize(
    ("name", "value"), [("price", Decimal("1.234")), ("stars", 6), ("note", "b"), ("note", "aaaa")]
)
def test_a_value_of_an_optional_field_is_held_to_its_constraints(name: str, value: object) -> None:
    with pytest.raises(pydantic.ValidationError, match=name):
        Priced(**{name: value})
