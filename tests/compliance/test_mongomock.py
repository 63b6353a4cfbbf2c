"""The compliance suite on mongomock: MongoDB's commands in this process."""

import pytest

from polystore.testing.compliance import *  # noqa: F403


@pytest.fixture(scope="module")
def store_url() -> str:
    return "mongomock://compliance"
