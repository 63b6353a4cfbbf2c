"""SQLite's errors as ours, by its result codes and texts."""

from __future__ import annotations

import re
import sqlite3

from polystore.adapters.sql import errors
from polystore.adapters.sql.dialect import Dialect
from polystore.adapters.sql.sqlite.failures import failure
from polystore.errors import PolystoreError
from polystore.schema.model import Schema

_FAILED = re.compile(
    r"(UNIQUE|NOT NULL|CHECK|FOREIGN KEY) constraint failed(?:: (?:index '(?P<index>.+)'|(?P<what>.+)))?"
)
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_ABSENT = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_PERM})


def translate(error: Exception, dialect: Dialect, schema: Schema | None, store: str) -> PolystoreError:
    """Our error for one of the driver's."""
    text = str(error)
    if isinstance(error, sqlite3.IntegrityError):
        return _integrity(text, dialect, schema, store)
    if isinstance(error, OverflowError | sqlite3.DataError) or "integer overflow" in text:
        return errors.data_error(schema, f"a number is beyond 64 bits, or a value too large ({text})")
    if "user-defined" in text and "raised" in text and (reason := failure()) is not None:
        return errors.data_error(schema, str(reason))
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _BUSY:
        return errors.concurrency_error(schema, f"{store} stayed locked by another writer")
    if code in _ABSENT:
        return errors.unavailable(store, text)
    if "no such table" in text or "no such column" in text or "has no column named" in text:
        return errors.missing_table(schema, store, text)
    return errors.refused(schema, store, text)


def _integrity(text: str, dialect: Dialect, schema: Schema | None, store: str) -> PolystoreError:
    found = _FAILED.match(text)
    if found is None:
        return errors.refused(schema, store, text)
    index, what = found["index"], found["what"] or ""
    columns = [part.rpartition(".")[2] for part in what.split(", ")]
    match found[1]:
        case "UNIQUE":
            fields = errors.fields_of_constraint(schema, dialect, index) or errors.fields_of_columns(schema, columns)
            return errors.unique_violation(schema, fields, index)
        case "NOT NULL":
            return errors.not_null_violation(schema, columns[0])
        case "CHECK":
            return errors.check_violation(schema, what)
        case _:
            return errors.foreign_key_violation(schema, None)
