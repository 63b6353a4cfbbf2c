"""The structures of writes by key, and what an instance remembers of them: pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from polystore.engine import changes, saved
from polystore.engine.handle import Handle
from polystore.errors import StaleObject
from polystore.query.stages import Shape
from polystore.schema.model import FieldInfo, Schema

KEY_SHAPE: Shape = (("filter", ("pk",)),)


def insert_fields(schema: Schema, row: Mapping[str, Any]) -> tuple[FieldInfo, ...]:
    """The fields of a row to insert: all that are there, without a key that the store allocates."""
    if row[schema.primary_key.name] is not None:
        return schema.fields
    return schema.beside_key


def instance_update(schema: Schema, request: changes.SaveRequest) -> tuple[Shape, Shape, list[Any], dict[str, Any]]:
    """An instance's update by key: structure, assignments, values, and the fields it writes with their new values."""
    row = dict(request.row)
    values = [changes.key_of(row, schema)]
    shape = KEY_SHAPE
    changed = request.changed
    if request.version is not None and schema.version is not None:
        shape = (("filter", ("pk", schema.version.name)),)
        values.append(request.version)
        row[schema.version.name] = request.version + 1
        changed = (*changed, schema.version) if changed else ()
    assignments = []
    for info in changed:
        plain = saved.plain_value(info, row[info.name])
        assignments.append((info.name, "null" if plain is None else "value"))
        if plain is not None:
            values.append(plain)
    return shape, tuple(assignments), values, {info.name: row[info.name] for info in changed}


def note_inserted(handle: Handle, instance: Any, row: Mapping[str, Any], key: Any) -> None:
    """Gives an inserted instance its key and marks it as saved."""
    if key is not None:
        row = {**row, handle.schema.primary_key.name: key}
    saved.mark_saved(instance, handle.schema, handle.connection.name, handle.rounded(row))


def note_updated(handle: Handle, instance: Any, written: Mapping[str, Any]) -> None:
    """Marks what an update wrote as saved."""
    saved.note_updated(instance, handle.schema, handle.connection.name, handle.rounded(written))


def stale(schema: Schema, request: changes.SaveRequest) -> StaleObject:
    """The error of an update whose version has passed."""
    key = request.row[schema.primary_key.name]
    return StaleObject(
        f"{schema.name} {key!r} has changed since it was loaded (it no longer has version {request.version}); "
        "read it again with refresh_from_db() and repeat the change"
    )
