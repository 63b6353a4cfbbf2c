"""All tests of the compliance suite and their fixtures: ``from polystore.testing.compliance import *``."""

from __future__ import annotations

import importlib
import pkgutil

from polystore.testing import fixtures

_FIXTURES = (
    "adapter",
    "compliance_report",
    "compliance_store",
    "db",
    "known_gaps",
    "store_label",
)

__all__ = [*_FIXTURES]

for _name in _FIXTURES:
    globals()[_name] = getattr(fixtures, _name)

for _module in pkgutil.iter_modules(__path__):
    _tests = importlib.import_module(f"{__name__}.{_module.name}")
    for _name, _test in vars(_tests).items():
        if _name.startswith("test_") or _name == "reference":
            assert _name not in globals(), f"two tests are called {_name}"
            globals()[_name] = _test
            __all__.append(_name)
