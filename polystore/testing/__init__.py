"""The compliance suite: what every adapter must answer, ready to run against any store.

A test file for a store is one import and one fixture::

    import pytest
    from polystore.testing.compliance import *

    @pytest.fixture(scope="session")
    def store_url() -> str:
        return "mystore://localhost/test"
"""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("polystore.testing.compliance")
