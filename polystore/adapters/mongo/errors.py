"""The driver's errors as polystore's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bson.errors import BSONError
from pymongo import errors as driver

from polystore.adapters.mongo.dialect import KEY, path_of
from polystore.errors import (
    BulkWriteError,
    CheckViolation,
    ConcurrencyError,
    ConfigurationError,
    DataError,
    NotNullViolation,
    PolystoreError,
    StoreUnavailable,
    UniqueViolation,
)
from polystore.schema.model import Schema

DRIVER_ERRORS: tuple[type[Exception], ...] = (driver.PyMongoError, BSONError, OverflowError, UnicodeError)

DUPLICATE_KEY = 11000
NAMESPACE_EXISTS = 48
_INVALID_DOCUMENT = 121
_COMPUTATION = frozenset({2, 241, 28680, 28714, 28764})
_PATTERNS = frozenset({51091, 51111, 51156})
_TOO_LARGE = frozenset({10334, 17419, 17420})
_CONFLICTS = frozenset({112, 24, 46, 251, 225, 244})
_REFUSED = frozenset({13, 18, 8000})
_NO_TRANSACTIONS = 20
_PART_OF_NULL = re.compile(r"'no value: (\w+\.\w+: what it is a part of is NULL; assign the whole of it)'")
_TOO_SLOW = frozenset({50, 262})


def translate(error: Exception, label: str, schema: Schema | None = None) -> PolystoreError:
    """The polystore error for one of the driver's; raise it ``from`` the driver's.

    Args:
        error: one of ``DRIVER_ERRORS``.
        label: the store's URL without its password.
        schema: the model that the command was about.
    """
    name = schema.name if schema is not None else label
    if isinstance(error, driver.BulkWriteError):
        first = error.details.get("writeErrors") or error.details.get("writeConcernErrors") or [{}]
        return _from_code(first[0].get("code"), first[0].get("errmsg", str(error)), first[0], name, label, schema)
    if isinstance(error, driver.OperationFailure):
        if error.has_error_label("TransientTransactionError"):
            return ConcurrencyError(f"{name}: another transaction was in the way; try again ({error.code})")
        return _from_code(error.code, _message(error), error.details or {}, name, label, schema)
    if isinstance(error, driver.ConnectionFailure):
        return StoreUnavailable(f"{label}: {error}")
    if isinstance(error, driver.ConfigurationError | driver.InvalidURI):
        return ConfigurationError(f"{label}: {error}")
    if isinstance(error, BSONError | OverflowError | UnicodeError | driver.DocumentTooLarge):
        return DataError(f"{name}: MongoDB cannot take these values: {error}")
    return PolystoreError(f"{name}: {error}")


def partial_batch(cause: PolystoreError, schema: Schema, written: int, size: int) -> PolystoreError:
    """The error of a batch of which only the first ``written`` rows were written; with none the next row's own."""
    if written == 0:
        return cause
    missed = PolystoreError(f"{schema.name}: not tried, because an earlier row of the batch failed")
    outcomes: list[PolystoreError | None] = [None] * written
    outcomes += [cause, *[missed] * (size - written - 1)]
    return BulkWriteError(
        f"{schema.name}: {written} of {size} rows were written, then: {cause}; only a replica set writes a batch whole",
        outcomes=outcomes,
        model=schema.name,
    )


def duplicate_fields(details: Mapping[str, Any], schema: Schema) -> tuple[str, ...]:
    """The fields of the unique index that a duplicate key error is about; empty when it does not tell."""
    names = {path_of(field): field.name for field in schema.fields}
    pattern = details.get("keyPattern")
    return tuple(names.get(path, path) for path in pattern) if pattern else ()


def is_duplicate_key(details: Mapping[str, Any]) -> bool:
    """Whether the primary key is what stood twice."""
    return details.get("code") == DUPLICATE_KEY and list(details.get("keyPattern") or ()) == [KEY]


def _message(error: driver.OperationFailure) -> str:
    details = error.details or {}
    return str(details.get("errmsg") or error)


def _from_code(
    code: int | None, message: str, details: Mapping[str, Any], name: str, label: str, schema: Schema | None
) -> PolystoreError:
    if code == DUPLICATE_KEY:
        return _unique_violation(details, name, schema)
    if code == _INVALID_DOCUMENT:
        return _refused_document(details, name, schema)
    if code in _TOO_LARGE:
        return DataError(f"{name}: a document of MongoDB has at most 16 MB; {message}")
    if code in _CONFLICTS:
        return ConcurrencyError(f"{name}: another writer was in the way; try again ({message})")
    if code in _REFUSED:
        return ConfigurationError(f"{label}: {message}")
    if code == _NO_TRANSACTIONS and "ransaction" in message:
        return ConfigurationError(
            f"{label}: this server has no transactions; leave replicaSet out of the URL or set transactions to False"
        )
    if code in _TOO_SLOW:
        return StoreUnavailable(f"{label}: {message}")
    if code in _PATTERNS:
        return DataError(
            f"{name}: MongoDB gives up on this regular expression or text; write a simpler one ({message})"
        )
    if code in _COMPUTATION and (told := _PART_OF_NULL.search(message)) is not None:
        return DataError(told[1])
    if code in _COMPUTATION or "by zero" in message:
        return DataError(f"{name}: a value that does not fit, or a division by zero: {message}")
    return PolystoreError(f"{name}: {message} (code {code})")


def _unique_violation(details: Mapping[str, Any], name: str, schema: Schema | None) -> UniqueViolation:
    pattern = details.get("keyPattern") or {}
    fields = duplicate_fields(details, schema) if schema is not None else tuple(pattern)
    unique = (
        next((unique for unique in schema.uniques if unique.fields == fields), None) if schema is not None else None
    )
    what = ", ".join(fields) or "unique value"
    return UniqueViolation(
        f"{name}: another row already has this {what}",
        model=schema.name if schema is not None else None,
        fields=fields,
        constraint=unique.name if unique is not None else None,
    )


def _refused_document(
    details: Mapping[str, Any], name: str, schema: Schema | None
) -> CheckViolation | NotNullViolation:
    found = list(_refused_properties(details.get("errInfo") or {}))
    names = {path_of(field): field.name for field in schema.fields} if schema is not None else {}
    fields = tuple(names.get(path, path) for path, _ in found)
    nulls = bool(found) and all(value is None for _, value in found)
    kind = NotNullViolation if nulls else CheckViolation
    what = "cannot be NULL" if nulls else "is not of the kind that the collection's validator asks for"
    return kind(f"{name}: {', '.join(fields) or 'a value'} {what}", model=name, fields=fields)


def _refused_properties(info: Mapping[str, Any]) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for rule in (info.get("details") or {}).get("schemaRulesNotSatisfied") or ():
        for refused in rule.get("propertiesNotSatisfied") or ():
            reasons = refused.get("details") or [{}]
            found.append((refused.get("propertyName", "?"), reasons[0].get("consideredValue")))
        found.extend((path, None) for path in rule.get("missingProperties") or ())
    return found
