"""``Model`` and ``EmbeddedModel``: pydantic models that know their store."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict

from polystore.api.complete import schema_of
from polystore.api.fields import Field, field
from polystore.api.metaclass import ModelMeta
from polystore.api.state import handle_of_instance
from polystore.engine import _async, _sync, changes, saved, validation
from polystore.engine.load import build_instance
from polystore.engine.loops import running_loop
from polystore.engine.peers import load_deferred
from polystore.errors import DoesNotExist, MultipleObjectsReturned, QueryUsageError

if TYPE_CHECKING:
    from polystore.api.queryset import Manager
    from polystore.schema.model import Schema

    M = TypeVar("M", bound="Model")

    class _Objects:
        """The manager of whichever model it is read from."""

        def __get__(self, instance: None, owner: type[M]) -> Manager[M]: ...

    class _Root(BaseModel, metaclass=ModelMeta): ...

else:

    class _Root(BaseModel, metaclass=ModelMeta):
        """What models and embedded models share at run time."""

        model_config = ConfigDict(defer_build=True)
        __polystore_root__ = True
        __polystore_embedded__ = True

        @classmethod
        def __polystore_build__(cls, values: dict[str, Any], names: set[str]) -> Any:
            return build_instance(cls, values, names)


_REST = "__polystore_rest__"
"""Where the state of a pickled instance tells which store holds what it was loaded without."""


class EmbeddedModel(_Root):
    """A structure kept inside a field of a model: ``author: Field[Person]``, ``lines: Field[list[Line]]``."""

    if not TYPE_CHECKING:
        __polystore_root__ = True

    model_config = ConfigDict(defer_build=True, arbitrary_types_allowed=True, populate_by_name=True)


class Model(_Root):
    """A row, a document or a key's hash, as its store has it.

    Declare fields by annotation and ``field(...)``, options in an inner ``class Meta``. Values are validated when an
    instance is made and on every write; loading skips validation. Instances are equal when model, key and store are.
    """

    model_config = ConfigDict(defer_build=True, arbitrary_types_allowed=True, populate_by_name=True)

    if TYPE_CHECKING:
        id: Field[Any] = field(default=None)
        objects: ClassVar[_Objects] = _Objects()
        DoesNotExist: ClassVar[type[DoesNotExist]]
        MultipleObjectsReturned: ClassVar[type[MultipleObjectsReturned]]
        __polystore_schema__: ClassVar[Schema]
    else:
        __slots__ = ("__polystore_changed__", "__polystore_peers__", "__polystore_saved__")
        __polystore_root__ = True
        __polystore_embedded__ = False
        id: int | None = None

    @property
    def pk(self) -> Any:
        """The value of the primary key, whatever its name."""
        return self.__dict__.get(schema_of(type(self)).primary_key.name)

    @pk.setter
    def pk(self, value: Any) -> None:
        setattr(self, schema_of(type(self)).primary_key.name, value)

    # ---- writing

    def save(
        self,
        *,
        force_insert: bool = False,
        force_update: bool = False,
        update_fields: Iterable[str] | None = None,
    ) -> Self:
        """Writes the instance: a new one whole, a loaded one only where it changed.

        Args:
            force_insert: insert, even with a key that may exist.
            force_update: update, and raise DoesNotExist when the row is gone.
            update_fields: write just these fields.

        Returns:
            The instance itself.

        Raises:
            ValidationError: values that their fields do not accept; nothing was written.
            IntegrityError: the store's constraints refuse the row.
            StaleObject: the row's version is another one by now.

        Cost: one round trip; two for a new instance whose key was given (update, then insert); none without a change.
        """
        handle = handle_of_instance(self)
        _sync.save(handle, self, changes.save_request(self, handle.schema, force_insert, force_update, update_fields))
        return self

    async def asave(
        self,
        *,
        force_insert: bool = False,
        force_update: bool = False,
        update_fields: Iterable[str] | None = None,
    ) -> Self:
        """``save`` in the async colour."""
        handle = handle_of_instance(self)
        request = changes.save_request(self, handle.schema, force_insert, force_update, update_fields)
        await _async.save(handle, self, request)
        return self

    def delete(self) -> tuple[int, dict[str, int]]:
        """Deletes the row; one round trip.

        Returns:
            How many rows went, in all and by model.
        """
        return self._outcome(_sync.delete(handle_of_instance(self), self))

    async def adelete(self) -> tuple[int, dict[str, int]]:
        """``delete`` in the async colour."""
        return self._outcome(await _async.delete(handle_of_instance(self), self))

    def _outcome(self, number: int) -> tuple[int, dict[str, int]]:
        name = type(self).__name__
        return number, {name: number} if number else {}

    # ---- reading

    def refresh_from_db(self, fields: Iterable[str] | None = None) -> None:
        """Reads the fields anew (all of them by default); one round trip.

        Raises:
            DoesNotExist: the row is gone.
        """
        _sync.refresh(handle_of_instance(self), self, changes.refresh_names(self, schema_of(type(self)), fields))

    async def arefresh_from_db(self, fields: Iterable[str] | None = None) -> None:
        """``refresh_from_db`` in the async colour."""
        await _async.refresh(handle_of_instance(self), self, changes.refresh_names(self, schema_of(type(self)), fields))

    def full_clean(self) -> None:
        """Validates all values as a write does, and takes over what validation makes of them.

        Raises:
            ValidationError: names each field and why its value is refused.
        """
        validation.clean(self, schema_of(type(self)), whole=True)

    # ---- how pydantic and Python see it

    if not TYPE_CHECKING:

        def __setattr__(self, name: str, value: Any) -> None:
            before = self.__dict__.get(name, saved.ABSENT)
            super().__setattr__(name, value)
            saved.note_change(self, name, before)

        @classmethod
        def model_construct(cls, _fields_set: set[str] | None = None, **values: Any) -> Self:
            instance = super().model_construct(_fields_set, **values)
            saved.distrust(instance)
            return instance

        def __copy__(self) -> Self:
            instance = super().__copy__()
            saved.note_copied(instance, saved.store_of_rest(self))
            return instance

        def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
            instance = super().__deepcopy__(memo)
            saved.note_copied(instance, saved.store_of_rest(self))
            return instance

        def __getstate__(self) -> dict[Any, Any]:
            store = saved.store_of_rest(self)
            return super().__getstate__() | ({} if store is None else {_REST: store})

        def __setstate__(self, state: dict[Any, Any]) -> None:
            super().__setstate__(state)
            saved.note_copied(self, state.get(_REST))

        def __getattr__(self, name: str) -> Any:
            schema = type(self).__polystore_schema__
            if schema is not None and name in schema.by_name and saved.is_saved(self):
                return self._load_deferred(name)
            return super().__getattr__(name)

        def _load_deferred(self, name: str) -> Any:
            try:
                running_loop()
            except RuntimeError:
                load_deferred(handle_of_instance(self), self, name)
                return self.__dict__[name]
            raise QueryUsageError(
                f"{type(self).__name__}.{name} was deferred and is not loaded; in async code load it with "
                f"await instance.arefresh_from_db([{name!r}]), or do not defer it"
            )

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Model) or type(self) is not type(other) or self.pk is None:
            return False
        return bool(self.pk == other.pk) and saved.same_store(self, other)

    def __hash__(self) -> int:
        if self.pk is None:
            raise TypeError(
                f"{type(self).__name__}: an instance without a primary key cannot be hashed; save() it first"
            )
        return hash((type(self), self.pk))
