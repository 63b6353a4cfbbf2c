"""Estimated counts come near once a server has looked at the table."""

from __future__ import annotations

import pytest

from polystore import Field, Model, Store, field


class Grain(Model):
    """What there is much of."""

    size: Field[int] = field(default=0)

    class Meta:
        table = "estimates grain.x-y"


ANALYZE = {"postgresql": "ANALYZE {}", "mariadb": "ANALYZE TABLE {}"}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.server(name)) for name in ("postgresql", "mariadb", "mongodb", "redis")],
)
def test_an_estimate_is_near_the_number_of_rows(name: str, server_url: str) -> None:
    with Store(server_url) as store:
        store.drop_all([Grain])
        store.create_all([Grain])
        assert Grain.objects.count(estimate=True) == 0
        Grain.objects.bulk_create([Grain() for _ in range(1000)])
        if name in ANALYZE:
            engine = store.sql()
            with engine.connect() as connection:
                table = engine.dialect.identifier_preparer.quote("estimates grain.x-y")
                connection.exec_driver_sql(ANALYZE[name].format(table))
                connection.commit()
            engine.dispose()
        assert 800 <= Grain.objects.count(estimate=True) <= 1200
        store.drop_all([Grain])
