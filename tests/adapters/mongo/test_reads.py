"""A read is tried once more when its connection breaks, and only then."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo.errors import AutoReconnect, OperationFailure, ServerSelectionTimeoutError

from polystore.adapters.mongo._sync import MongoBackend
from polystore.adapters.mongo.url import read_settings
from polystore.errors import PolystoreError, StoreUnavailable
from tests.adapters.mongo.helpers import NOTE, bound


class Database:
    """A database whose first commands fail."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.commands: list[dict[str, Any]] = []

    def command(self, document: dict[str, Any], **options: Any) -> dict[str, Any]:
        self.commands.append(document)
        if self.failures:
            raise self.failures.pop(0)
        return {"cursor": {"id": 0, "firstBatch": [{"_id": 1}]}}


def backend_on(database: Database, monkeypatch: pytest.MonkeyPatch) -> MongoBackend:
    backend = MongoBackend(read_settings("mongodb://localhost/shop", {}))
    monkeypatch.setattr(backend, "_opened", lambda: database)
    return backend


def test_a_read_whose_connection_breaks_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(AutoReconnect("reset"))
    assert backend_on(database, monkeypatch).execute(bound(NOTE, pk=1)) == [{"_id": 1}]
    assert len(database.commands) == 2


def test_a_read_whose_connection_breaks_twice_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(AutoReconnect("reset"), AutoReconnect("reset again"))
    with pytest.raises(StoreUnavailable, match="reset again"):
        backend_on(database, monkeypatch).execute(bound(NOTE, pk=1))


@pytest.mark.parametrize("failure", [ServerSelectionTimeoutError("no server"), OperationFailure("no", 59)])
def test_other_failures_are_not_asked_again(failure: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(failure)
    with pytest.raises(PolystoreError) as caught:
        backend_on(database, monkeypatch).execute(bound(NOTE, pk=1))
    assert caught.value.__cause__ is failure
    assert len(database.commands) == 1
