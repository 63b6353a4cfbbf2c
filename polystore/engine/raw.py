"""Raw queries: made ready for a store, and their rows turned into instances by the loaders of all others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct

from polystore.adapters.base import Feature, HasClient, RawQuery, RawRows, Source, SupportsRaw
from polystore.engine.handle import Handle
from polystore.engine.load import Loader, build_loader, compose
from polystore.errors import DataError, FieldError, NotSupportedError, PolystoreError
from polystore.query.names import made_field
from polystore.schema.kinds import TextKind
from polystore.schema.model import FieldInfo, Schema
from polystore.schema.plain import from_plain


class RawRequest(Struct, frozen=True, eq=False):
    """A raw query with its parameters, and the fields that its columns are read as."""

    query: RawQuery
    fields: Mapping[str, FieldInfo]


def raw_request(handle: Handle, query: Any, parameters: Any, translations: Mapping[str, str]) -> RawRequest:
    """The query made ready for its store.

    Raises:
        NotSupportedError: the store takes no queries in a language of its own.
        QueryUsageError: this is no query of the store, or its parameters do not fit.
    """
    connection, schema = handle.connection, handle.schema
    adapter = connection.adapter
    if Feature.RAW not in adapter.capabilities.features:
        remedy = "use store.redis() for its commands" if isinstance(adapter, HasClient) else "use filter()"
        raise NotSupportedError(f"{schema.name} on {connection.label}: the store takes no raw queries; {remedy}")
    assert isinstance(adapter, SupportsRaw)
    made = adapter.raw(schema, query, parameters)
    by_name = {**schema.by_name, **made.fields}
    translated = {column: schema.field(name) for column, name in translations.items()}
    return RawRequest(made, by_name | translated)


def load_raw(handle: Handle, request: RawRequest, answer: RawRows) -> list[Any]:
    """The instances of the rows: columns that are no field's become attributes, fields without a column are deferred.

    Raises:
        FieldError: no column is the primary key's, or one cannot become an attribute.
        DataError: a value that its field does not read.
    """
    schema = handle.schema
    model: Any = handle.model
    if not answer.columns:
        return []
    fields = tuple(map(request.fields.get, answer.columns))
    names = [column if field is None else field.name for column, field in zip(answer.columns, fields, strict=True)]
    _refuse_names(model, schema, names)
    sources = request.query.sources(answer, fields)
    load: Loader = _loader(model, handle.connection.name, tuple(names), fields, sources)
    try:
        return load(answer.rows)
    except PolystoreError:
        raise
    except Exception as error:
        raise _unreadable(schema, names, fields, sources, answer.rows) or error from error


def _refuse_names(model: type[Any], schema: Schema, names: Sequence[str]) -> None:
    if schema.primary_key.name not in names:
        raise FieldError(
            f"{schema.name}: a raw query answers the primary key {schema.primary_key.name!r} among its columns, which "
            f"are {', '.join(names) or 'none'}"
        )
    for name in names:
        if names.count(name) > 1:
            raise FieldError(f"{schema.name}: the raw query answers {name!r} twice; give one of them another name")
        if name not in schema.by_name and hasattr(model, name):
            raise FieldError(
                f"{schema.name}.{name} means something else already; give the column of the raw query another name"
            )


@lru_cache(maxsize=512)
def _loader(
    model: Any,
    store: str,
    names: tuple[str, ...],
    fields: tuple[FieldInfo | None, ...],
    sources: tuple[Source, ...],
) -> Loader:
    known = [
        made_field(model.__name__, name, _AS_IT_IS) if field is None else field
        for name, field in zip(names, fields, strict=True)
    ]
    return build_loader("models", known, sources, model=model, store=store)


_AS_IT_IS = TextKind()
"""The kind of a column that is no field's: nothing is done to its values."""


def _unreadable(
    schema: Schema,
    names: Sequence[str],
    fields: Sequence[FieldInfo | None],
    sources: Sequence[Source],
    rows: Sequence[Any],
) -> DataError | None:
    """The error that names the first value which cannot be read."""
    for row in rows:
        for name, field, source in zip(names, fields, sources, strict=True):
            value = row.get(source.key) if isinstance(source.key, str) else row[source.key]
            load = compose(source.load, None if field is None else from_plain(field.kind))
            try:
                _ = value if value is None or load is None else load(value)
            except Exception:
                return DataError(f"{schema.name}.{name}: the raw query answers {value!r}, which is no value of it")
    return None
