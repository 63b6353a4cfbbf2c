"""Warnings, each given once: for the line of the user's code that it is about."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable
from functools import lru_cache

from polystore.errors import NullInListWarning, PolystoreWarning, UniquenessWarning
from polystore.schema.model import Schema

_OURS = ("polystore.api.", "polystore.query.")


@lru_cache(maxsize=4096)
def warn_once(category: type[PolystoreWarning], text: str) -> None:
    """Warns, unless the same was said before."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(_OURS):
        level, frame = level + 1, frame.f_back
    warnings.warn(text, category, stacklevel=level)


def warn_of_null(model: str, lookup: str) -> None:
    """Tells that None in a list matches nothing."""
    warn_once(
        NullInListWarning,
        f"{model}: None in the list of {lookup} matches nothing and is left out; "
        f"{lookup.removesuffix('in')}isnull=True asks for NULL",
    )


def warn_of_twins(schema: Schema, verb: str, names: Iterable[str]) -> None:
    """Tells that several rows may have the same values of these fields, unless a constraint keeps them apart."""
    fixed = set(names)
    if schema.primary_key.name in fixed or any(fixed.issuperset(unique.fields) for unique in schema.uniques):
        return
    shown = ", ".join(info.name for info in schema.fields if info.name in fixed) or "nothing"
    warn_once(
        UniquenessWarning,
        f"{schema.name}: {verb}() finds a row by {shown}, which no unique constraint covers: two writers at a time may "
        "make two rows; declare a UniqueConstraint, or unique=True of the field",
    )
