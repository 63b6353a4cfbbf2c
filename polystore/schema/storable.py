"""Whether text and JSON can plainly be stored everywhere; what is not plainly right is looked at again."""

from __future__ import annotations

from typing import Any

from polystore.schema.kinds import INT64_MAX, INT64_MIN

_DEPTH = 80


def is_text(value: Any) -> bool:
    """Whether a str can be stored everywhere: no NUL, no lone surrogate."""
    if "\0" in value:
        return False
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_json(value: Any, depth: int = 0) -> bool:
    """Whether a value is plainly JSON that can be stored everywhere."""
    kind = value.__class__
    if kind is dict:
        for key in value:
            if key.__class__ is not str or (not (key.isascii() and "\0" not in key) and not is_text(key)):
                return False
        items = value.values()
    else:
        items = value if kind is list else (value,)
    for item in items:
        kind = item.__class__
        if kind is str:
            if not (item.isascii() and "\0" not in item) and not is_text(item):
                return False
        elif kind is int:
            if not INT64_MIN <= item <= INT64_MAX:
                return False
        elif kind is dict or kind is list:
            if depth > _DEPTH or not is_json(item, depth + 1):
                return False
        elif kind is float:
            if item - item != 0.0:
                return False
        elif kind is not bool and item is not None:
            return False
    return True
