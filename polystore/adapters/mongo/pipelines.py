"""Pipelines that users write: documents of the model's collection, read as its fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from polystore.adapters.base import RawRows, Source
from polystore.adapters.mongo.commands import Document, RawPipeline, text_of
from polystore.adapters.mongo.dialect import KEY, Dialect, path_of
from polystore.errors import QueryUsageError
from polystore.schema.model import FieldInfo, Schema


@dataclass(frozen=True, slots=True)
class HandwrittenPipeline:
    """The stages of a pipeline."""

    dialect: Dialect
    command: RawPipeline
    fields: Mapping[str, FieldInfo]

    @property
    def text(self) -> str:
        return text_of(self.command.document["pipeline"])

    def sources(self, answer: RawRows, fields: Sequence[FieldInfo | None]) -> tuple[Source, ...]:
        """The columns by the keys of documents, each read by its field's codec."""
        load = self.dialect.codec.load
        return tuple(
            Source(column, None if field is None else load(field.kind))
            for column, field in zip(answer.columns, fields, strict=True)
        )


def handwritten(dialect: Dialect, schema: Schema, query: Any, parameters: Any) -> HandwrittenPipeline:
    """The pipeline made ready.

    Raises:
        QueryUsageError: no list of stages, or parameters beside them.
    """
    where = f"{schema.name}: raw()"
    if not isinstance(query, list | tuple) or not all(map(_is_stage, query)):
        raise QueryUsageError(
            f"{where} takes a pipeline on {dialect.name}, a list of stages such as {{'$match': ...}}, not {query!r}"
        )
    if parameters:
        raise QueryUsageError(f"{where}: the values of a pipeline stand in its stages; it takes no parameters")
    command: Document = {"aggregate": schema.table, "pipeline": list(query), "cursor": {}, "allowDiskUse": True}
    fields = {path_of(info): info for info in schema.fields}
    return HandwrittenPipeline(dialect, RawPipeline(schema, command), fields)


def _is_stage(stage: Any) -> bool:
    return isinstance(stage, Mapping) and len(stage) == 1 and str(next(iter(stage))).startswith("$")


def answered(documents: Sequence[Document]) -> RawRows:
    """The answer of a pipeline: a key that any document has is a column; ``_id`` is one if all of them have it."""
    found = dict.fromkeys(key for document in documents for key in document)
    keyed = all(KEY in document for document in documents)
    columns = tuple(key for key in found if keyed or key != KEY)
    return RawRows(columns, documents, (None,) * len(columns))
