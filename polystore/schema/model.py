"""What a model is made of: the frozen ``Schema`` with its fields, indexes and constraints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct

from polystore.errors import FieldError, suggestion
from polystore.schema.kinds import Kind, is_container


class Missing:
    """The type of ``MISSING``: no default was given."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = Missing()


class FieldInfo(Struct, frozen=True, eq=False):
    """One field of a model.

    ``position`` is its place among the model's fields; ``column`` its name in the store. ``auto`` marks the int64 key
    that the store allocates when none is given.
    """

    model: str
    name: str
    column: str
    kind: Kind
    position: int
    null: bool = False
    primary_key: bool = False
    auto: bool = False
    unique: bool = False
    index: bool = False
    default: Any = MISSING
    default_factory: Callable[[], Any] | None = None
    auto_now: bool = False
    auto_now_add: bool = False
    version: bool = False
    choices: tuple[Any, ...] | None = None

    @property
    def label(self) -> str:
        """Model and field, as errors name them."""
        return f"{self.model}.{self.name}"

    @property
    def mutable(self) -> bool:
        """Whether a value can change in place, so that a change is found only by comparing."""
        return is_container(self.kind)


class IndexInfo(Struct, frozen=True):
    """An index: field names with their direction. A primary key has none of its own."""

    fields: tuple[str, ...]
    descending: tuple[bool, ...]
    name: str
    casefold: bool = False


class UniqueInfo(Struct, frozen=True):
    """A unique constraint over fields; with ``nulls_distinct`` (SQL's rule) rows with a NULL never collide."""

    fields: tuple[str, ...]
    name: str
    nulls_distinct: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """Everything that the floors below ``api`` know about a model. Compared by identity: one per class.

    ``uniques`` holds the declared constraints and one for each ``unique=True`` field, the primary key not among them.
    ``indexes`` likewise holds one for each ``index=True`` field; ``document_indexes`` those over paths, lists and JSON.
    """

    name: str
    table: str
    fields: tuple[FieldInfo, ...]
    indexes: tuple[IndexInfo, ...] = ()
    uniques: tuple[UniqueInfo, ...] = ()
    document_indexes: tuple[IndexInfo, ...] = ()
    ordering: tuple[str, ...] = ()
    store: str | None = None
    ttl: timedelta | None = None
    embedded: bool = False
    latest_by: tuple[str, ...] = ()
    by_name: Mapping[str, FieldInfo] = field(init=False, repr=False)
    primary_key: FieldInfo = field(init=False, repr=False)
    version: FieldInfo | None = field(init=False, repr=False)
    beside_key: tuple[FieldInfo, ...] = field(init=False, repr=False)
    containers: Mapping[str, FieldInfo] = field(init=False, repr=False)
    """The fields whose values can change in place, by name."""
    moments: tuple[FieldInfo, ...] = field(init=False, repr=False)
    """The fields that a write sets to the moment it happens."""
    lookups: dict[str, Any] = field(init=False, repr=False, default_factory=dict)
    """Lookup names met so far, with what ``query.lookups`` made of them."""
    coercers: dict[str, Callable[[Any], Any]] = field(init=False, repr=False, default_factory=dict)
    """Of these the ones that compare with one value, with the function that coerces it."""

    scopes: dict[Any, Any] = field(init=False, repr=False, default_factory=dict)
    """Annotations met so far, with what ``query.names`` made of them."""

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "by_name", MappingProxyType({info.name: info for info in self.fields}))
        put(self, "primary_key", next((info for info in self.fields if info.primary_key), None))
        put(self, "version", next((info for info in self.fields if info.version), None))
        put(self, "beside_key", tuple(info for info in self.fields if not info.primary_key))
        put(self, "containers", MappingProxyType({info.name: info for info in self.fields if info.mutable}))
        put(self, "moments", tuple(info for info in self.fields if info.auto_now or info.auto_now_add))

    def field(self, name: str) -> FieldInfo:
        """The field of that name (``pk`` is the primary key).

        Raises:
            FieldError: no such field; the message lists the fields there are.
        """
        try:
            if name == "pk" and not self.embedded:
                return self.primary_key
            info = self.by_name.get(name)
        except TypeError:  # a list or a column, which cannot be looked up
            raise FieldError(f"{self.name}: a field is given by its name, a str, not {name!r}") from None
        if info is None:
            known = ", ".join(self.by_name)
            near = suggestion(name, self.by_name)
            raise FieldError(f"{self.name} has no field {name!r}; its fields are {known}{near}")
        return info
