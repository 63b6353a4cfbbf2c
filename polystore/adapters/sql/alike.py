"""Distinct rows with JSON or dicts in them: these may be equal and differ in the text that they are kept as."""

from __future__ import annotations

from collections.abc import Sequence

from polystore.adapters.sql.dialect import Dialect
from polystore.query.nodes import Order
from polystore.schema.kinds import EmbeddedKind, JsonKind, Kind, ListKind, MapKind, describe_kind, plain_kind
from polystore.schema.model import FieldInfo, Schema


def check_distinct(dialect: Dialect, schema: Schema, fields: Sequence[FieldInfo], order: Sequence[Order] = ()) -> None:
    """Refuses distinct rows of fields that the database would tell apart by their text; a key tells them apart itself.

    Null in JSON is what absence is in a distinct row, so they have one place in an order.

    Raises:
        NotSupportedError: one of them holds JSON or a dict; or they have two places.
    """
    if any(term.nulls is not None and isinstance(term.expression.kind, JsonKind) for term in order):
        raise dialect.refuse(
            "distinct rows in an order by JSON with NULLs moved",
            "leave nulls_first and nulls_last out, or put .client(max_rows=...) before distinct()",
        )
    if dialect.knows_equal_documents or schema.primary_key in fields:
        return
    for field in fields:
        if _is_loose(field.kind):
            raise dialect.refuse(
                f"distinct rows by {field.label}, which is {describe_kind(field.kind)}: it compares its text",
                "leave the field out of values(), or put .client(max_rows=...) before distinct()",
            )


def _is_loose(kind: Kind) -> bool:
    """Whether equal values may have several texts: by the order of keys, or as 1 and 1.0."""
    match plain_kind(kind):
        case JsonKind() | MapKind():
            return True
        case ListKind(item=item):
            return _is_loose(item)
        case EmbeddedKind(schema=schema):
            return any(_is_loose(info.kind) for info in schema.fields)
        case _:
            return False
