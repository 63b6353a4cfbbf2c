"""Our errors for what SQL databases refuse: the words are the same whichever database it was."""

from __future__ import annotations

from collections.abc import Sequence

from polystore.adapters.sql.ddl import primary_key_name
from polystore.adapters.sql.dialect import Dialect, short_name
from polystore.errors import (
    CheckViolation,
    ConcurrencyError,
    ConfigurationError,
    DataError,
    ForeignKeyViolation,
    NotNullViolation,
    PolystoreError,
    StoreUnavailable,
    UniqueViolation,
)
from polystore.schema.model import Schema


def unique_violation(schema: Schema | None, fields: Sequence[str], constraint: str | None) -> UniqueViolation:
    """Another row holds the values of a unique constraint or of the primary key."""
    what = f"this {', '.join(fields)}" if fields else f"the values of {constraint or 'a unique constraint'}"
    return UniqueViolation(
        f"{_model(schema)}: another row already has {what}",
        model=_name(schema),
        fields=fields,
        constraint=constraint,
    )


def not_null_violation(schema: Schema | None, column: str | None) -> NotNullViolation:
    """NULL in a column that takes none."""
    fields = fields_of_columns(schema, [column] if column else [])
    what = fields[0] if fields else "a required field"
    return NotNullViolation(f"{_model(schema)}: {what} cannot be NULL", model=_name(schema), fields=fields)


def foreign_key_violation(schema: Schema | None, constraint: str | None) -> ForeignKeyViolation:
    """A reference to no row, or a row that is still referred to."""
    named = f" ({constraint})" if constraint else ""
    return ForeignKeyViolation(
        f"{_model(schema)}: a foreign key{named} refers to a row that does not exist, or to one about to go",
        model=_name(schema),
        constraint=constraint,
    )


def check_violation(schema: Schema | None, constraint: str | None) -> CheckViolation:
    """A check constraint that is false."""
    return CheckViolation(
        f"{_model(schema)}: the row violates the check constraint {constraint or 'of its table'}",
        model=_name(schema),
        constraint=constraint,
    )


def data_error(schema: Schema | None, reason: str) -> DataError:
    """A value that the database cannot hold or compute; nothing was written."""
    return DataError(f"{_model(schema)}: {reason}")


def concurrency_error(schema: Schema | None, reason: str) -> ConcurrencyError:
    """Another writer was in the way."""
    return ConcurrencyError(f"{_model(schema)}: {reason}; trying again may work")


def unavailable(store: str, reason: object) -> StoreUnavailable:
    """The server does not answer."""
    return StoreUnavailable(f"{store} cannot be reached: {reason}")


def missing_table(schema: Schema | None, store: str, reason: object) -> ConfigurationError:
    """A table or a column that is not there."""
    return ConfigurationError(
        f"{_model(schema)}: {store} lacks its table or a column of it ({reason}); "
        "create_all() makes missing tables, a migration changes existing ones"
    )


def refused(schema: Schema | None, store: str, reason: object) -> PolystoreError:
    """Whatever has no better name."""
    return PolystoreError(f"{_model(schema)}: {store} refused a command: {reason}")


def fields_of_columns(schema: Schema | None, columns: Sequence[str]) -> tuple[str, ...]:
    """The names of the fields stored in these columns."""
    if schema is None:
        return ()
    names = {field.column: field.name for field in schema.fields}
    return tuple(names[column] for column in columns if column in names)


def fields_of_constraint(schema: Schema | None, dialect: Dialect, constraint: str | None) -> tuple[str, ...]:
    """The fields of the primary key or of the unique constraint of that name."""
    if schema is None or constraint is None:
        return ()
    if constraint in (primary_key_name(dialect, schema), "PRIMARY"):
        return (schema.primary_key.name,)
    for unique in schema.uniques:
        if short_name(unique.name, dialect.name_length) == constraint:
            return unique.fields
    return ()


def _model(schema: Schema | None) -> str:
    return schema.name if schema is not None else "SQL"


def _name(schema: Schema | None) -> str | None:
    return schema.name if schema is not None else None
