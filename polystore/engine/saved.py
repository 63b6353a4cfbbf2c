"""What an instance knows of its row: where it came from, what it was, and which fields were assigned since.

A saved instance keeps ``(origin, raw, ...)`` in its slot ``__polystore_saved__`` (see ``load.Origin``) and the names
assigned since then in ``__polystore_changed__``. Containers can change in place: their raw values are kept to compare.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from operator import is_
from typing import Any
from uuid import UUID
from weakref import ReferenceType

from polystore.engine.load import Origin
from polystore.schema.model import FieldInfo, Schema
from polystore.schema.plain import to_plain

_read = object.__getattribute__
_write = object.__setattr__
SCALARS = frozenset({str, int, float, bool, type(None)})
_IMMUTABLE = SCALARS | {bytes, Decimal, UUID}
ABSENT: Any = object()


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
    _write(instance, "__polystore_changed__", assigned(instance).difference(written))
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
        return {key: item if item.__class__ in SCALARS else _copy(item) for key, item in value.items()}
    if isinstance(value, list):
        return [item if item.__class__ in SCALARS else _copy(item) for item in value]
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


def assigned(instance: Any) -> set[str]:
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


def distrust(instance: Any) -> None:
    """Has all values of an instance validated at its next write, since nobody has validated them yet."""
    _write(instance, "__polystore_changed__", set(type(instance).__pydantic_fields__))


def store_of_rest(instance: Any) -> str | None:
    """The store that holds what an instance was loaded without; None for one that is whole, or has another key now."""
    schema: Schema | None = type(instance).__polystore_schema__
    saved = saved_of(instance)
    if saved is None or schema is None or instance.__dict__.keys() >= schema.by_name.keys():
        return None
    return None if schema.primary_key.name in assigned(instance) else str(saved[0].store)


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


def take_over(instance: Any, fresh: Any, names: Sequence[str]) -> None:
    """Gives the instance the values of a freshly loaded one."""
    instance.__dict__.update((name, fresh.__dict__[name]) for name in names)
    _write(instance, "__polystore_changed__", assigned(instance).difference(fresh.__dict__))
    origin, *raws = saved_of(fresh) or (_origin(""),)
    if not is_saved(instance):
        _write(instance, "__polystore_saved__", (_origin(origin.store),))
    _keep_raw(instance, origin.store, dict(zip(origin.names, zip(origin.loads, raws, strict=True), strict=True)))
