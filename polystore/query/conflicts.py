"""What ``bulk_create`` and ``upsert`` do with rows in conflict: their options, checked and resolved to fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from polystore.errors import FieldError, QueryUsageError
from polystore.query.operations import OnConflict
from polystore.schema.model import FieldInfo, Schema, UniqueInfo


def read_conflicts(
    schema: Schema,
    *,
    ignore_conflicts: bool,
    update_conflicts: bool,
    unique_fields: Iterable[str] | None,
    update_fields: Iterable[str] | None,
) -> OnConflict | None:
    """The change of rows in conflict that ``bulk_create`` was asked for; None when it was asked for none.

    Raises:
        QueryUsageError: options that contradict each other, or one of them missing.
        FieldError: fields that are no unique constraint, or that no conflict can change.
    """
    unique, changed = names_of(schema, unique_fields), names_of(schema, update_fields)
    if not update_conflicts:
        if unique or changed:
            raise QueryUsageError(f"{schema.name}: unique_fields and update_fields go with update_conflicts=True")
        return None
    if ignore_conflicts:
        raise QueryUsageError(f"{schema.name}: rows in conflict are ignored or updated, not both")
    if not unique or not changed:
        raise QueryUsageError(
            f"{schema.name}: update_conflicts=True needs unique_fields, by which a row is found, and update_fields, "
            "which it then takes"
        )
    return on_conflict(schema, unique, changed)


def on_conflict(schema: Schema, unique_fields: Sequence[str], update_fields: Sequence[str] | None) -> OnConflict:
    """The change of the rows that have the values of ``unique_fields``; without ``update_fields`` all else changes.

    Raises:
        FieldError: fields that are no unique constraint, or that no conflict can change.
    """
    unique = _constraint(schema, unique_fields)
    target = tuple(schema.by_name[name] for name in unique.fields)
    if update_fields is None:
        fields = tuple(info for info in schema.beside_key if not (info.auto_now_add or info.version or info in target))
    else:
        fields = _changed(schema, target, update_fields)
    key, version = schema.primary_key, schema.version
    told = (() if target == (key,) else (key,)) + (() if version is None else (version,))
    return OnConflict(target, fields, told, unique.nulls_distinct)


def names_of(schema: Schema, given: Iterable[str] | None) -> tuple[str, ...]:
    """The names of fields as given.

    Raises:
        FieldError: a single text, which is no collection of names.
    """
    if isinstance(given, str):
        raise FieldError(f"{schema.name}: fields are given as a list of names, not {given!r}; write [{given!r}]")
    return tuple(given or ())


def may_collide(found: OnConflict, row: Mapping[str, Any]) -> bool:
    """Whether a row could have its target in common with another one."""
    return not (found.nulls_distinct and any(row[field.name] is None for field in found.target))


def _constraint(schema: Schema, given: Sequence[str]) -> UniqueInfo:
    wanted = {schema.field(name).name for name in given}
    there = [UniqueInfo((schema.primary_key.name,), ""), *schema.uniques]
    for unique in there:
        if wanted == set(unique.fields):
            return unique
    listed = "; ".join(", ".join(unique.fields) for unique in there)
    raise FieldError(
        f"{schema.name}: no two rows are kept apart by {', '.join(given)}; the primary key and the unique constraints "
        f"are: {listed}"
    )


def _changed(schema: Schema, target: Sequence[FieldInfo], given: Sequence[str]) -> tuple[FieldInfo, ...]:
    fields = tuple(dict.fromkeys(schema.field(name) for name in given))
    for info in fields:
        if info.primary_key:
            raise FieldError(f"{info.label} is the primary key: update_fields cannot name it")
        if info.version:
            raise FieldError(f"{info.label} is the version, which counts itself: update_fields cannot name it")
        if info in target:
            raise FieldError(f"{info.label} is what rows are found by: update_fields cannot name it")
    return fields + tuple(info for info in schema.fields if info.auto_now and info not in fields + tuple(target))
