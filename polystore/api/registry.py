"""Every model class that has been defined and still lives."""

from __future__ import annotations

import weakref
from typing import Any

_models: weakref.WeakSet[Any] = weakref.WeakSet()


def register(model: Any) -> None:
    """Remembers a concrete model."""
    _models.add(model)


def all_models() -> list[Any]:
    """The concrete models, by name."""
    return sorted(_models, key=lambda model: (model.__name__, model.__module__))


def forget(model: Any) -> None:
    """Takes a model off the list: one that was made for a moment, by a test say, is nothing to create tables for."""
    _models.discard(model)
