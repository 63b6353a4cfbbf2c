"""What a query answered, in a form that two stores can be compared by: values with all their types, or the error."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Context, Decimal
from typing import Any

from pydantic import BaseModel

from polystore.errors import (
    DataError,
    DoesNotExist,
    FieldError,
    IntegrityError,
    MultipleObjectsReturned,
    NotSupportedError,
    QueryUsageError,
    ValidationError,
)


class Refusal(Exception):
    """The store refused; holds its NotSupportedError."""

    def __init__(self, error: NotSupportedError) -> None:
        self.error = error


class Misuse(str):
    """The query makes no sense on any store: the name of the error that says so."""


class Failure(str):
    """The name of an error that is an answer: of no row or too many, of values without a result or a place."""


_ANSWERS = (DataError, IntegrityError, DoesNotExist, MultipleObjectsReturned)


def outcome(run: Callable[[], Any]) -> Any:
    """What it answers, in plain parts; or the error that is its answer.

    Raises:
        Refusal: the store cannot do it. Exception: any error that no query should end in.
    """
    try:
        return plain(run())
    except NotSupportedError as error:
        raise Refusal(error) from error
    except (FieldError, QueryUsageError, ValidationError) as error:
        return Misuse(f"{type(error).__name__}: {error}")
    except _ANSWERS as error:
        return Failure("DataError" if isinstance(error, DataError) else type(error).__name__)


def plain(value: Any) -> Any:
    """A value with the types of all its parts, so that 1, 1.0 and True differ; an instance as what it has loaded."""
    match value:
        case BaseModel():
            return type(value).__name__, {name: plain(part) for name, part in sorted(vars(value).items())}
        case dict():
            return {key: plain(part) for key, part in value.items()}
        case list():
            return [plain(part) for part in value]
        case tuple():
            return type(value).__name__, getattr(value, "_fields", None), [plain(part) for part in value]
        case float():
            return value
        case _:
            return type(value).__name__, value


def in_any_order(answer: Any, *, nearly: bool) -> Any:
    """The rows of an answer, sorted by what they look like; other answers as they are."""
    return sorted(answer, key=lambda row: _look(row, nearly)) if isinstance(answer, list) else answer


_ALL_DIGITS = Context(prec=100)


def _look(value: Any, nearly: bool) -> str:
    """What a value looks like: a Decimal without its zeros, a float perhaps without its last digits."""
    match value:
        case float() if nearly:
            return f"{value:.6g}"
        case Decimal():
            return repr(_ALL_DIGITS.normalize(value))
        case dict():
            return repr(sorted((str(key), _look(part, nearly)) for key, part in value.items()))
        case list() | tuple():
            return repr([_look(part, nearly) for part in value])
        case _:
            return repr(value)


def alike(found: Any, expected: Any, *, nearly: bool) -> bool:
    """Whether two answers are the same; with ``nearly`` floats may differ in their last digits."""
    if type(found) is not type(expected):
        return False
    match expected:
        case dict():
            return found.keys() == expected.keys() and all(
                alike(found[name], expected[name], nearly=nearly) for name in expected
            )
        case list() | tuple():
            return len(found) == len(expected) and all(
                alike(one, other, nearly=nearly) for one, other in zip(found, expected, strict=True)
            )
        case float() if nearly:
            return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-12)
        case _:
            return bool(found == expected)
