"""Lists, dicts, embedded models and JSON: what lies at a path, and what holds of them as a whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any, Final, assert_never

from polystore.errors import DataError
from polystore.query.evaluate.run import Computation, Row
from polystore.query.nodes import Path
from polystore.query.operators import Holding
from polystore.schema.kinds import INT64_MAX, INT64_MIN, BoolKind, FloatKind, IntKind, TextKind
from polystore.schema.model import FieldInfo
from polystore.schema.paths import Attribute, Item, JsonKey, Key, PathInfo, Step


class JsonNull:
    """The type of ``JSON_NULL``: null within JSON, a value where nothing at all is NULL."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "JSON_NULL"


JSON_NULL: Final = JsonNull()


# ---- paths


def path_reader(path: Path) -> Computation:
    """The function from a row to what lies at the path."""
    column, steps = path.operand.field.name, path.steps
    read = READERS.get(type(path.kind)) if path.of_json else None

    def find(row: Row, run: Any) -> Any:
        value = follow_steps(row[column], steps)
        return value if read is None or value is None else read(value)

    return find


def follow_steps(value: Any, steps: Sequence[Step]) -> Any:
    """What lies at the steps into a value; None where they lead nowhere, ``JSON_NULL`` for null in JSON."""
    for step in steps:
        if value is None:
            return None
        value = step_into(value, step)
    return value


def step_into(value: Any, step: Step) -> Any:
    """What lies one step further; None where there is nothing, ``JSON_NULL`` for null in JSON."""
    match step:
        case Attribute(field=field):
            return value.get(field.name)
        case Item(index=index):
            return value[index] if index < len(value) else None
        case Key(key=key):
            return value.get(key)
        case JsonKey(key=key):
            return _in_json(value, key, step.index)
    assert_never(step)


def _in_json(value: Any, key: str, index: int | None) -> Any:
    if isinstance(value, dict) and key in value:
        found = value[key]
    elif isinstance(value, list) and index is not None and index < len(value):
        found = value[index]
    else:
        return None
    return JSON_NULL if found is None else found


def without_null(value: Any) -> Any:
    """The value, None for null in JSON."""
    return None if value is JSON_NULL else value


def number_in_json(value: Any) -> int | float | None:
    """The number that something in JSON is; None where it is none."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _whole(value: Any) -> int | None:
    number = number_in_json(value)
    if number is None or number != int(number) or not INT64_MIN <= number <= INT64_MAX:
        return None
    return int(number)


def _float(value: Any) -> float | None:
    number = number_in_json(value)
    return None if number is None else float(number)


READERS: dict[type, Callable[[Any], Any]] = {
    TextKind: lambda value: value if isinstance(value, str) else None,
    BoolKind: lambda value: value if isinstance(value, bool) else None,
    IntKind: _whole,
    FloatKind: _float,
}


# ---- values of JSON


def json_equal(left: Any, right: Any) -> bool:
    """Whether two JSON values are the same: 1 is 1.0, True is not 1, the order of keys does not matter."""
    if isinstance(left, dict):
        same = isinstance(right, dict) and left.keys() == right.keys()
        return same and all(json_equal(value, right[key]) for key, value in left.items())
    if isinstance(left, list):
        same = isinstance(right, list) and len(left) == len(right)
        return same and all(map(json_equal, left, right))
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)


def json_contains(whole: Any, part: Any) -> bool:
    """Whether the part is in the whole, as jsonb's ``@>``: objects by keys, arrays as sets, a scalar in an array."""
    if isinstance(whole, list) and not isinstance(part, list | dict):
        return any(json_equal(each, part) for each in whole)
    return _contains(whole, part)


def _contains(whole: Any, part: Any) -> bool:
    if isinstance(whole, dict):
        held = isinstance(part, dict) and part.keys() <= whole.keys()
        return held and all(_contains(whole[key], value) for key, value in part.items())
    if isinstance(whole, list):
        return isinstance(part, list) and all(any(_contains(each, value) for each in whole) for value in part)
    return json_equal(whole, part)


def json_key(value: Any) -> tuple[int, Any]:
    """What JSON values are ordered by: null, numbers, texts, booleans, then arrays and objects, each all alike."""
    match value:
        case JsonNull():
            return (0, 0)
        case bool():
            return (3, value)
        case int() | float():
            return (1, value)
        case str():
            return (2, value)
        case list():
            return (4, 0)
        case _:
            return (5, 0)


def _is_object_with(value: Any, keys: Sequence[str], together: Callable[[Any], bool]) -> bool:
    return isinstance(value, dict) and together(key in value for key in keys)


HOLDINGS: dict[Holding, Callable[[Any, Any], bool]] = {
    Holding.ARRAY_EXACT: lambda held, value: bool(held == value),
    Holding.ARRAY_CONTAINS: lambda held, value: all(each in held for each in value),
    Holding.ARRAY_CONTAINED_BY: lambda held, value: all(each is not None and each in value for each in held),
    Holding.ARRAY_OVERLAP: lambda held, value: any(each in held for each in value),
    Holding.JSON_EXACT: json_equal,
    Holding.JSON_NULL: lambda held, value: held is JSON_NULL,
    Holding.JSON_CONTAINS: lambda held, value: json_contains(without_null(held), value),
    Holding.JSON_CONTAINED_BY: lambda held, value: json_contains(value, without_null(held)),
    Holding.HAS_KEY: lambda held, value: _is_object_with(held, [value], all),
    Holding.HAS_KEYS: lambda held, value: _is_object_with(held, value, all),
    Holding.HAS_ANY_KEYS: lambda held, value: _is_object_with(held, value, any),
}


# ---- updates


def takes_null(field: FieldInfo) -> bool:
    """Whether a field, or an attribute of an embedded model, can be NULL."""
    return not field.fixed if isinstance(field, PathInfo) else field.null


def set_path(row: Row, changes: dict[str, Any], target: PathInfo, value: Any) -> None:
    """Sets what lies at a path in the new value of its column.

    Raises:
        DataError: the embedded model around it is NULL.
    """
    root = target.root.name
    if root not in changes:
        changes[root] = deepcopy(row[root])
    around = changes[root]
    around = follow_steps(around, target.steps[:-1])
    if around is None:
        raise DataError(f"{target.label}: what it is a part of is NULL; assign the whole of it")
    last = target.steps[-1]
    assert isinstance(last, Attribute)
    around[last.field.name] = value
