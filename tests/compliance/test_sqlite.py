"""The compliance suite on SQLite in a file."""

from pathlib import Path

import pytest

from polystore.testing.compliance import *  # noqa: F403


@pytest.fixture(scope="module")
def store_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("sqlite") / "compliance.db"
    return f"sqlite:///{path}"
