"""A fresh store for each test, and the list of the commands that it was sent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from polystore import Store
from polystore.api import state
from tests.api.shop import Recorder


@pytest.fixture(autouse=True)
def no_store_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stores that other tests made are not the default one here."""
    monkeypatch.setattr(state, "_opened", [])


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def store(recorder: Recorder) -> Iterator[Store]:
    """A store in memory, the current one for the test."""
    with Store({"default": recorder}) as store:
        yield store


@pytest.fixture
def sent(store: Store, recorder: Recorder) -> list[str]:
    """The commands sent so far; a test may clear it."""
    return recorder.sent
