"""Casts that only SQL databases have: a UUID as text."""

from __future__ import annotations

from uuid import UUID

import pytest

from polystore import Cast, Field, Model, Store, field


class Token(Model):
    name: Field[str] = field(max_length=20)
    key: Field[UUID | None] = field(default=None)

    class Meta:
        table = "cast_tokens"


@pytest.mark.parametrize(
    "server", [pytest.param(name, marks=pytest.mark.server(name)) for name in ("postgresql", "mariadb")]
)
def test_a_uuid_that_is_null_is_null_as_text(server: str, server_url: str) -> None:
    with Store(server_url) as store:
        store.drop_all([Token])
        store.create_all([Token])
        Token.objects.bulk_create([Token(name="a", key=UUID(int=10)), Token(name="b")])
        found = Token.objects.order_by("name").values_list(Cast("key", str), flat=True)
        assert list(found) == ["00000000-0000-0000-0000-00000000000a", None]
        store.drop_all([Token])
