"""Commands that would be too long or too deep for a server are refused when they are compiled."""

from __future__ import annotations

import pytest

from polystore import Cast, F, Field, Model, Round, Store
from polystore.errors import NotSupportedError
from polystore.query.functions import Combinable


class Measure(Model):
    number: Field[int]


def rounded(times: int) -> Combinable:
    found: Combinable = F("number")
    for _ in range(times):
        found = Cast(Round(found, -1) / 2, int)
    return found


@pytest.mark.parametrize(
    ("url", "times", "words"),
    [
        ("mariadb://root@localhost:1/none", 5, "longer than 8,388,608 characters"),
        ("mongodb://localhost:1/none", 60, "MongoDB would not take the command"),
    ],
)
def test_what_a_server_would_not_take_is_refused_without_one(url: str, times: int, words: str) -> None:
    with Store(url) as store:
        query = Measure.objects.using(store).all()
        assert "command" in query.annotate(it=rounded(1)).explain()
        with pytest.raises(NotSupportedError, match=words) as caught:
            query.annotate(it=rounded(times)).explain()
    assert "client(max_rows=...)" in str(caught.value)


def test_a_command_of_postgresql_grows_by_what_is_added() -> None:
    with Store("postgresql://localhost:1/none") as store:
        query = Measure.objects.using(store).all()
        sizes = [len(query.annotate(it=rounded(times)).explain()) for times in (4, 8, 16)]
    assert sizes[2] - sizes[1] < 3 * (sizes[1] - sizes[0])
