"""The fixtures of the compliance suite: a store's test file gives ``store_url`` or ``adapter``, the rest is here."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from polystore import Store
from polystore.adapters.base import Adapter
from polystore.engine.open import open_adapter
from polystore.testing.harness import CountingAdapter, Db, declared_by
from polystore.testing.models import MODELS
from polystore.testing.report import Report, line_of

RESULTS_FOLDER = pytest.StashKey[Path]()
"""Where a run writes what it has proven, if anywhere."""


@pytest.fixture(scope="module")
def adapter(store_url: Any) -> Adapter:
    """The adapter under test: that of ``store_url``."""
    return open_adapter("default", store_url)


@pytest.fixture(scope="module")
def store_label(adapter: Adapter) -> str:
    """The store's name in the capability table."""
    return adapter.name


@pytest.fixture(scope="module")
def known_gaps() -> Mapping[str, str]:
    """Names of tests (perhaps with parameters) that the adapter is known to fail, each with the reason."""
    return {}


@pytest.fixture(scope="module")
def compliance_report(request: pytest.FixtureRequest, store_label: str, adapter: Adapter) -> Iterator[Report]:
    """What this run proves of the store, written to the folder in the configuration's stash where there is one."""
    report = Report(store_label, frozenset(map(line_of, declared_by(adapter.capabilities))))
    yield report
    folder = request.config.stash.get(RESULTS_FOLDER, None)
    if folder is not None:
        report.write(folder)


@pytest.fixture(scope="module")
def compliance_store(adapter: Adapter) -> Iterator[tuple[Store, CountingAdapter]]:
    """The store with empty tables of all models, dropped in the end."""
    counting = CountingAdapter(adapter)
    store = Store({"default": counting})
    with store:
        store.drop_all(MODELS)
        store.create_all(MODELS)
        yield store, counting
        store.drop_all(MODELS)


@pytest.fixture(scope="module", params=["sync", "async"])
def db(
    request: pytest.FixtureRequest,
    compliance_store: tuple[Store, CountingAdapter],
    known_gaps: Mapping[str, str],
    compliance_report: Report,
) -> Iterator[Db]:
    """The store in each colour; the async one keeps one event loop, so that its clients live on."""
    store, counting = compliance_store
    loop = asyncio.new_event_loop() if request.param == "async" else None
    yield Db(store, counting, request.param, loop, known_gaps, compliance_report)
    if loop is not None:
        loop.run_until_complete(store.aclose())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
