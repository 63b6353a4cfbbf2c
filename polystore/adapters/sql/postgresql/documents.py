"""How PostgreSQL looks into jsonb; what can be indexed is written as indexes hold it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Table

from polystore.adapters.sql.dialect import COMPARISONS
from polystore.adapters.sql.documents import Documents, Sql
from polystore.adapters.sql.expressions import Expressions
from polystore.adapters.sql.postgresql.jsonb import jsonb_dump
from polystore.adapters.sql.raw import Raw
from polystore.query.nodes import Null, Parameter, Path
from polystore.query.operators import Holding, Operator
from polystore.schema.document_indexes import holds_singles, targets_of
from polystore.schema.kinds import (
    BoolKind,
    BytesKind,
    DateKind,
    DateTimeKind,
    DecimalKind,
    DurationKind,
    FloatKind,
    IntKind,
    JsonKind,
    Kind,
    ListKind,
    NaiveDateTimeKind,
    TextKind,
    TimeKind,
    UuidKind,
    is_container,
    plain_kind,
)
from polystore.schema.model import FieldInfo, IndexInfo, Schema
from polystore.schema.paths import Attribute, Item, JsonKey, Key, PathInfo, Step

_OF_TEXT: dict[type, str] = {
    BoolKind: "CAST({0} AS boolean)",
    IntKind: "CAST({0} AS bigint)",
    FloatKind: "CAST({0} AS double precision)",
    DecimalKind: "CAST({0} AS numeric)",
    BytesKind: "decode({0}, 'base64')",
    DateKind: "CAST({0} AS date)",
    TimeKind: "CAST({0} AS time)",
    DateTimeKind: "CAST({0} AS timestamp with time zone)",
    NaiveDateTimeKind: "CAST({0} AS timestamp)",
    DurationKind: "CAST({0} AS bigint)",
    UuidKind: "CAST({0} AS uuid)",
}
"""From the text of a value within documents to the value; text and what is held as text are left as they are."""

_NUMBER = "(CASE WHEN jsonb_typeof({0}) = 'number' THEN CAST({0} AS numeric) END)"
_TEXT = "((CASE WHEN jsonb_typeof({0}) = 'string' THEN {0} #>> '{{}}' END) COLLATE \"C\")"
_OF_JSON: dict[type, str] = {
    TextKind: _TEXT,
    BoolKind: "(CASE WHEN jsonb_typeof({0}) = 'boolean' THEN CAST({0} AS boolean) END)",
    IntKind: (
        "(CASE WHEN jsonb_typeof({0}) = 'number' THEN CASE WHEN CAST({0} AS numeric) = trunc(CAST({0} AS numeric)) "
        "AND CAST({0} AS numeric) BETWEEN -9223372036854775808 AND 9223372036854775807 "
        "THEN CAST(CAST({0} AS numeric) AS bigint) END END)"
    ),
    FloatKind: "(CASE WHEN jsonb_typeof({0}) = 'number' THEN CAST({0} AS double precision) END)",
}
_RANK = (
    "(CASE jsonb_typeof({0}) WHEN 'null' THEN 0 WHEN 'number' THEN 1 WHEN 'string' THEN 2 WHEN 'boolean' THEN 3 "
    "WHEN 'array' THEN 4 WHEN 'object' THEN 5 END)"
)
_SIZE = (
    "(CASE jsonb_typeof({0}) WHEN 'number' THEN CAST({0} AS numeric) "
    "WHEN 'boolean' THEN CAST(CAST(CAST({0} AS boolean) AS integer) AS numeric) END)"
)
_HOLDINGS: dict[Holding, str] = {
    Holding.ARRAY_EXACT: "({0} = CAST({1} AS jsonb))",
    Holding.ARRAY_CONTAINS: "({0} @> CAST({1} AS jsonb))",
    Holding.ARRAY_CONTAINED_BY: "({0} <@ CAST({1} AS jsonb))",
    Holding.ARRAY_OVERLAP: (
        "EXISTS (SELECT 1 FROM jsonb_array_elements(CAST({1} AS jsonb)) AS one(item) WHERE {0} @> one.item)"
    ),
    Holding.JSON_EXACT: "({0} = CAST({1} AS jsonb))",
    Holding.JSON_NULL: "({0} = CAST('null' AS jsonb))",
    Holding.JSON_CONTAINS: "({0} @> CAST({1} AS jsonb))",
    Holding.JSON_CONTAINED_BY: "({0} <@ CAST({1} AS jsonb))",
    Holding.HAS_KEY: "(jsonb_typeof({0}) = 'object' AND {0} ? CAST({1} AS text))",
    Holding.HAS_KEYS: "(jsonb_typeof({0}) = 'object' AND {0} ?& CAST({1} AS text[]))",
    Holding.HAS_ANY_KEYS: "(jsonb_typeof({0}) = 'object' AND {0} ?| CAST({1} AS text[]))",
}
_WITH_PART = (
    "(CASE WHEN jsonb_typeof({1}) = 'object' THEN jsonb_set({0}, {place}, CAST({2} AS jsonb)) "
    "ELSE CAST(coalesce({0} #>> '{{}}', '') || ' a part of NULL cannot be set' AS jsonb) END)"
)
"""What is no object makes the text that is cast then, which is no JSON: the error says so."""
_OF_KEYS = (Holding.HAS_KEY, Holding.HAS_KEYS, Holding.HAS_ANY_KEYS)
_IMMUTABLE = (TextKind, BoolKind, IntKind, FloatKind, DecimalKind, DurationKind, UuidKind)
"""Kinds that text becomes without regard to the server's settings, as indexes want it."""


class PostgresqlDocuments(Documents):
    """Paths, elements and containment in jsonb."""

    knows_equal_documents = True

    def path(self, writer: Expressions, root: Sql, node: Path) -> Sql:
        found = root
        for step in node.steps[:-1]:
            found = _stepped(writer, found, step)
        kind = plain_kind(node.kind)
        if node.of_json or is_container(kind):
            found = _stepped(writer, found, node.steps[-1]) if node.steps else found
            if isinstance(kind, JsonKind) and node.keeps_null:
                return found
            if is_container(kind):
                return Raw("nullif({0}, CAST('null' AS jsonb))", found)
            return Raw(_OF_JSON[type(kind)], found)
        return _read(_stepped(writer, found, node.steps[-1], text=True), kind)

    def size(self, fragment: Sql) -> Sql:
        return Raw("CAST(jsonb_array_length({0}) AS bigint)", fragment)

    def element(self, alias: str) -> Sql:
        return Raw(f"{alias}.item")

    def any_element(self, fragment: Sql, alias: str, condition: Sql) -> Sql:
        return Raw(
            f"EXISTS (SELECT 1 FROM jsonb_array_elements({{0}}) AS {alias}(item) "
            f"WHERE jsonb_typeof({alias}.item) = 'object' AND ({{1}}))",
            fragment,
            condition,
        )

    def holds(self, writer: Expressions, fragment: Sql, test: Holding, value: Parameter | Null) -> Sql:
        if isinstance(value, Null):
            return Raw(_HOLDINGS[test], fragment)
        return Raw(_HOLDINGS[test], fragment, writer.bind(value, None if test in _OF_KEYS else jsonb_dump(value.kind)))

    def compare_number(self, writer: Expressions, operator: Operator, fragment: Sql, value: Parameter) -> Sql:
        number = Raw("CAST({0} AS numeric)", writer.bind(value, _exact))
        return COMPARISONS[operator](Raw(_NUMBER, fragment), number)

    def json_keys(self, fragment: Sql) -> Sequence[Sql]:
        return tuple(Raw(template, fragment) for template in (_RANK, _SIZE, _TEXT))

    def with_part(self, writer: Expressions, document: Sql, target: PathInfo, value: Parameter | Null) -> Sql:
        around, places = document, []
        for step in target.steps:
            assert isinstance(step, Attribute)
            places.append(step.field.column)
        for step in target.steps[:-1]:
            around = _stepped(writer, around, step)
        new = Raw("'null'") if isinstance(value, Null) else writer.bind(value, part_dump(target.kind))
        place = f"'{{{{{','.join(places)}}}}}'"
        return Raw(_WITH_PART.replace("{place}", place), document, around, new)

    def document_index(self, schema: Schema, table: Table, index: IndexInfo) -> tuple[list[Any], dict[str, Any]] | None:
        targets = targets_of(schema.fields, index)
        if len(targets) == 1 and (isinstance(targets[0].kind, JsonKind) or holds_singles(targets[0].kind)):
            fragment = _indexed_fragment(table, targets[0])
            return None if fragment is None else ([fragment], {"postgresql_using": "gin"})
        terms: list[Any] = []
        for target, descending in zip(targets, index.descending, strict=True):
            term = _indexed(table, target)
            if term is None:
                return None
            nullable = isinstance(target, PathInfo) or target.null
            directed = term.desc() if descending else term.asc()
            terms.append((directed.nulls_last() if descending else directed.nulls_first()) if nullable else directed)
        return terms, {}


def part_dump(kind: Kind) -> Callable[[Any], str]:
    """The function from a plain value to the JSON text of it within a document."""
    dump = jsonb_dump(ListKind(kind))
    return lambda value: dump([value])[1:-1]


def _exact(value: float) -> Decimal:
    """A number as jsonb holds it: shortest digits, large floats in full."""
    return Decimal(value) if isinstance(value, int) or abs(value) >= 1e15 else Decimal(repr(value))


def _read(text: Sql, kind: Kind) -> Sql:
    """A single value from its text within a document."""
    template = _OF_TEXT.get(type(kind))
    return Raw('({0} COLLATE "C")', text) if template is None else Raw(template, text)


def _stepped(writer: Expressions | None, found: Sql, step: Step, *, text: bool = False) -> Sql:
    """What lies one step further, as jsonb or as text."""
    arrow = "->>" if text else "->"
    match step:
        case Attribute(field=field):
            return Raw(f"({{0}} {arrow} '{field.column}')", found)
        case Item(index=index):
            return Raw(f"({{0}} {arrow} {index})", found)
        case Key(key=key):
            assert writer is not None
            return Raw(f"({{0}} {arrow} CAST({{1}} AS text))", found, writer.constant(lambda: key))
        case JsonKey(key=key, index=index):
            assert writer is not None
            bound = writer.constant(lambda: key)
            if index is None:
                return Raw(f"({{0}} {arrow} CAST({{1}} AS text))", found, bound)
            return Raw(f"({{0}} #{arrow[1:]} ARRAY[CAST({{1}} AS text)])", found, bound)


def _indexed_fragment(table: Table, target: FieldInfo) -> Sql | None:
    """The jsonb that an index keeps; None where keys of dicts or JSON are on the way."""
    if not isinstance(target, PathInfo):
        return table.c[target.column]
    found: Sql = table.c[target.root.column]
    for step in target.steps:
        if not isinstance(step, Attribute | Item):
            return None
        found = _stepped(None, found, step)
    return Raw("nullif({0}, CAST('null' AS jsonb))", found)


def _indexed(table: Table, target: FieldInfo) -> Sql | None:
    """The single value that an index keeps; None where the server would not."""
    if not isinstance(target, PathInfo):
        return None if is_container(target.kind) else table.c[target.column]
    kind = plain_kind(target.kind)
    if not isinstance(kind, _IMMUTABLE) or not all(isinstance(step, Attribute | Item) for step in target.steps):
        return None
    found: Sql = table.c[target.root.column]
    for step in target.steps[:-1]:
        found = _stepped(None, found, step)
    return _read(_stepped(None, found, target.steps[-1], text=True), kind)
