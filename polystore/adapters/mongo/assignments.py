"""What the pipeline of an update stores: computed values in the representation of their field."""

from __future__ import annotations

from typing import Any

from polystore.adapters.mongo.expressions import kind_of, value_of
from polystore.adapters.mongo.paths import is_object
from polystore.adapters.mongo.scope import Scope
from polystore.adapters.mongo.values import (
    checked_decimal,
    date_of,
    either,
    failure,
    given,
    is_microseconds,
    literal,
    microseconds,
    power_of_ten,
)
from polystore.errors import NotSupportedError
from polystore.query.nodes import Expression, Null, Parameter
from polystore.schema.kinds import (
    DateTimeKind,
    DecimalKind,
    FloatKind,
    IntKind,
    NaiveDateTimeKind,
    PlainKind,
    is_container,
    plain_kind,
)
from polystore.schema.model import FieldInfo
from polystore.schema.paths import Attribute, PathInfo


def assigned(field: FieldInfo, value: Expression, scope: Scope) -> Any:
    """What an update's pipeline stores in the field: the value in the field's own representation.

    Raises:
        NotSupportedError: the value is of a kind that the server cannot turn into the field's.
    """
    if isinstance(field, PathInfo):
        return _part(field, value_of(value, scope))
    if isinstance(value, Parameter | Null):
        return value_of(value, scope)
    target, kind = plain_kind(field.kind), kind_of(value)
    result = {"$ifNull": [value_of(value, scope, exact=False), None]}
    match target, kind:
        case IntKind(), IntKind():
            return {"$toLong": result}
        case FloatKind(), IntKind() | FloatKind():
            return {"$toDouble": result}
        case DecimalKind(), IntKind() | DecimalKind():
            return _quantised({"$toDecimal": result}, target)
        case ((DateTimeKind() | NaiveDateTimeKind()), (DateTimeKind() | NaiveDateTimeKind())):
            return _in_precision(result, kind, target)
        case _ if type(target) is type(kind) and (target == kind or not is_container(target)):
            return result
        case _:
            raise NotSupportedError(f"{field.label}: {scope.dialect.name} cannot assign this expression to it")


def path_of_target(field: FieldInfo) -> str:
    """Where an assignment writes: a field, or a part of an embedded model."""
    if not isinstance(field, PathInfo):
        return field.column
    steps = (step.field.column for step in field.steps if isinstance(step, Attribute))
    return ".".join([field.root.column, *steps])


def _part(field: PathInfo, value: Any) -> Any:
    """The value of a part, or an error where there is nothing that it could be a part of.

    The error is made of the document: a server computes constants before it looks whether they are needed.
    """
    around = f"${path_of_target(field).rpartition('.')[0]}"
    missed = literal(f"{field.label}: what it is a part of is NULL; assign the whole of it")
    of_this_document = {"$substrBytes": [{"$type": around}, 0, 0]}
    return either(is_object(around), value, failure({"$concat": [missed, of_this_document]}))


def _quantised(value: Any, kind: DecimalKind) -> Any:
    if kind.decimal_places is None:
        return value
    room = power_of_ten(kind.max_digits - kind.decimal_places)
    return given({"r": {"$round": [value, kind.decimal_places]}}, checked_decimal("$$r", room))


def _in_precision(value: Any, kind: PlainKind, target: PlainKind) -> Any:
    if is_microseconds(kind) == is_microseconds(target):
        return value
    return microseconds(value, kind) if is_microseconds(target) else date_of(value, kind)
