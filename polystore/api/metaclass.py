"""Builds a model class: pydantic's fields, polystore's schema, typed columns on the class."""

from __future__ import annotations

import threading
from operator import attrgetter
from typing import TYPE_CHECKING, Any, dataclass_transform

from pydantic import PydanticUserError

from polystore.api.complete import complete, complete_later
from polystore.api.fields import FieldDeclaration, field
from polystore.api.queryset import Manager
from polystore.api.registry import register
from polystore.errors import DoesNotExist, ModelError, MultipleObjectsReturned
from polystore.schema.build import MetaInfo, read_meta

if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass
else:
    from pydantic import BaseModel

    ModelMetaclass = type(BaseModel)

_building = threading.local()


@dataclass_transform(kw_only_default=True, field_specifiers=(field,))
class ModelMeta(ModelMetaclass):
    """The metaclass of Model and EmbeddedModel.

    A class whose annotations name classes that are not defined yet is finished when it is first used.
    """

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **arguments: Any) -> Any:
        meta = namespace.pop("Meta", None)
        options = {key: value.options for key, value in namespace.items() if isinstance(value, FieldDeclaration)}
        for key in options:
            namespace[key] = namespace[key].for_pydantic()
        _building.depth = getattr(_building, "depth", 0) + 1
        try:
            cls: Any = super().__new__(mcs, name, bases, namespace, **arguments)
        except (TypeError, PydanticUserError) as error:
            raise ModelError(f"{name}: {getattr(error, 'message', error)}") from error
        finally:
            _building.depth -= 1
        inherited = [base for base in cls.__mro__[1:] if isinstance(base, ModelMeta)]
        cls.__polystore_options__ = _merged("__polystore_options__", inherited) | options
        body = {} if meta is None else dict(vars(meta))
        cls.__polystore_meta__ = read_meta(name, body, _inherited_meta(inherited))
        cls.__polystore_schema__ = None
        cls.__polystore_columns__ = {}
        if not cls.__polystore_embedded__:
            cls.__polystore_manager__ = Manager(cls)
        if not cls.__polystore_meta__.abstract and "__polystore_root__" not in namespace:
            _add_errors(cls)
            if cls.__pydantic_fields_complete__:
                complete(cls)
            if not cls.__polystore_embedded__:
                register(cls)
        return cls

    if not TYPE_CHECKING:
        objects = property(attrgetter("__polystore_manager__"), doc="The manager: where queries on the model begin.")

        def __getattr__(cls, name: str) -> Any:
            if name == "objects":
                raise AttributeError(f"{cls.__name__} is embedded: it has no rows of its own")
            if not name.startswith("_") and not getattr(_building, "depth", 0):
                columns = type.__getattribute__(cls, "__polystore_columns__")
                if not columns and type.__getattribute__(cls, "__polystore_schema__") is None:
                    complete_later(cls)
                column = columns.get(name)
                if column is not None:
                    return column
            return super().__getattr__(name)


def _merged(attribute: str, bases: list[Any]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for base in reversed(bases):
        merged |= vars(base).get(attribute, {})
    return merged


def _inherited_meta(bases: list[Any]) -> MetaInfo:
    return next((base.__polystore_meta__ for base in bases if base.__polystore_meta__.abstract), MetaInfo())


def _add_errors(cls: Any) -> None:
    """``Model.DoesNotExist`` and ``Model.MultipleObjectsReturned``, below those of the class's first base."""
    for error in (DoesNotExist, MultipleObjectsReturned):
        parent = getattr(cls.__mro__[1], error.__name__, error)
        names = {"__module__": cls.__module__, "__qualname__": f"{cls.__qualname__}.{error.__name__}"}
        type.__setattr__(cls, error.__name__, type(error.__name__, (parent,), names))
