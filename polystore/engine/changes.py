"""What a write of an instance does, decided without I/O: the action, the row, and the fields that changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Literal

from msgspec import Struct

from polystore.engine.chosen import chosen_fields, refuse_unloaded
from polystore.engine.saved import SCALARS, assigned, is_saved, plain_value, saved_of
from polystore.engine.validation import clean
from polystore.errors import DoesNotExist, QueryUsageError
from polystore.query.conflicts import names_of
from polystore.schema.kinds import DateKind, NaiveDateTimeKind, TimeKind
from polystore.schema.model import FieldInfo, Schema


class SaveRequest(Struct, frozen=True):
    """What a save will do.

    ``row`` holds the validated values of all loaded fields; ``changed`` the fields that an update writes. With
    ``version`` the update demands that the row still has that version.
    """

    action: Literal["insert", "update", "update or insert", "nothing"]
    row: Mapping[str, Any]
    changed: tuple[FieldInfo, ...] = ()
    version: int | None = None


def save_request(
    instance: Any, schema: Schema, force_insert: bool, force_update: bool, update_fields: Iterable[str] | None
) -> SaveRequest:
    """Decides what a save writes, after validation.

    Raises:
        ValidationError: values that their fields do not accept.
        QueryUsageError: options that contradict each other, or a changed primary key.
    """
    if force_insert and (force_update or update_fields is not None):
        raise QueryUsageError(f"{schema.name}: save() takes force_insert or an update, not both")
    saved = saved_of(instance)
    chosen = None if update_fields is None else chosen_fields(schema, update_fields)
    if chosen == ():
        return SaveRequest("nothing", {})
    if not force_insert:
        refuse_changed_key(instance, schema)
    row = clean(instance, schema)
    if force_insert or saved is None:
        row |= moments(schema, adding=True)
    key = row.get(schema.primary_key.name)
    if saved is None and not force_update and chosen is None:
        given_key = key is not None and schema.primary_key.default_factory is None
        action: Literal["insert", "update or insert"] = (
            "update or insert" if given_key and not force_insert else "insert"
        )
        return SaveRequest(action, row, _beside_key(schema, row))
    if force_insert:
        return SaveRequest("insert", row)
    if key is None:
        raise QueryUsageError(f"{schema.name}: an instance without a primary key cannot be updated; save() it first")
    changed = chosen if chosen is not None else changed_fields(instance, schema, row)
    if chosen is not None or changed:
        refuse_unloaded(schema, row, changed)
    version = None if schema.version is None else row.get(schema.version.name)
    if not changed:
        return SaveRequest("update" if force_update else "nothing", row, (), version)
    if schema.moments:
        row |= {name: moment for name, moment in moments(schema).items() if name in row or chosen is not None}
    loaded_whole = len(row) == len(schema.fields)
    forced = force_update or chosen is not None or version is not None or not loaded_whole
    return SaveRequest("update" if forced else "update or insert", row, changed, version)


def key_was_changed(instance: Any, schema: Schema) -> bool:
    """Whether the primary key was assigned since the instance was loaded or saved."""
    return is_saved(instance) and schema.primary_key.name in assigned(instance)


def refuse_changed_key(instance: Any, schema: Schema) -> None:
    """Refuses to take a saved instance for the row of another key.

    Raises:
        QueryUsageError: the primary key was assigned since the instance was loaded or saved.
    """
    if key_was_changed(instance, schema):
        raise QueryUsageError(
            f"{schema.primary_key.label} of a saved instance cannot change; save(force_insert=True) writes a copy"
        )


def _beside_key(schema: Schema, row: Mapping[str, Any]) -> tuple[FieldInfo, ...]:
    whole = len(row) == len(schema.fields)
    return schema.beside_key if whole else tuple(info for info in schema.beside_key if info.name in row)


def changed_fields(instance: Any, schema: Schema, row: Mapping[str, Any]) -> tuple[FieldInfo, ...]:
    """The fields that differ from what was loaded; without any other change ``auto_now`` fields are not written."""
    saved = saved_of(instance)
    if saved is None:
        return _beside_key(schema, row)
    found = assigned(instance)
    origin, *raws = saved
    if raws:
        kept = zip(origin.names, origin.loads, raws, strict=True)
        found = found.difference(origin.names)
        found.update(name for name, load, raw in kept if name in row and _differs(schema, row, name, load, raw))
    if not found:
        return ()
    if schema.moments:
        found = found.union(info.name for info in schema.moments if info.auto_now and info.name in row)
    infos = [schema.by_name[name] for name in found]
    return tuple([info for info in sorted(infos, key=attrgetter("position")) if not info.version])


def _differs(schema: Schema, row: Mapping[str, Any], name: str, load: Any, raw: Any) -> bool:
    """Whether a container is another one than its raw value was."""
    return not identical(plain_value(schema.by_name[name], row[name]), _reread(load, raw))


def identical(left: Any, right: Any) -> bool:
    """Whether two plain structures are equal in types, too: 1, 1.0 and True are different values of JSON."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        if left.keys() != right.keys():
            return False
        pairs = zip(left.values(), map(right.__getitem__, left), strict=True)
    elif isinstance(left, list):
        if len(left) != len(right):
            return False
        pairs = zip(left, right, strict=True)
    else:
        return bool(left == right)
    for one, other in pairs:
        if one.__class__ in SCALARS:
            if one.__class__ is not other.__class__ or one != other:
                return False
        elif not identical(one, other):
            return False
    return True


def _reread(load: Any, raw: Any) -> Any:
    return raw if raw is None or load is None else load(raw)


def moments(schema: Schema, *, adding: bool = False) -> dict[str, Any]:
    """This moment for each ``auto_now`` field and, on the first write, each ``auto_now_add`` field."""
    if not schema.moments:
        return {}
    moment = datetime.now(UTC)
    return {info.name: moment_for(info, moment) for info in schema.moments if info.auto_now or adding}


def moment_for(info: FieldInfo, moment: datetime) -> Any:
    """The moment as a value of the field's kind."""
    match info.kind:
        case DateKind():
            return moment.date()
        case TimeKind():
            return moment.time()
        case NaiveDateTimeKind():
            return moment.replace(tzinfo=None)
        case _:
            return moment


def refresh_names(instance: Any, schema: Schema, fields: Iterable[str] | None) -> tuple[str, ...]:
    """The fields that a refresh reads.

    Raises:
        FieldError: an unknown field.
        QueryUsageError: the instance has no key to read it by.
    """
    if instance.__dict__.get(schema.primary_key.name) is None:
        raise QueryUsageError(f"{schema.name}: an instance without a primary key has no row to read")
    if fields is None:
        return tuple(info.name for info in schema.fields)
    return tuple(schema.field(name).name for name in names_of(schema, fields))


def called(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values given as defaults: those that can be called give way to what they answer."""
    return {name: value() if callable(value) else value for name, value in values.items()}


def assign(instance: Any, values: Mapping[str, Any]) -> None:
    """Sets the values that differ, be it in type only; a save finds out for itself which containers changed."""
    containers = type(instance).__polystore_schema__.containers
    for name, value in called(values).items():
        held = getattr(instance, name)
        if name in containers or type(held) is not type(value) or held != value:
            setattr(instance, name, value)


def key_of(row: Mapping[str, Any], schema: Schema) -> Any:
    """The plain primary key of validated values."""
    return plain_value(schema.primary_key, row[schema.primary_key.name])


def stored_key(instance: Any, schema: Schema) -> Any:
    """The plain primary key of an instance.

    Raises:
        QueryUsageError: it has none, or another one than it was saved with.
    """
    refuse_changed_key(instance, schema)
    key = instance.__dict__.get(schema.primary_key.name)
    if key is None:
        raise QueryUsageError(f"{schema.name}: an instance without a primary key has no row")
    return plain_value(schema.primary_key, key)


def insert_row(instance: Any, schema: Schema) -> dict[str, Any]:
    """The validated values of a new instance.

    Raises:
        ValidationError: values that their fields do not accept.
    """
    return clean(instance, schema) | moments(schema, adding=True)


def missing_row(instance: Any, schema: Schema) -> DoesNotExist:
    """The error of an instance whose row is gone."""
    key = instance.__dict__.get(schema.primary_key.name)
    error: DoesNotExist = type(instance).DoesNotExist(
        f"{schema.name} with {schema.primary_key.name}={key!r} does not exist"
    )
    return error
