"""The compliance suite on fakeredis: Redis in this process."""

import pytest

from polystore.testing.compliance import *  # noqa: F403


@pytest.fixture(scope="module")
def store_url() -> str:
    return "fakeredis://compliance"
