"""The fields that a write of some fields writes, and the refusal of those that are not at hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from polystore.errors import FieldError, QueryUsageError
from polystore.query.conflicts import names_of
from polystore.schema.model import FieldInfo, Schema


def chosen_fields(schema: Schema, names: Iterable[str]) -> tuple[FieldInfo, ...]:
    """The fields that a write of ``names`` writes: these, and those set to its moment. A version counts itself.

    Raises:
        FieldError: an unknown field, the primary key, or a single text in place of names.
    """
    fields = tuple(dict.fromkeys(schema.field(name) for name in names_of(schema, names)))
    for info in fields:
        if info.primary_key:
            raise FieldError(f"{info.label} is the primary key: an update cannot write it")
    if not fields:
        return ()
    stamped = tuple(info for info in schema.moments if info.auto_now and info not in fields)
    return tuple(info for info in fields if not info.version) + stamped


def refuse_unloaded(schema: Schema, row: Mapping[str, Any], fields: Iterable[FieldInfo]) -> None:
    """Refuses to write fields that an instance was loaded without, or to write past a version that it does not know.

    Raises:
        QueryUsageError: names the field.
    """
    needed = [info for info in fields if not info.auto_now]
    for info in needed if schema.version is None else [*needed, schema.version]:
        if info.name not in row:
            raise QueryUsageError(
                f"{info.label} was not loaded, so it cannot be written; load it too, or call refresh_from_db()"
            )
