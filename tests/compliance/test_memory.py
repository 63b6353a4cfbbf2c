"""The compliance suite on the store in memory: the reference adapter."""

import pytest

from polystore.testing.compliance import *  # noqa: F403


@pytest.fixture(scope="session")
def store_url() -> str:
    return "memory://compliance"
