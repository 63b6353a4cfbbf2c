"""The errors of MySQL and MariaDB as ours, by their numbers."""

from __future__ import annotations

import re

from polystore.adapters.sql import errors
from polystore.adapters.sql.dialect import Dialect
from polystore.errors import ConfigurationError, PolystoreError
from polystore.schema.model import Schema

LOST = frozenset({0, 2006, 2013, 2014, 2055})
_UNREACHABLE = frozenset({1040, 1053, 1129, 1152, 1184, 1203, 1927, 2002, 2003, 2005, 4031}) | LOST
_LOGIN = frozenset({1044, 1045, 1698})
_DATA = frozenset({1153, 1264, 1292, 1365, 1366, 1406, 1411, 1441, 1690, 1139, 3685, 3699})
DUPLICATE, DEADLOCK = 1062, 1213
_CONCURRENCY = {
    1205: "a lock was not to be had in time",
    DEADLOCK: "a deadlock with another transaction",
    1020: "another transaction changed the same rows",
    1317: "the command was cancelled",
    1969: "the command took too long",
    3024: "the command took too long",
}
_DUPLICATE = frozenset({DUPLICATE, 1169, 1586})
_KEY = re.compile(r"for key '(?:[^']*\.)?([^'.]+)'")
_COLUMN = re.compile(r"(?:Column|Field) '([^']+)'")
_CONSTRAINT = re.compile(r"CONSTRAINT [`']([^`']+)[`']")


def number(error: Exception) -> int:
    """The server's or the driver's error number; 0 when it has none."""
    return error.args[0] if error.args and isinstance(error.args[0], int) else 0


def was_lost(error: Exception) -> bool:
    """Whether the connection broke without an answer."""
    return number(error) in LOST


def translate(error: Exception, dialect: Dialect, schema: Schema | None, store: str) -> PolystoreError:
    """Our error for one of the drivers'."""
    code = number(error)
    text = str(error.args[1]) if len(error.args) > 1 else str(error)
    if code in _DUPLICATE:
        found = _KEY.search(text)
        constraint = found[1] if found else None
        return errors.unique_violation(schema, errors.fields_of_constraint(schema, dialect, constraint), constraint)
    if code in _CONCURRENCY:
        return errors.concurrency_error(schema, _CONCURRENCY[code])
    if code in _DATA:
        return errors.data_error(schema, text)
    if code in _LOGIN:
        return ConfigurationError(f"{store}: the server refused the login; check user and password ({text})")
    if code == 1049:
        return ConfigurationError(f"{store}: {text}; create it, or correct the URL")
    if code in _UNREACHABLE:
        return errors.unavailable(store, text)
    return _other(code, text, schema, store)


def _other(code: int, text: str, schema: Schema | None, store: str) -> PolystoreError:
    match code:
        case 1048 | 1364:
            found = _COLUMN.search(text)
            return errors.not_null_violation(schema, found[1] if found else None)
        case 1216 | 1217 | 1451 | 1452:
            found = _CONSTRAINT.search(text)
            return errors.foreign_key_violation(schema, found[1] if found else None)
        case 3819 | 4025:
            found = _CONSTRAINT.search(text)
            return errors.check_violation(schema, found[1] if found else None)
        case 1146 | 1054:
            return errors.missing_table(schema, store, text)
        case _:
            return errors.refused(schema, store, text)
