"""Queries within queries, read: which rows they have, the one value that is selected, and whether there is one row."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import count

from msgspec.structs import replace

from polystore.errors import QueryUsageError
from polystore.query.groups import never
from polystore.query.names import Enclosing, Names, Taken
from polystore.query.operations import Group, Select
from polystore.query.planner import fixed_by, is_unique, rows_of
from polystore.query.simplify import simplify
from polystore.query.stages import Shape, read_stages
from polystore.query.subqueries import Rows
from polystore.schema.model import FieldInfo, Schema


def read_rows(
    rows: Rows, indexes: Iterator[int], outer: Enclosing, take: Taken
) -> tuple[Select | Group | None, FieldInfo]:
    """Reads a subquery: its operation (None when it has no row for certain), and the first of its outputs.

    Args:
        rows: its structure.
        indexes: the places of the values.
        outer: the query around.
        take: what the query around takes of it: the value of the only row, all values, or whether there is a row.

    Raises:
        QueryUsageError: it may have several rows where one is needed, continues behind ``client()``, locks rows or
            puts several queries together.
    """
    schema = rows.schema
    stage, client, _ = read_stages(schema, rows.shape, indexes, outer)
    if client is not None:
        raise QueryUsageError(
            f"{schema.name}: what stands behind client() cannot be part of another query; read it and pass the values"
        )
    if stage.combined is not None or stage.lock is not None:
        what = "select_for_update()" if stage.combined is None else "union(), intersection() or difference()"
        raise QueryUsageError(f"{schema.name}: {what} cannot be part of another query; read it and pass the values")
    value = stage.output.fields[0]
    if never(stage.condition) or never(stage.having):
        return None, value
    found = rows_of(schema, stage, indexes)
    if found.limit is None and found.offset is None and not (isinstance(found, Select) and found.first):
        found = replace(found, order=())
    if take == "existence" and isinstance(found, Select) and not found.distinct and found.source is None:
        found = replace(found, columns=(schema.primary_key,), computed=())
    if take == "value" and not rows.single and not _has_one_row(found):
        raise QueryUsageError(
            f"{schema.name}: Subquery() takes the value of one row, and this queryset may have several; slice it with "
            "[:1], or filter by its primary key or by a unique field"
        )
    return found, value


def _has_one_row(found: Select | Group) -> bool:
    """Whether there is at most one row: its key is fixed, or all keys of its groups are."""
    if isinstance(found, Select) and found.source is not None:
        return _has_one_row(found.source)
    if isinstance(found, Group):
        fixed = set(fixed_by(found.condition))
        return found.source is None and all(key.expression in fixed for key in found.keys)
    return is_unique(found.schema, simplify(found.condition))


_CHOOSING = ("filter", "exclude", "order")
"""The steps that say which rows: what they compute of the query around alone is of no kind before that is known."""

Names.read_rows = staticmethod(read_rows)


@lru_cache(maxsize=2048)
def selected(schema: Schema, shape: Shape, what: str, *, key: bool) -> Shape:
    """The structure that selects the one value of a subquery.

    Args:
        schema: the model's schema.
        shape: the steps.
        what: the call or lookup that takes the value, for the error.
        key: whether instances stand for their primary keys.

    Raises:
        QueryUsageError: not one value is selected.
    """
    selecting = tuple(step for step in shape if step[0] not in _CHOOSING)
    stage, client, _ = read_stages(schema, selecting, count(), settled=False)
    output = (client or stage).output
    if output.form == "models" and key:
        distinct_by_key = tuple(step for step in shape if step != ("distinct",))
        return (*distinct_by_key, ("list", (schema.primary_key.name,), "flat"))
    if output.form == "models" or len(output.fields) != 1:
        names = ", ".join(field.name for field in output.fields)
        raise QueryUsageError(
            f"{schema.name}: {what} takes one value of each row, not {names}; select it with "
            'values("name") or values_list("name", flat=True)'
        )
    return (*shape, ("list", (output.fields[0].name,), "flat"))
