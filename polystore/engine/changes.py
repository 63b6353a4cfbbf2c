"""What an instance would write, decided without I/O: validation, changed fields, and how rows are marked as saved.

A saved instance keeps ``(origin, raw, ...)`` in its slot ``__polystore_saved__`` (see ``load.Origin``) and the names
assigned since then in ``__polystore_changed__``. Containers can change in place: they are compared with their
raw value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter, is_
from typing import Any, Literal
from uuid import UUID
from weakref import ReferenceType

from msgspec import Struct
from pydantic import ValidationError as PydanticError
from pydantic_core import SchemaValidator

from polystore.engine.chosen import chosen_fields, refuse_unloaded
from polystore.engine.load import Origin
from polystore.errors import DoesNotExist, QueryUsageError, ValidationError
from polystore.query.conflicts import names_of
from polystore.schema.annotations import JSON_CHECKS, strip_optional
from polystore.schema.kinds import DateKind, NaiveDateTimeKind, TimeKind
from polystore.schema.model import FieldInfo, Schema
from polystore.schema.plain import to_plain
from polystore.schema.storable import is_json

_read = object.__getattribute__
_write = object.__setattr__
_SCALARS = frozenset({str, int, float, bool, type(None)})
_IMMUTABLE = _SCALARS | {bytes, Decimal, UUID}
ABSENT: Any = object()


class SaveRequest(Struct, frozen=True):
    """What a save will do.

    ``row`` holds the validated values of all loaded fields; ``changed`` the fields that an update writes. With
    ``version`` the update demands that the row still has that version.
    """

    action: Literal["insert", "update", "update or insert", "nothing"]
    row: Mapping[str, Any]
    changed: tuple[FieldInfo, ...] = ()
    version: int | None = None


def saved_of(instance: Any) -> tuple[Any, ...] | None:
    """What the instance keeps of its row; None for one that was never saved."""
    try:
        saved: tuple[Any, ...] = _read(instance, "__polystore_saved__")
    except AttributeError:
        return None
    return saved


def peers_of(instance: Any) -> Sequence[ReferenceType[Any]]:
    """The instances that were read together with one that was loaded in part, itself among them."""
    try:
        peers: Sequence[ReferenceType[Any]] = _read(instance, "__polystore_peers__")
    except AttributeError:
        return ()
    return peers


def is_saved(instance: Any) -> bool:
    """Whether the instance was loaded or saved."""
    return saved_of(instance) is not None


def same_store(left: Any, right: Any) -> bool:
    """Whether two instances may come from one store: unsaved ones match any."""
    first, second = saved_of(left), saved_of(right)
    return first is None or second is None or bool(first[0].store == second[0].store)


def note_change(instance: Any, name: str, before: Any) -> None:
    """Remembers that a field was assigned, unless it has the value that it had ``before`` (ABSENT for none)."""
    after = instance.__dict__.get(name, ABSENT)
    if after is before or (type(after) is type(before) and type(after) in _IMMUTABLE and after == before):
        return
    try:
        _read(instance, "__polystore_changed__").add(name)
    except AttributeError:
        _write(instance, "__polystore_changed__", {name})


def mark_saved(instance: Any, schema: Schema, store: str, row: Mapping[str, Any]) -> None:
    """Marks the instance as being what the store holds, and takes over what the store made of its values."""
    _take_over_stored(instance, schema, row)
    raws = _copied(schema, row)
    _write(instance, "__polystore_saved__", (_origin(store, tuple(raws)), *raws.values()))
    _write(instance, "__polystore_changed__", set())


def note_updated(instance: Any, schema: Schema, store: str, written: Mapping[str, Any]) -> None:
    """Takes over what an update wrote; other changes of the instance stay to be written."""
    _take_over_stored(instance, schema, written)
    if not is_saved(instance):
        _write(instance, "__polystore_saved__", (_origin(store),))
    _write(instance, "__polystore_changed__", _assigned(instance).difference(written))
    _keep_raw(instance, store, {name: (None, raw) for name, raw in _copied(schema, written).items()})


def _take_over_stored(instance: Any, schema: Schema, row: Mapping[str, Any]) -> None:
    """Gives the instance the values of a row; a container that is equal stays the same object."""
    held = instance.__dict__
    if len(held) == len(row) and all(map(is_, held.values(), row.values())):
        return
    containers = schema.containers
    for name, value in row.items():
        old = held.get(name)
        if old is not value and not (name in containers and old == value):
            held[name] = value


def _copied(schema: Schema, row: Mapping[str, Any]) -> dict[str, Any]:
    """The plain values of a row's containers as they are now."""
    containers = schema.containers.items()
    return {name: _copy(plain_value(info, row[name])) for name, info in containers if name in row}


def _copy(value: Any) -> Any:
    """A plain value whose lists and dicts nobody else holds; all else in it is immutable."""
    if isinstance(value, dict):
        return {key: item if item.__class__ in _SCALARS else _copy(item) for key, item in value.items()}
    if isinstance(value, list):
        return [item if item.__class__ in _SCALARS else _copy(item) for item in value]
    return value


def _keep_raw(instance: Any, store: str, fresh: Mapping[str, tuple[Any, Any]]) -> None:
    """Keeps these containers' raw values with the instance, beside those kept before."""
    if not fresh:
        return
    origin, *raws = saved_of(instance) or (_origin(store),)
    kept = dict(zip(origin.names, zip(origin.loads, raws, strict=True), strict=True)) | dict(fresh)
    made = Origin(store, tuple(kept), tuple(load for load, _ in kept.values()))
    _write(instance, "__polystore_saved__", (made, *(raw for _, raw in kept.values())))


def mark_deleted(instance: Any) -> None:
    """Forgets that the instance has a row, so that saving it inserts it again."""
    if is_saved(instance):
        object.__delattr__(instance, "__polystore_saved__")


def _assigned(instance: Any) -> set[str]:
    """The names of fields assigned since the instance was loaded or saved."""
    try:
        assigned: set[str] = _read(instance, "__polystore_changed__")
    except AttributeError:
        return set()
    return assigned


@lru_cache(maxsize=1024)
def _origin(store: str, names: tuple[str, ...] = ()) -> Origin:
    """The origin of an instance that keeps plain values of these fields."""
    return Origin(store, names, (None,) * len(names))


@lru_cache(maxsize=4096)
def _plain_converter(info: FieldInfo) -> Any:
    return to_plain(info.kind)


def plain_value(info: FieldInfo, value: Any) -> Any:
    """The plain value of a validated rich one."""
    convert = _plain_converter(info)
    return value if value is None or convert is None else convert(value)


# ---- validation


def new_instance(model: Any, schema: Schema, values: Mapping[str, Any]) -> Any:
    """An instance of these values, as a verb that makes one takes them; ``pk`` stands for the primary key.

    Raises:
        FieldError: an unknown name.
        ValidationError: names each field and why its value is refused.
    """
    if not values.keys() <= schema.by_name.keys():
        aliases = {info.alias for info in model.__pydantic_fields__.values() if info.alias is not None}
        free = model.model_config.get("extra") == "allow"
        values = {name if free or name in aliases else schema.field(name).name: values[name] for name in values}
    try:
        return model(**values)
    except PydanticError as error:
        raise _refusal(schema, _problems(error)) from error


def clean(instance: Any, schema: Schema, *, whole: bool = False) -> dict[str, Any]:
    """The validated values of all loaded fields, which the instance takes over.

    Values that were validated when the instance was made, or come from the store, are validated again only where they
    can have changed: assigned fields and containers. Where the model has validators of its own, or with ``whole``, all
    are.

    Raises:
        ValidationError: names each field and why its value is refused.
    """
    held = instance.__dict__
    model: Any = type(instance)
    names = schema.by_name.keys()
    row = held.copy() if held.keys() == names else {name: held[name] for name in names if name in held}
    if whole or model.__polystore_validators__:
        fresh = _validated(model, schema, row)
    else:
        fresh = clean_values(model, schema, _suspects(instance, model, schema, row))
    for name, value in fresh.items():
        old = row[name]
        if old is not value:
            row[name] = value
            if not (name in schema.containers and type(old) is type(value) and old == value):
                held[name] = value
    return row


def _suspects(instance: Any, model: Any, schema: Schema, row: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a row that may have changed since they were validated."""
    suspects = _assigned(instance)
    for name, free in _containers(model, schema):
        if name in row and name not in suspects:
            value = row[name]
            if not (free and value.__class__ is dict and is_json(value)):
                suspects = suspects | {name}
    return {name: value for name, value in row.items() if name in suspects} if suspects else {}


@lru_cache(maxsize=1024)
def _containers(model: Any, schema: Schema) -> tuple[tuple[str, bool], ...]:
    """The names of containers, and whether any dict of storable JSON is a valid value of each."""
    return tuple((name, _is_free_json(model.__pydantic_fields__[name])) for name in schema.containers)


def _is_free_json(info: Any) -> bool:
    inner, _ = strip_optional(info.annotation)
    return inner in (Any, dict, dict[str, Any]) and set(info.metadata) <= JSON_CHECKS


def distrust(instance: Any) -> None:
    """Has all values of an instance validated at its next write, since nobody has validated them yet."""
    _write(instance, "__polystore_changed__", set(type(instance).__pydantic_fields__))


def store_of_rest(instance: Any) -> str | None:
    """The store that holds what an instance was loaded without; None for one that is whole, or has another key now."""
    schema: Schema | None = type(instance).__polystore_schema__
    saved = saved_of(instance)
    if saved is None or schema is None or instance.__dict__.keys() >= schema.by_name.keys():
        return None
    return None if schema.primary_key.name in _assigned(instance) else str(saved[0].store)


def note_copied(instance: Any, store: str | None) -> None:
    """Has all values of a copy validated at its next write; one of a part of a row reads the rest from its store."""
    distrust(instance)
    if store is None:
        return
    schema: Schema = type(instance).__polystore_schema__
    _write(instance, "__polystore_saved__", (_origin(store),))
    _write(
        instance, "__polystore_changed__", {info.name for info in schema.beside_key if info.name in instance.__dict__}
    )


def _validated(model: Any, schema: Schema, given: Mapping[str, Any]) -> dict[str, Any]:
    if len(given) < len(schema.fields):
        return clean_values(model, schema, given)
    try:
        made = model.__pydantic_validator__.validate_python(given, by_alias=False, by_name=True)
    except PydanticError as error:
        raise _refusal(schema, _problems(error)) from error
    return {name: made.__dict__[name] for name in given}


def clean_values(model: Any, schema: Schema, values: Mapping[str, Any]) -> dict[str, Any]:
    """Validated values of some fields, for an update without an instance.

    Raises:
        ValidationError: names each field and why its value is refused.
    """
    row = {}
    problems: list[tuple[str, str]] = []
    cause: PydanticError | None = None
    for name, value in values.items():
        try:
            row[name] = _field_validator(model, name).validate_python(value)
        except PydanticError as error:
            problems += _problems(error, name)
            cause = error
    if cause is not None:
        raise _refusal(schema, problems) from cause
    return row


def refuse_wrong_default(model: Any, schema: Schema, info: FieldInfo) -> None:
    """Holds a field's default against the field, since pydantic takes defaults as they are.

    Raises:
        ValidationError: the field does not accept it.
    """
    try:
        SchemaValidator(_field_schema(model, info.name)).validate_python(info.default)
    except PydanticError as error:
        raise _refusal(schema, _problems(error, info.name)) from error


def _problems(error: PydanticError, *field: str) -> list[tuple[str, str]]:
    """Where pydantic refuses a value and why, naming what was given; for the error of one field with its name."""
    problems = []
    for detail in error.errors(include_url=False, include_context=False):
        given = "" if detail["type"] == "missing" else f", not {detail['input']!r}"
        problems.append((".".join(str(part) for part in (*field, *detail["loc"])), f"{detail['msg']}{given}"))
    return problems


def _refusal(schema: Schema, problems: Sequence[tuple[str, str]]) -> ValidationError:
    """Pydantic's errors as one of ours."""
    return ValidationError("; ".join(f"{schema.name}.{path}: {reason}" for path, reason in problems), problems)


@lru_cache(maxsize=4096)
def _field_validator(model: Any, name: str) -> SchemaValidator:
    return SchemaValidator(_field_schema(model, name))


def _field_schema(model: Any, name: str) -> Any:
    """The core schema of one field with its field validators, without the model's own."""
    fields, definitions = _fields_schema(model.__pydantic_core_schema__)
    schema = fields[name]["schema"]
    return {"type": "definitions", "schema": schema, "definitions": definitions} if definitions else schema


def _fields_schema(schema: Any) -> tuple[Any, list[Any]]:
    definitions: list[Any] = []
    while schema["type"] != "model-fields":
        definitions = schema.get("definitions", definitions)
        if schema["type"] == "definition-ref":
            schema = next(each for each in definitions if each.get("ref") == schema["schema_ref"])
        else:
            schema = schema["schema"]
    return schema["fields"], definitions


# ---- what a save does


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
    return is_saved(instance) and schema.primary_key.name in _assigned(instance)


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
    found = _assigned(instance)
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
        if one.__class__ in _SCALARS:
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


def take_over(instance: Any, fresh: Any, names: Sequence[str]) -> None:
    """Gives the instance the values of a freshly loaded one."""
    instance.__dict__.update((name, fresh.__dict__[name]) for name in names)
    _write(instance, "__polystore_changed__", _assigned(instance).difference(fresh.__dict__))
    origin, *raws = saved_of(fresh) or (_origin(""),)
    if not is_saved(instance):
        _write(instance, "__polystore_saved__", (_origin(origin.store),))
    _keep_raw(instance, origin.store, dict(zip(origin.names, zip(origin.loads, raws, strict=True), strict=True)))


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
