"""The compliance suite on MariaDB, on a real server."""

import os

import pytest

from polystore.testing.compliance import *  # noqa: F403

pytestmark = pytest.mark.server("mariadb")


@pytest.fixture(scope="module")
def store_url() -> str:
    return os.environ["POLYSTORE_TEST_MARIADB"]
