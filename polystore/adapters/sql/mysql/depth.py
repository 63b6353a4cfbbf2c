"""How deep JSON may be nested: MariaDB takes text of more than 31 levels for no JSON, and finds nothing in it."""

from __future__ import annotations

import re

from polystore.adapters.sql.types import Convert
from polystore.errors import DataError

MOST_LEVELS = 31
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*+"')
_BRACKETS = re.compile(r"[\[\]{}]")


def shallow(dump: Convert) -> Convert:
    """The function to JSON text, which refuses what is nested too deep to be looked into.

    Raises:
        DataError: (when called) more levels than MariaDB reads.
    """

    def checked(value: object) -> str:
        text: str = dump(value)
        if text.count("[") + text.count("{") > MOST_LEVELS and _levels(text) > MOST_LEVELS:
            raise DataError(f"MariaDB reads JSON of at most {MOST_LEVELS} levels, this one has {_levels(text)}")
        return text

    return checked


def _levels(text: str) -> int:
    deepest = level = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub("", text)):
        level += 1 if bracket in "[{" else -1
        deepest = max(deepest, level)
    return deepest
