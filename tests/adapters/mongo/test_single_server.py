"""The rules of writing on a MongoDB without transactions, where a batch that fails tells what of it was written."""

from __future__ import annotations

import pytest

from polystore.adapters.base import Adapter
from polystore.testing.compliance.batches import *  # noqa: F403
from polystore.testing.compliance.conflicts import *  # noqa: F403
from polystore.testing.compliance.uniques import *  # noqa: F403
from polystore.testing.compliance.writing import *  # noqa: F403
from polystore.testing.fixtures import adapter, compliance_store, db, known_gaps, store_label  # noqa: F401
from polystore.testing.harness import declared_by
from polystore.testing.report import Report, line_of

pytestmark = pytest.mark.server("mongodb")


@pytest.fixture(scope="module")
def store_url(available_servers: dict[str, str]) -> dict[str, object]:
    return {"url": available_servers["mongodb"], "transactions": False}


@pytest.fixture(scope="module")
def compliance_report(store_label: str, adapter: Adapter) -> Report:  # noqa: F811
    """Not written: the table's line of MongoDB is that of a replica set."""
    return Report(store_label, frozenset(map(line_of, declared_by(adapter.capabilities))))
