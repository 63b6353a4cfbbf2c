"""Tables, unique constraints and indexes of schemas, through SQLAlchemy's MetaData."""

from __future__ import annotations

from sqlalchemy import Column, Index, MetaData, PrimaryKeyConstraint, Table, UniqueConstraint
from sqlalchemy.schema import CreateIndex, CreateTable, DropTable

from polystore.adapters.sql.dialect import Dialect, short_name
from polystore.schema.model import Schema


def make_table(dialect: Dialect, schema: Schema, collation: str | None = None) -> Table:
    """The table of a schema with its constraints and indexes.

    Args:
        dialect: the database.
        schema: the model's schema.
        collation: the text collation of the server, where it depends on that.
    """
    key = schema.primary_key
    columns = []
    for field in schema.fields:
        arguments, options = dialect.column_options(schema, field)
        columns.append(
            Column(
                field.column,
                dialect.column_type(schema, field, collation),
                *arguments,
                nullable=field.null,
                **options,
            )
        )
    table = Table(
        schema.table,
        MetaData(),
        *columns,
        PrimaryKeyConstraint(key.column, name=primary_key_name(dialect, schema)),
        sqlite_autoincrement=key.auto,
        mysql_engine="InnoDB",
        mariadb_engine="InnoDB",
    )
    for unique in schema.uniques:
        names = [schema.field(name).column for name in unique.fields]
        name = short_name(unique.name, dialect.name_length)
        terms = dialect.unique_terms(schema, table, unique)
        if terms is not None:
            Index(name, *terms, unique=True)
        else:
            options = dialect.unique_options(unique)
            table.append_constraint(UniqueConstraint(*[table.c[each] for each in names], name=name, **options))
    for index in schema.indexes:
        terms, options = dialect.index_terms(schema, table, index)
        Index(short_name(index.name, dialect.name_length), *terms, **options)
    for index in schema.document_indexes:
        found = dialect.document_index(schema, table, index)
        if found is not None:
            Index(short_name(index.name, dialect.name_length), *found[0], **found[1])
    return table


def create_texts(dialect: Dialect, schema: Schema, collation: str | None = None) -> list[str]:
    """The statements that create what is not there yet: the table, then its indexes."""
    table = make_table(dialect, schema, collation)
    texts = [str(CreateTable(table, if_not_exists=True).compile(dialect=dialect.sql)).strip()]
    for index in sorted(table.indexes, key=lambda each: str(each.name)):
        create = CreateIndex(index, if_not_exists=dialect.index_if_not_exists)
        texts.append(str(create.compile(dialect=dialect.sql)).strip())
    return texts


def drop_text(dialect: Dialect, schema: Schema) -> str:
    """The statement that drops a schema's table if it is there."""
    return str(DropTable(Table(schema.table, MetaData()), if_exists=True).compile(dialect=dialect.sql)).strip()


def primary_key_name(dialect: Dialect, schema: Schema) -> str:
    """The name of the primary key's constraint."""
    return short_name(f"{schema.table}_pkey", dialect.name_length)
