"""The compliance suite on SQLite in memory."""

import pytest

from polystore.testing.compliance import *  # noqa: F403


@pytest.fixture(scope="module")
def store_url() -> str:
    return "sqlite:///:memory:"


@pytest.fixture(scope="module")
def store_label() -> str:
    return "sqlite memory"
