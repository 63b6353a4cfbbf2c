"""How SQLite looks into JSON: its own functions into embedded models, which indexes serve, Python's elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Table

from polystore.adapters.sql.dialect import COMPARISONS
from polystore.adapters.sql.documents import Documents, Sql
from polystore.adapters.sql.expressions import Expressions
from polystore.adapters.sql.raw import Raw
from polystore.adapters.sql.sqlite.structures import steps_text
from polystore.adapters.sql.types import json_dump
from polystore.query.nodes import Null, Parameter, Path
from polystore.query.operators import Holding, Operator
from polystore.schema.document import document_dump
from polystore.schema.document_indexes import targets_of
from polystore.schema.kinds import (
    BoolKind,
    BytesKind,
    DateTimeKind,
    DecimalKind,
    FloatKind,
    IntKind,
    JsonKind,
    Kind,
    NaiveDateTimeKind,
    TextKind,
    is_container,
    plain_kind,
)
from polystore.schema.model import FieldInfo, IndexInfo, Schema
from polystore.schema.paths import Attribute, Item, JsonKey, Key, PathInfo, Step

_IN_JSON: dict[type, str] = {TextKind: "text", IntKind: "int", FloatKind: "float", BoolKind: "bool"}
_FROM_DOCUMENT: dict[type, str] = {
    FloatKind: "ps_float({0})",
    DecimalKind: "ps_decimal_of_plain({0})",
    BytesKind: "ps_bytes_of_base64({0})",
    DateTimeKind: "replace(replace({0}, 'T', ' '), 'Z', '+00:00')",
    NaiveDateTimeKind: "replace({0}, 'T', ' ')",
}
"""From the form of a value within documents to the one in columns, where the two differ."""


class SqliteDocuments(Documents):
    """Paths, elements and containment in JSON text."""

    def path(self, writer: Expressions, root: Sql, node: Path) -> Sql:
        kind = plain_kind(node.kind)
        if node.of_json:
            form = "json" if isinstance(kind, JsonKind) and node.keeps_null else _IN_JSON.get(type(kind), "structure")
            return _at(writer, root, node.steps, form)
        if is_container(kind):
            return _at(writer, root, node.steps, "structure")
        native = None if isinstance(kind, FloatKind) else _native(node.steps)
        found = _at(writer, root, node.steps, "value") if native is None else _extracted(root, native)
        template = _FROM_DOCUMENT.get(type(kind))
        return found if template is None else Raw(template, found)

    def size(self, fragment: Sql) -> Sql:
        return Raw("json_array_length({0})", fragment)

    def element(self, alias: str) -> Sql:
        return Raw(f"{alias}.value")

    def any_element(self, fragment: Sql, alias: str, condition: Sql) -> Sql:
        return Raw(
            f"EXISTS (SELECT 1 FROM json_each({{0}}) AS {alias} WHERE {alias}.type = 'object' AND ({{1}}))",
            fragment,
            condition,
        )

    def holds(self, writer: Expressions, fragment: Sql, test: Holding, value: Parameter | Null) -> Sql:
        wanted = Raw("'null'") if isinstance(value, Null) else writer.bind(value, json_dump(value.kind))
        return Raw(f"ps_{test.name.lower()}({{0}}, {{1}})", fragment, wanted)

    def compare_number(self, writer: Expressions, operator: Operator, fragment: Sql, value: Parameter) -> Sql:
        return COMPARISONS[operator](Raw("ps_json_number({0})", fragment), writer.bind(value, None))

    def json_keys(self, fragment: Sql) -> Sequence[Sql]:
        return (Raw("ps_json_order({0})", fragment),)

    def with_part(self, writer: Expressions, document: Sql, target: PathInfo, value: Parameter | Null) -> Sql:
        steps = _steps_of(target.steps)
        new = Raw("'null'") if isinstance(value, Null) else writer.bind(value, part_dump(target.kind))
        return Raw("ps_json_with({0}, {1}, {2})", document, writer.constant(lambda: steps), new)

    def document_index(self, schema: Schema, table: Table, index: IndexInfo) -> tuple[list[Any], dict[str, Any]] | None:
        terms: list[Any] = []
        for target, descending in zip(targets_of(schema.fields, index), index.descending, strict=True):
            term = _indexed(table, target)
            if term is None:
                return None
            terms.append(term.desc() if descending else term)
        return terms, {}


def part_dump(kind: Kind) -> Callable[[Any], str]:
    """The function from a plain value to the JSON text of it within a document."""
    convert, encode = document_dump(kind), msgspec.json.encode
    return lambda value: encode(value if convert is None else convert(value)).decode()


def _indexed(table: Table, target: FieldInfo) -> Sql | None:
    """What an index keeps of a column or a path; None where only Python tells what lies there."""
    if not isinstance(target, PathInfo):
        return None if is_container(target.kind) else table.c[target.column]
    kind = plain_kind(target.kind)
    native = _native(target.steps)
    if native is None or type(kind) in _FROM_DOCUMENT or is_container(kind):
        return None
    return _extracted(table.c[target.root.column], native)


def _extracted(root: Sql, native: str) -> Sql:
    return Raw(f"json_extract({{0}}, '{native}')", root)


def _native(steps: Sequence[Step]) -> str | None:
    """The steps as SQLite's own path; None where keys are in it that users choose."""
    words = []
    for step in steps:
        match step:
            case Attribute(field=field):
                words.append(f".{field.column}")
            case Item(index=index):
                words.append(f"[{index}]")
            case Key() | JsonKey():
                return None
    return "$" + "".join(words)


def _at(writer: Expressions, root: Sql, steps: Sequence[Step], form: str) -> Sql:
    text = _steps_of(steps)
    return Raw(f"ps_json_at({{0}}, {{1}}, '{form}')", root, writer.constant(lambda: text))


def _steps_of(steps: Sequence[Step]) -> str:
    """The steps by the keys that stored documents have."""
    found: list[tuple[str, Any]] = []
    for step in steps:
        match step:
            case Attribute(field=field):
                found.append(("key", field.column))
            case Item(index=index):
                found.append(("item", index))
            case Key(key=key):
                found.append(("key", key))
            case JsonKey(key=key):
                found.append(("json", key))
    return steps_text(found)
