"""PostgreSQL's errors as ours, by SQLSTATE."""

from __future__ import annotations

import psycopg

from polystore.adapters.sql import errors
from polystore.adapters.sql.dialect import Dialect
from polystore.errors import ConfigurationError, PolystoreError
from polystore.schema.model import Schema

_UNAVAILABLE = ("08", "57P", "53")
_CONCURRENCY = {
    "40001": "another transaction changed the same rows",
    "40P01": "a deadlock with another transaction",
    "55P03": "a lock was not to be had in time",
    "57014": "the command was cancelled or took too long",
}
_MISSING = ("42P01", "42703")
_STALE_PLAN = "cached plan must not change result type"


def was_lost(error: Exception) -> bool:
    """Whether the connection broke without an answer, or its prepared plan was no longer valid."""
    if isinstance(error, psycopg.errors.FeatureNotSupported):
        return _STALE_PLAN in str(error)
    return isinstance(error, psycopg.OperationalError) and error.sqlstate is None


def translate(error: Exception, dialect: Dialect, schema: Schema | None, store: str) -> PolystoreError:
    """Our error for one of the driver's."""
    state = getattr(error, "sqlstate", None) or ""
    text = str(error).strip().partition("\n")[0]
    if isinstance(error, psycopg.IntegrityError):
        return _integrity(error, state, dialect, schema, text, store)
    if state in _CONCURRENCY:
        return errors.concurrency_error(schema, _CONCURRENCY[state])
    if state.startswith(("22", "54")) or isinstance(error, psycopg.DataError):
        return errors.data_error(schema, text)
    if state in _MISSING:
        return errors.missing_table(schema, store, text)
    if not state and isinstance(error, psycopg.OperationalError):
        return _unreachable(store, text)
    if state.startswith(_UNAVAILABLE):
        return errors.unavailable(store, text)
    return errors.refused(schema, store, text)


def _integrity(
    error: psycopg.IntegrityError, state: str, dialect: Dialect, schema: Schema | None, text: str, store: str
) -> PolystoreError:
    constraint = error.diag.constraint_name
    match state:
        case "23505":
            return errors.unique_violation(schema, errors.fields_of_constraint(schema, dialect, constraint), constraint)
        case "23502":
            return errors.not_null_violation(schema, error.diag.column_name)
        case "23503":
            return errors.foreign_key_violation(schema, constraint)
        case "23514":
            return errors.check_violation(schema, constraint)
        case _:
            return errors.refused(schema, store, text)


def _unreachable(store: str, text: str) -> PolystoreError:
    """Why no connection came to be; libpq tells only in words."""
    if "authentication failed" in text or "no password supplied" in text or "no pg_hba.conf entry" in text:
        return ConfigurationError(f"{store}: the server refused the login; check user and password ({text})")
    if "does not exist" in text and ("database" in text or "role" in text):
        return ConfigurationError(f"{store}: {text}; create it, or correct the URL")
    return errors.unavailable(store, text)
