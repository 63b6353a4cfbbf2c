"""How SQLite writes what operations say.

Decimals are scaled ints where 18 digits are enough, else ordered text; arithmetic on them, on floats and on nested
terms runs in registered Python functions. Everything temporal is fixed-width ISO text, which substr takes apart.
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Double,
    Integer,
    LargeBinary,
    Table,
    Text,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler, SQLiteDialect

from polystore.adapters.sql import decimal_text
from polystore.adapters.sql.conditions import Writer
from polystore.adapters.sql.dialect import COMPARISONS, Dialect, InsertParts, Sql, limit_text
from polystore.adapters.sql.expressions import Slot
from polystore.adapters.sql.raw import Raw
from polystore.adapters.sql.sqlite.computing import SqliteComputing
from polystore.adapters.sql.sqlite.documents import SqliteDocuments
from polystore.adapters.sql.sqlite.functions import OPERATOR_NAMES
from polystore.adapters.sql.types import (
    Codec,
    Convert,
    iso_time,
    json_dump,
    json_load,
    microseconds,
    scaled,
    spaced_iso,
    span_of,
    unscaled,
    uuid_of_text,
)
from polystore.adapters.sql.upserts import on_conflict_text
from polystore.errors import NotSupportedError
from polystore.query.capabilities import EVERYTHING, Capabilities, Feature
from polystore.query.nodes import Parameter, ParameterList
from polystore.query.operators import ArithmeticOperator, Operator
from polystore.query.text import simple_fold
from polystore.schema.kinds import (
    BoolKind,
    BytesKind,
    DateKind,
    DateTimeKind,
    DecimalKind,
    DurationKind,
    FloatKind,
    IntKind,
    Kind,
    NaiveDateTimeKind,
    ObjectIdKind,
    PlainKind,
    TextKind,
    TimeKind,
    UuidKind,
    plain_kind,
)
from polystore.schema.model import FieldInfo, IndexInfo, Schema, UniqueInfo

_INLINE = 128
"""Lists of at most so many values become placeholders; longer ones one JSON parameter."""

_CASE_BLIND = {
    Operator.IEXACT: "ps_iexact",
    Operator.ICONTAINS: "ps_icontains",
    Operator.ISTARTSWITH: "ps_istartswith",
    Operator.IENDSWITH: "ps_iendswith",
}
_PAIRS = {
    Operator.CONTAINS: "(instr({0}, {1}) > 0)",
    Operator.STARTSWITH: "(substr({0}, 1, length({1})) = {1})",
    Operator.ENDSWITH: "(substr({0}, -length({1}), length({1})) = {1})",
}


class _Compiler(SQLiteCompiler):
    def limit_clause(self, select: Any, **options: Any) -> str:
        """LIMIT without the OFFSET 0 that SQLAlchemy would bind each time."""
        return limit_text(self, select, options)


class SqliteDialect(SqliteComputing, SqliteDocuments, Dialect):
    """SQLite 3.35 or newer."""

    name = "sqlite"
    title = "SQLite"
    capabilities = Capabilities(
        EVERYTHING.operators,
        EVERYTHING.date_parts,
        EVERYTHING.arithmetic,
        EVERYTHING.features - {Feature.TTL, Feature.COUNT_ESTIMATE} | {Feature.ANALYZE, Feature.RAW},
        EVERYTHING.functions,
        EVERYTHING.aggregates,
        EVERYTHING.holdings,
        windows=EVERYTHING.windows,
    )
    mark = "?"
    left_alone = Dialect.left_alone + r"|`[^`]*`|\[[^\]]*\]"
    stores_decimals = False
    no_limit = -1
    order_refers = False
    reads_as_it_was = False
    name_length = 1000

    def __init__(self) -> None:
        super().__init__()
        self.sql = SQLiteDialect(paramstyle="qmark")
        self.sql.statement_compiler = _Compiler

    def make_codec(self, kind: PlainKind) -> Codec:
        match kind:
            case BoolKind():
                return Codec(Boolean(create_constraint=False), None, bool)
            case IntKind():
                return Codec(Integer())
            case FloatKind():
                return Codec(Double())
            case DecimalKind(decimal_places=places) if places is not None and kind.fits_int64:
                return Codec(BigInteger(), scaled(places), unscaled(places))
            case DecimalKind():
                return Codec(Text(), decimal_text.encode, decimal_text.decode)
            case TextKind() | ObjectIdKind():
                return Codec(Text())
            case BytesKind():
                return Codec(LargeBinary())
            case DateKind():
                return Codec(Text(), date.isoformat, date.fromisoformat)
            case TimeKind():
                return Codec(Text(), iso_time, time.fromisoformat)
            case DateTimeKind() | NaiveDateTimeKind():
                return Codec(Text(), spaced_iso, datetime.fromisoformat)
            case DurationKind():
                return Codec(BigInteger(), microseconds, span_of)
            case UuidKind():
                return Codec(Text(), str, uuid_of_text)
            case _:
                return Codec(Text(), json_dump(kind), json_load(kind))

    # ---- tables

    def check(self, schema: Schema) -> None:
        if schema.ttl is not None:
            raise NotSupportedError(
                f"{schema.name}: SQLite keeps rows until they are deleted, so Meta.ttl has no effect there; "
                "put the model on Redis or MongoDB, or drop the ttl"
            )

    def column_options(self, schema: Schema, field: FieldInfo) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (), {"autoincrement": field.auto}

    def unique_terms(self, schema: Schema, table: Table, unique: UniqueInfo) -> list[Any] | None:
        nullable = [schema.field(name) for name in unique.fields if schema.field(name).null]
        if unique.nulls_distinct or not nullable:
            return None
        terms: list[Any] = []
        for name in unique.fields:
            field = schema.field(name)
            column = table.c[field.column]
            terms += [column.is_(None), func.ifnull(column, literal_column("0"))] if field.null else [column]
        return terms

    def index_terms(self, schema: Schema, table: Table, index: IndexInfo) -> tuple[list[Any], dict[str, Any]]:
        columns = [table.c[schema.field(name).column] for name in index.fields]
        return [
            column.desc() if descending else column
            for column, descending in zip(columns, index.descending, strict=True)
        ], {}

    # ---- decimals and arithmetic

    def _same_decimal(self, left: DecimalKind, right: DecimalKind) -> bool:
        return left.fits_int64 == right.fits_int64

    def working(self, stored: Sql, kind: Kind) -> Sql:
        kind = plain_kind(kind)
        if not isinstance(kind, DecimalKind):
            return stored
        if kind.fits_int64:
            return Raw(f"ps_decimal_of_scaled({{0}}, {kind.decimal_places})", stored)
        return func.ps_decimal_of_text(stored)

    def working_dump(self, kind: Kind) -> Convert | None:
        return decimal_text.canonical if isinstance(plain_kind(kind), DecimalKind) else super().working_dump(kind)

    def store(self, field: FieldInfo, working: Sql, kind: Kind) -> Sql:
        target = plain_kind(field.kind)
        if not isinstance(target, DecimalKind):
            return working
        places = -1 if target.decimal_places is None else target.decimal_places
        function = "ps_store_scaled" if target.fits_int64 else "ps_store_text"
        return Raw(f"{function}({{0}}, {places}, {target.max_digits})", working)

    def compare(self, operator: Operator, left: Sql, left_kind: Kind, right: Sql, right_kind: Kind) -> Sql:
        if isinstance(left_kind, DecimalKind) or isinstance(right_kind, DecimalKind):
            left = left if isinstance(left_kind, DecimalKind) else func.ps_decimal_of_text(left)
            right = right if isinstance(right_kind, DecimalKind) else func.ps_decimal_of_text(right)
        return COMPARISONS[operator](left, right)

    def arithmetic(
        self,
        operator: ArithmeticOperator,
        left: Sql,
        left_kind: Kind,
        right: Sql,
        right_kind: Kind,
        kind: Kind,
    ) -> Sql:
        word = OPERATOR_NAMES[operator]
        if isinstance(kind, DecimalKind):
            return Raw(f"ps_decimal_{word}({{0}}, {{1}})", left, right)
        native = _NATIVE.get(operator)
        if native is None or not isinstance(kind, IntKind) or _is_call(left) or _is_call(right):
            return Raw(f"ps_{word}({{0}}, {{1}})", left, right)
        return Raw(_CHECKED.format(native), left, right)

    # ---- lookups

    def text_value(
        self, writer: Writer, operator: Operator, left: Sql, field: FieldInfo | None, value: Parameter
    ) -> Sql:
        match operator:
            case Operator.CONTAINS:
                return Raw("(instr({0}, {1}) > 0)", left, writer.bind(value, None))
            case Operator.STARTSWITH:
                return (left >= writer.bind(value, None)) & (left < writer.bind(value, after_prefix))
            case Operator.ENDSWITH:
                start, length = writer.bind(value, _minus_length), writer.bind(value, len)
                return Raw("(substr({0}, {1}, {2}) = {3})", left, start, length, writer.bind(value, None))
            case Operator.REGEX:
                return func.ps_regex(left, writer.bind(value, None))
            case Operator.IREGEX:
                return func.ps_iregex(left, writer.bind(value, None))
            case _:
                return Raw(f"{_CASE_BLIND[operator]}({{0}}, {{1}})", left, writer.bind(value, simple_fold))

    def text_pair(self, operator: Operator, left: Sql, right: Sql) -> Sql:
        template = _PAIRS.get(operator)
        if template is not None:
            return Raw(template, left, right)
        return Raw(f"{_CASE_BLIND[operator]}({{0}}, ps_fold({{1}}))", left, right)

    def within(self, writer: Writer, left: Sql, kind: Kind, dump: Convert | None, values: ParameterList) -> Sql:
        if values.size <= _INLINE:
            return left.in_([writer.place(Slot(values.index, dump, item)) for item in range(values.size)])
        items, read = _json_items(kind, dump)
        bound = writer.place(Slot(values.index, items))
        return _in_json(left, bound, f"{read}(value)" if read else "value")

    # ---- writes

    def insert_texts(self, insert: InsertParts) -> dict[str, str]:
        into = f"INSERT INTO {insert.table}"
        if insert.columns:
            marks = ", ".join("?" * len(insert.columns))
            into = f"{into} ({', '.join(insert.columns)}) VALUES ({marks})"
            tail = " ON CONFLICT DO NOTHING" if insert.ignore_conflicts else on_conflict_text(insert.conflict)
            return {"one": into + tail}
        return {"one": f"{into} DEFAULT VALUES"}


_NATIVE = {ArithmeticOperator.ADD: "+", ArithmeticOperator.SUBTRACT: "-", ArithmeticOperator.MULTIPLY: "*"}
_CHECKED = "(CASE WHEN typeof({{0}} {0} {{1}}) = 'real' THEN abs(-9223372036854775807 - 1) ELSE {{0}} {0} {{1}} END)"
"""A sum that leaves 64 bits turns into a float; ``abs`` of the least int then fails with "integer overflow"."""


def after_prefix(prefix: str) -> str | bytes:
    """The least value above every text that begins with the prefix: the prefix with its last character counted up.

    Where no text is, the empty blob: SQLite orders every blob after every text.
    """
    head = prefix.rstrip("\U0010ffff")
    if not head:
        return b""
    point = ord(head[-1]) + 1
    return head[:-1] + chr(0xE000 if 0xD800 <= point <= 0xDFFF else point)


def _minus_length(text: str) -> int:
    return -len(text)


def _is_call(expression: Sql) -> bool:
    return getattr(expression, "__visit_name__", "") not in ("column", "bindparam")


def _json_items(kind: Kind, dump: Convert | None) -> tuple[Convert, str]:
    """The function from plain values to a JSON list, and the SQL function that reads an item of it."""
    encode = msgspec.json.encode
    match plain_kind(kind):
        case BytesKind():
            return (lambda values: encode([value.hex() for value in values]).decode()), "ps_bytes"
        case FloatKind():
            return (lambda values: encode([repr(value) for value in values]).decode()), "ps_float"
    if dump is None:
        return (lambda values: encode(values).decode()), ""
    each = dump
    return (lambda values: encode([each(value) for value in values]).decode()), ""


def _in_json(left: Sql, bound: Sql, item: str) -> Sql:
    """``left IN (SELECT item FROM json_each(bound))``."""
    return left.in_(select(literal_column(item)).select_from(func.json_each(bound).alias("listed")))
