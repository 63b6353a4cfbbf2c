"""The compiled commands lock rows: two connections of the driver, each in a transaction of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from polystore import Field, Model, Store, field
from polystore.engine.locks import Locking


class Ticket(Model):
    """What two sellers want to sell."""

    seat: Field[int] = field(unique=True)
    sold: Field[bool] = field(default=False)

    class Meta:
        table = "locks_ticket"


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.server(name)) for name in ("postgresql", "mariadb")])
def connections(server_url: str) -> Iterator[tuple[Connection, Connection]]:
    """Two connections with three rows to lock."""
    with Store(server_url) as store:
        store.drop_all([Ticket])
        store.create_all([Ticket])
        Ticket.objects.bulk_create([Ticket(seat=seat) for seat in (1, 2, 3)])
        engine = store.sql()
        with engine.connect() as first, engine.connect() as second:
            yield first, second
            for each in (first, second):
                each.rollback()
        engine.dispose()
        store.drop_all([Ticket])


def locked(connection: Connection, **options: bool) -> list[int]:
    """The seats that the connection locks: all that ``select_for_update(...)`` compiles to, sent by the driver."""
    query = Ticket.objects.filter(seat__lte=2).order_by("seat").select_for_update(**options)
    _, compiled, values = query._ready("rows")
    assert isinstance(compiled.prepared, Locking)
    prepared: Any = compiled.prepared.prepared
    statement, parameters = prepared.bind(values)
    rows = connection.exec_driver_sql(statement.text, tuple(parameters)).all()
    place = [source.key for source in compiled.prepared.sources][1]
    return [row[place] for row in rows]


def test_rows_stay_locked_until_the_transaction_ends(connections):
    first, second = connections
    assert locked(first) == [1, 2]
    with pytest.raises(DBAPIError):
        locked(second, nowait=True)
    second.rollback()
    first.rollback()
    assert locked(second, nowait=True) == [1, 2]


def test_locked_rows_are_passed_over(connections):
    first, second = connections
    assert locked(first, skip_locked=True) == [1, 2]
    assert locked(second, skip_locked=True) == []
    first.rollback()
    assert locked(second, skip_locked=True) == [1, 2]
