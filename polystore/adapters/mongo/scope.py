"""What the columns of an expression are in the documents that it is computed from."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from polystore.adapters.mongo.dialect import Dialect, path_of
from polystore.query.nodes import Aggregated
from polystore.query.walk import Subquery
from polystore.schema.model import FieldInfo

_SPECIAL = re.compile(r"[.$%\0]")
Path: TypeAlias = Callable[[FieldInfo], str]


@dataclass(frozen=True, slots=True)
class Scope:
    """The documents at one place of a pipeline.

    Attributes:
        dialect: how values are stored.
        path: where the value of a column stands.
        aggregates: where the aggregates of a group stand.
        subqueries: where stands what came of the queries within.
    """

    dialect: Dialect
    path: Path = path_of
    aggregates: Mapping[Aggregated, str] = field(default_factory=dict)
    subqueries: Mapping[Subquery, str] = field(default_factory=dict)


def name_of(field: FieldInfo) -> str:
    """The key of an output in the documents that a pipeline answers; that of a path may have anything in its name."""
    return _SPECIAL.sub(lambda found: f"%{ord(found[0]):x};", field.name)


def within(prefix: str, path: Path) -> Path:
    """The paths in documents that hold the others under a key."""
    return lambda info: f"{prefix}.{path(info)}"
