"""Where runs of the compliance suite write what they have proven: ``tools/capability_table.py`` reads it."""

from pathlib import Path

import pytest

from polystore.testing.fixtures import RESULTS_FOLDER


def pytest_configure(config: pytest.Config) -> None:
    config.stash[RESULTS_FOLDER] = Path(__file__).parents[2] / ".cache" / "capabilities"
