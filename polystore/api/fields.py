"""How users declare fields: ``Field[int]`` and ``field(...)``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Generic, Literal, TypedDict, TypeVar, Unpack, overload

import pydantic
from pydantic import AfterValidator, AliasChoices, AliasPath
from pydantic_core import PydanticCustomError, PydanticUndefined

from polystore.errors import ModelError, suggestion
from polystore.query.functions import Column
from polystore.schema.build import Options

T = TypeVar("T")

if TYPE_CHECKING:

    class Field(Generic[T]):
        """A typed field: on the class a ``Column[T]`` that builds conditions, on an instance a ``T``."""

        @overload
        def __get__(self, instance: None, owner: type) -> Column[T]: ...
        @overload
        def __get__(self, instance: object, owner: type) -> T: ...
        def __get__(self, instance: object | None, owner: type) -> Column[T] | T: ...
        def __set__(self, instance: object, value: T) -> None: ...

else:

    class Field:
        """A typed field: on the class a ``Column[T]`` that builds conditions, on an instance a ``T``.

        At run time ``Field[T]`` is the annotation ``T`` itself, so that pydantic sees what it knows.
        """

        def __class_getitem__(cls, item):
            return item


class FieldOptions(TypedDict, total=False):
    """What ``field(...)`` takes beside a default: options of polystore, then pydantic's own."""

    primary_key: bool
    unique: bool
    index: bool
    db_column: str | None
    choices: Iterable[Any] | None
    precision: Literal["us"] | None
    max_length: int | None
    max_digits: int | None
    decimal_places: int | None
    min_length: int | None
    pattern: str | re.Pattern[str] | None
    ge: Any
    gt: Any
    le: Any
    lt: Any
    multiple_of: Any
    allow_inf_nan: bool | None
    strict: bool | None
    coerce_numbers_to_str: bool | None
    alias: str | None
    validation_alias: str | AliasPath | AliasChoices | None
    serialization_alias: str | None
    title: str | None
    description: str | None
    examples: list[Any] | None
    deprecated: str | bool | None
    json_schema_extra: dict[str, Any] | Callable[[dict[str, Any]], None] | None
    exclude: bool | None
    frozen: bool | None
    repr: bool
    validate_default: bool | None
    discriminator: str | None


class FieldDeclaration:
    """What ``field(...)`` gives: options of polystore and arguments for pydantic."""

    __slots__ = ("arguments", "options")

    def __init__(self, options: Options, arguments: dict[str, Any]) -> None:
        self.options = options
        self.arguments = arguments

    def for_pydantic(self) -> Any:
        """The declaration as pydantic's ``FieldInfo``."""
        arguments = dict(self.arguments)
        if self.options.auto_now or self.options.auto_now_add:
            arguments.setdefault("default_factory", _now)
        if self.options.version:
            arguments.setdefault("default", 1)
        if "default_factory" in arguments:
            arguments.pop("default", None)
        info = pydantic.Field(**arguments)
        if self.options.choices is not None:
            info.metadata.append(AfterValidator(_one_of(self.options.choices)))
        return info


@overload
def field(
    *,
    default: Any,
    auto_now: bool = False,
    auto_now_add: bool = False,
    version: bool = False,
    **options: Unpack[FieldOptions],
) -> Any: ...
@overload
def field(
    *,
    default_factory: Callable[[], Any],
    auto_now: bool = False,
    auto_now_add: bool = False,
    **options: Unpack[FieldOptions],
) -> Any: ...
@overload
def field(*, auto_now: Literal[True], init: Literal[False] = False, **options: Unpack[FieldOptions]) -> Any: ...
@overload
def field(*, auto_now_add: Literal[True], init: Literal[False] = False, **options: Unpack[FieldOptions]) -> Any: ...
@overload
def field(*, version: Literal[True], init: Literal[False] = False, **options: Unpack[FieldOptions]) -> Any: ...
@overload
def field(**options: Unpack[FieldOptions]) -> Any: ...
def field(
    *,
    default: Any = PydanticUndefined,
    default_factory: Callable[[], Any] | None = None,
    primary_key: bool = False,
    unique: bool = False,
    index: bool = False,
    db_column: str | None = None,
    choices: Any = None,
    auto_now: bool = False,
    auto_now_add: bool = False,
    version: bool = False,
    precision: str | None = None,
    max_length: int | None = None,
    max_digits: int | None = None,
    decimal_places: int | None = None,
    **constraints: Any,
) -> Any:
    """Declares a field of a model.

    Args:
        default: the value when none is given; a mutable one is refused.
        default_factory: makes the value when none is given.
        primary_key: the field is the key. An ``int | None`` key is allocated by the store.
        unique: no two rows have the same value; NULLs never collide.
        index: the store keeps an index over the field.
        db_column: the column's name in the store.
        choices: the values allowed, or (value, label) pairs.
        auto_now: set to the moment of each write; auto_now_add: of the first one only.
        version: an int that each save raises and checks, so that a lost update is refused with StaleObject.
        precision: "us" keeps microseconds of a datetime on every store.
        max_length: the most characters (code points) or bytes.
        max_digits: the most digits of a Decimal; decimal_places: how many of them are fractional.
        constraints: pydantic's own: ge, gt, le, lt, pattern, min_length, multiple_of, alias, title, description...

    Returns:
        A declaration for the class body.

    Raises:
        ModelError: an unknown option.
    """
    for name in constraints:
        if name not in FieldOptions.__annotations__:
            known = sorted({*FieldOptions.__annotations__, *_DEFAULTS})
            near = suggestion(name, known)
            raise ModelError(f"field() has no option {name!r}; its options are {', '.join(known)}{near}")
    allowed = None if choices is None else tuple(c[0] if isinstance(c, tuple) else c for c in choices)
    options = Options(
        primary_key=primary_key,
        unique=unique,
        index=index,
        db_column=db_column,
        auto_now=auto_now,
        auto_now_add=auto_now_add,
        version=version,
        choices=allowed,
        max_length=max_length,
        max_digits=max_digits,
        decimal_places=decimal_places,
        precision=precision,
    )
    sizes = {"max_length": max_length, "max_digits": max_digits, "decimal_places": decimal_places}
    arguments = {name: value for name, value in sizes.items() if value is not None} | constraints
    if default is not PydanticUndefined:
        arguments["default"] = default
    if default_factory is not None:
        arguments["default_factory"] = default_factory
    return FieldDeclaration(options, arguments)


_DEFAULTS = ("default", "default_factory", "auto_now", "auto_now_add", "version")


def _now() -> datetime:
    return datetime.now(UTC)


def _one_of(choices: tuple[Any, ...]) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if value is not None and value not in choices:
            raise PydanticCustomError(
                "choices", "Input should be one of {choices}", {"choices": ", ".join(map(repr, choices))}
            )
        return value

    return check
