"""The music shop runs whole, on embedded stores and on servers, and it tells when stores disagree."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO
from itertools import count

import pytest
from rich.console import Console

from examples.music_shop import __main__, same_everywhere, stores
from examples.music_shop.load import FILES, invoices, rows
from examples.music_shop.models import Track
from examples.music_shop.queries import QUERIES
from examples.music_shop.questions import QUESTIONS
from polystore.errors import NotSupportedError

MEMORY = {name: f"memory://test_music_shop_{name}" for name in ("default", "documents", "keys")}


def run(urls: Mapping[str, str]) -> tuple[int, str]:
    console = Console(file=StringIO(), width=200, record=True)
    return __main__.run(urls, console), console.export_text()


def check(status: int, output: str, urls: Mapping[str, str]) -> None:
    assert status == 0, output
    assert "13,532 rows validated and written" in output
    assert "Customer 33 bought 6 tracks for $5.94" in output
    assert all((question.__doc__ or "") in output for question in QUESTIONS)
    assert "Iron Maiden                       140" in output
    assert output.count("✓") == len(QUERIES) * len(urls)
    assert "✗" not in output
    assert "Every answer is the same on every store." in output


def test_the_shop_runs_on_embedded_stores(tmp_path):
    urls = stores.embedded(tmp_path)
    status, output = run(urls)
    check(status, output, urls)
    assert "name__icontains=...; put .client(max_rows=...) before it" in output


@pytest.mark.server("postgresql", "mariadb", "mongodb", "redis")
def test_the_shop_runs_on_servers():
    urls = stores.servers()
    status, output = run(urls)
    check(status, output, urls)


def test_a_store_that_answers_differently_fails_the_run(monkeypatch):
    numbers = count()

    def never_the_same() -> int:
        """a different number each time"""
        return next(numbers)

    monkeypatch.setattr(same_everywhere, "QUERIES", (never_the_same,))
    status, output = run(MEMORY)
    assert status == 1
    assert "Answers differ." in output
    assert output.count("✗") == 2


def test_a_refusal_is_an_answer_that_differs(monkeypatch):
    numbers = count()

    def refused_once() -> int:
        """refused by the first store only"""
        if next(numbers) == 0:
            raise NotSupportedError("this store cannot")
        return Track.objects.count()

    monkeypatch.setattr(same_everywhere, "QUERIES", (refused_once,))
    status, output = run(MEMORY)
    assert status == 1
    assert "refused ✗" in output


def test_the_data_is_whole():
    assert {model.__name__: len(rows(name)) for model, name in FILES.items()} == {
        "Genre": 25,
        "MediaType": 5,
        "Artist": 275,
        "Album": 347,
        "Track": 3503,
        "Playlist": 18,
        "PlaylistTrack": 8715,
        "Employee": 8,
        "Customer": 59,
    }
    assert len(invoices()) == 412
    assert sum(len(invoice.lines) for invoice in invoices()) == 2240
    assert all(
        invoice.total == sum(line.unit_price * line.quantity for line in invoice.lines) for invoice in invoices()
    )


def test_missing_servers_are_named(capsys, monkeypatch):
    for name in stores.SERVERS.values():
        monkeypatch.delenv(f"POLYSTORE_TEST_{name}", raising=False)
    with pytest.raises(SystemExit):
        __main__.main(["--stores", "servers"])
    assert "set POLYSTORE_TEST_POSTGRESQL, POLYSTORE_TEST_MONGODB, POLYSTORE_TEST_REDIS" in capsys.readouterr().err
