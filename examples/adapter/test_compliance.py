"""The whole proof of an adapter: one import and one fixture."""

import pytest

from examples.adapter.polystore_jsonlines import JsonLinesAdapter, open
from polystore.testing.compliance import *  # noqa: F403


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> JsonLinesAdapter:
    return open(f"jsonlines://{tmp_path_factory.mktemp('jsonlines')}", {})
