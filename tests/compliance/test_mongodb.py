"""The compliance suite on MongoDB, on a real server."""

import os

import pytest

from polystore.testing.compliance import *  # noqa: F403

pytestmark = pytest.mark.server("mongodb")


@pytest.fixture(scope="module")
def store_url() -> str:
    return os.environ["POLYSTORE_TEST_MONGODB"]
