"""How MariaDB looks into JSON, which it keeps as text.

Its own containment takes numbers for floats and looks deeper into arrays than jsonb does, so lists are matched by
patterns of whole elements, and containment of JSON is not declared. Its paths take a scalar for an array of one, so
what an index is asked of is tested first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from polystore.adapters.sql.documents import Documents, Sql
from polystore.adapters.sql.expressions import Expressions
from polystore.adapters.sql.mysql.elements import all_of, any_of, only
from polystore.adapters.sql.mysql.numbers import text_of
from polystore.adapters.sql.mysql.sizes import Sized
from polystore.adapters.sql.mysql.templates import FAIL
from polystore.adapters.sql.raw import Raw
from polystore.query.nodes import Null, Parameter, Path
from polystore.query.operators import Holding, Operator
from polystore.schema.document import document_dump
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
    NaiveDateTimeKind,
    TextKind,
    TimeKind,
    UuidKind,
    is_container,
    plain_kind,
)
from polystore.schema.paths import Attribute, Item, JsonKey, Key, PathInfo, Step

_EXACT_TEXT = "({0} COLLATE utf8mb4_nopad_bin)"
_INFINITE = "{0} IN ('inf', '-inf')"
_OF_TEXT: dict[type, str] = {
    BoolKind: "CAST({0} AS SIGNED)",
    IntKind: "CAST({0} AS SIGNED)",
    FloatKind: f"IF({_INFINITE}, {FAIL.format(_INFINITE)}, CAST({{0}} AS DOUBLE) + 0E0)",
    BytesKind: "FROM_BASE64({0})",
    DateKind: "CAST({0} AS DATE)",
    TimeKind: "CAST({0} AS TIME(6))",
    DateTimeKind: "CAST(REPLACE(REPLACE({0}, 'T', ' '), 'Z', '') AS DATETIME(6))",
    NaiveDateTimeKind: "CAST(REPLACE({0}, 'T', ' ') AS DATETIME(6))",
    DurationKind: "CAST({0} AS SIGNED)",
    UuidKind: "UNHEX(REPLACE({0}, '-', ''))",
}
"""From the text of a value within documents to the value."""

_IS_NUMBER = "JSON_TYPE({0}) IN ('INTEGER', 'DOUBLE')"
_IS_FLOAT = "{0} REGEXP '[.eE]'"
_FLOAT = "(CAST({0} AS DOUBLE) + 0E0)"
_TEXT = "(CASE WHEN JSON_TYPE({0}) = 'STRING' THEN JSON_UNQUOTE({0}) END COLLATE utf8mb4_nopad_bin)"
_OF_JSON: dict[type, str] = {
    TextKind: _TEXT,
    BoolKind: "(CASE WHEN JSON_TYPE({0}) = 'BOOLEAN' THEN {0} = 'true' END)",
    IntKind: (
        f"(CASE WHEN NOT {_IS_NUMBER} THEN NULL WHEN NOT ({_IS_FLOAT}) THEN CAST({{0}} AS SIGNED) "
        f"WHEN {_FLOAT} = FLOOR({_FLOAT}) AND {_FLOAT} >= -9223372036854775808E0 AND {_FLOAT} < 9223372036854775808E0 "
        f"THEN CAST({_FLOAT} AS SIGNED) END)"
    ),
    FloatKind: f"(CASE WHEN {_IS_NUMBER} THEN {_FLOAT} END)",
}
_WHOLE = f"(CASE WHEN {_IS_NUMBER} AND NOT ({_IS_FLOAT}) THEN CAST({{0}} AS SIGNED) END)"
_EXACT = (
    f"(CASE WHEN NOT {_IS_NUMBER} THEN NULL WHEN NOT ({_IS_FLOAT}) THEN CAST({{0}} AS SIGNED) "
    f"WHEN {_FLOAT} >= 9223372036854775808E0 THEN 9223372036854775808 "
    f"WHEN {_FLOAT} = FLOOR({_FLOAT}) AND {_FLOAT} >= -9223372036854775808E0 THEN CAST({_FLOAT} AS SIGNED) END)"
)
"""Tells apart what is the same float: whole numbers, and one beyond all ints for what is."""
_BROKEN = f"(CASE WHEN {_IS_NUMBER} AND {_IS_FLOAT} THEN {_FLOAT} END)"
_RANK = (
    "(CASE JSON_TYPE({0}) WHEN 'NULL' THEN 0 WHEN 'INTEGER' THEN 1 WHEN 'DOUBLE' THEN 1 WHEN 'STRING' THEN 2 "
    "WHEN 'BOOLEAN' THEN 3 WHEN 'ARRAY' THEN 4 WHEN 'OBJECT' THEN 5 END)"
)
_SIZE = f"(CASE WHEN {_IS_NUMBER} THEN {_FLOAT} WHEN JSON_TYPE({{0}}) = 'BOOLEAN' THEN ({{0}} = 'true') + 0E0 END)"
_KEYS_OF = "JSON_KEYS(CASE WHEN JSON_TYPE({0}) = 'OBJECT' THEN {0} END)"
_PATTERNS: dict[Holding, tuple[str, Callable[[Sequence[str]], str]]] = {
    Holding.ARRAY_CONTAINS: ("{0}", all_of),
    Holding.ARRAY_CONTAINED_BY: ("{0}", only),
    Holding.ARRAY_OVERLAP: ("{0}", any_of),
    Holding.HAS_KEY: (_KEYS_OF, all_of),
    Holding.HAS_KEYS: (_KEYS_OF, all_of),
    Holding.HAS_ANY_KEYS: (_KEYS_OF, any_of),
}


class MariadbDocuments(Documents):
    """Paths, elements and lists in JSON text."""

    def path(self, writer: Expressions, root: Sql, node: Path) -> Sql:
        kind = plain_kind(node.kind)
        if not node.of_json and not is_container(kind) and not _has_json_keys(node.steps):
            value = Raw("JSON_VALUE({0}, {1})", root, writer.constant(lambda: _native(node.steps)))
            return _read(value, kind)
        found = _fragment(writer, root, node.steps)
        if isinstance(kind, JsonKind) and node.keeps_null:
            return found
        if is_container(kind):
            return Raw("(CASE WHEN JSON_TYPE({0}) <> 'NULL' THEN {0} END)", found)
        return Raw(_OF_JSON[type(kind)], found)

    def size(self, fragment: Sql) -> Sql:
        return Raw("JSON_LENGTH({0})", fragment)

    def element(self, alias: str) -> Sql:
        return Raw(f"{alias}.item")

    def any_element(self, fragment: Sql, alias: str, condition: Sql) -> Sql:
        return Raw(
            f"EXISTS (SELECT 1 FROM JSON_TABLE({{0}}, '$[*]' COLUMNS (item JSON PATH '$')) AS {alias} "
            f"WHERE JSON_TYPE({alias}.item) = 'OBJECT' AND ({{1}}))",
            fragment,
            condition,
        )

    def holds(self, writer: Expressions, fragment: Sql, test: Holding, value: Parameter | Null) -> Sql:
        if isinstance(value, Null):
            return Raw("(JSON_TYPE({0}) = 'NULL')", fragment)
        if test is Holding.JSON_EXACT:
            return Raw("(JSON_EQUALS({0}, {1}) = 1)", fragment, writer.bind(value, part_dump(value.kind)))
        if test is Holding.ARRAY_EXACT:
            return Raw("(JSON_COMPACT({0}) = {1})", _exact_text(fragment), writer.bind(value, part_dump(value.kind)))
        template, pattern = _PATTERNS[test]
        each = document_dump(value.kind)

        def encode(plain: Any) -> str:
            items = plain if each is None else each(plain)
            return pattern([text_of(item) for item in ([items] if isinstance(items, str) else items)])

        held = _exact_text(Raw(template, fragment))
        return Raw("({0} REGEXP {1})", held, writer.bind(value, encode))

    def compare_number(self, writer: Expressions, operator: Operator, fragment: Sql, value: Parameter) -> Sql:
        kind = plain_kind(value.kind)
        whole, broken = Raw(_WHOLE, fragment), Raw(_BROKEN, fragment)
        compare = self.compare  # type: ignore[attr-defined]  # that of the dialect that this is a part of
        tests = [compare(operator, whole, IntKind(), writer.working(value), kind)]
        tests.append(compare(operator, broken, FloatKind(), writer.working(value), kind))
        return Raw("(CASE WHEN {0} IS NOT NULL THEN {1} ELSE {2} END)", whole, *tests)

    def json_keys(self, fragment: Sql) -> Sequence[Sql]:
        return tuple(Raw(template, fragment) for template in (_RANK, _SIZE, _EXACT, _TEXT))

    def with_part(self, writer: Expressions, document: Sql, target: PathInfo, value: Parameter | Null) -> Sql:
        around = _native(target.steps[:-1])
        place = _native(target.steps)
        new = Raw("'null'") if isinstance(value, Null) else writer.bind(value, part_dump(target.kind))
        there = Raw(
            "(COALESCE(JSON_TYPE(JSON_EXTRACT({0}, {1})), '') <> 'OBJECT')", document, writer.constant(lambda: around)
        )
        return Raw(
            f"IF({{1}}, CONCAT({FAIL.format('{1}')}), JSON_COMPACT(JSON_SET({{0}}, {{2}}, JSON_EXTRACT({{3}}, '$'))))",
            document,
            there,
            writer.constant(lambda: place),
            new,
        )


def part_dump(kind: Kind) -> Callable[[Any], str]:
    """The function from a plain value to the JSON text of it within a document."""
    convert = document_dump(kind)
    return text_of if convert is None else lambda value: text_of(convert(value))


def _exact_text(value: Sql) -> Sql:
    return Raw(_EXACT_TEXT, value)


def _read(text: Sql, kind: Kind) -> Sql:
    if isinstance(kind, DecimalKind):
        assert kind.decimal_places is not None
        size = (kind.max_digits - kind.decimal_places, kind.decimal_places)
        return Sized(f"CAST({{0}} AS DECIMAL({kind.max_digits}, {kind.decimal_places}))", (text,), size)
    return Raw(_OF_TEXT.get(type(kind), _EXACT_TEXT), text)


def _has_json_keys(steps: Sequence[Step]) -> bool:
    return any(isinstance(step, JsonKey) for step in steps)


def _native(steps: Sequence[Step]) -> str:
    """The steps as MariaDB's own path; none of them may be an index into what is no array."""
    words = []
    for step in steps:
        match step:
            case Attribute(field=field):
                words.append(f".{text_of(field.column)}")
            case Item(index=index):
                words.append(f"[{index}]")
            case Key(key=key) | JsonKey(key=key):
                words.append(f".{text_of(key)}")
    return "$" + "".join(words)


def _fragment(writer: Expressions, root: Sql, steps: Sequence[Step]) -> Sql:
    """What lies at the steps as JSON."""
    found, waiting = root, list[Step]()
    for step in steps:
        if isinstance(step, JsonKey) and step.index is not None:
            found, waiting = _indexed(writer, _extracted(writer, found, waiting), step), []
        else:
            waiting.append(step)
    return _extracted(writer, found, waiting)


def _extracted(writer: Expressions, found: Sql, steps: list[Step]) -> Sql:
    if not steps:
        return found
    native = _native(steps)
    return Raw("JSON_EXTRACT({0}, {1})", found, writer.constant(lambda: native))


def _indexed(writer: Expressions, found: Sql, step: JsonKey) -> Sql:
    """The item of an array or the value under a key of an object."""
    key, item = _native([step]), f"$[{step.key}]"
    return Raw(
        "(CASE JSON_TYPE({0}) WHEN 'ARRAY' THEN JSON_EXTRACT({0}, {1}) ELSE JSON_EXTRACT({0}, {2}) END)",
        found,
        writer.constant(lambda: item),
        writer.constant(lambda: key),
    )
