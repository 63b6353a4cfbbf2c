"""Indexes over what is within a row's structured values: paths, lists of single values, JSON as a whole."""

from __future__ import annotations

from collections.abc import Sequence

from polystore.errors import ModelError
from polystore.schema.kinds import JsonKind, Kind, ListKind, describe_kind, is_container
from polystore.schema.model import FieldInfo, IndexInfo
from polystore.schema.paths import PathInfo, target


def can_index(kind: Kind) -> bool:
    """Whether an index can keep values of the kind: single ones, lists of these (an entry for each), JSON."""
    return not is_container(kind) or isinstance(kind, JsonKind) or holds_singles(kind)


def holds_singles(kind: Kind) -> bool:
    """Whether it is a list of single values."""
    return isinstance(kind, ListKind) and not is_container(kind.item)


def indexed_target(model: str, fields: Sequence[FieldInfo], name: str) -> FieldInfo:
    """The field, or what lies at a path, that an index is over.

    Raises:
        ModelError: no such field or path, or values that no index keeps.
    """
    by_name = {field.name: field for field in fields}
    found = target(by_name, name)
    if found is None:
        known = ", ".join(sorted(by_name))
        raise ModelError(f"{model}.Meta: an index names {name!r}, which is no field; fields are {known}")
    if not can_index(found.kind):
        raise ModelError(f"{found.label} is {describe_kind(found.kind)}: it cannot be indexed")
    return found


def is_of_documents(fields: Sequence[FieldInfo], index: IndexInfo) -> bool:
    """Whether a part of the index is a path, a list or JSON."""
    by_name = {field.name: field for field in fields}
    found = [target(by_name, name) for name in index.fields]
    return any(isinstance(each, PathInfo) or (each is not None and is_container(each.kind)) for each in found)


def targets_of(fields: Sequence[FieldInfo], index: IndexInfo) -> tuple[FieldInfo, ...]:
    """What the parts of an index are over."""
    by_name = {field.name: field for field in fields}
    return tuple(found for name in index.fields if (found := target(by_name, name)) is not None)
