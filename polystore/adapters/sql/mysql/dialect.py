"""How MySQL and MariaDB write what operations say."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Column, Computed, Date, Table
from sqlalchemy.dialects.mysql import (
    BINARY,
    CHAR,
    DATETIME,
    DECIMAL,
    DOUBLE,
    LONGBLOB,
    LONGTEXT,
    TIME,
    TINYINT,
    VARBINARY,
    VARCHAR,
)
from sqlalchemy.dialects.mysql.base import MySQLCompiler, MySQLDialect

from polystore.adapters.sql import decimal_text
from polystore.adapters.sql.conditions import Writer
from polystore.adapters.sql.dialect import Dialect, InsertParts, Sql, limit_text, short_name, text_literal
from polystore.adapters.sql.expressions import Slot
from polystore.adapters.sql.mysql.computing import MysqlComputing, typed
from polystore.adapters.sql.mysql.conflicts import conflict_texts
from polystore.adapters.sql.mysql.depth import shallow
from polystore.adapters.sql.mysql.documents import MariadbDocuments, part_dump
from polystore.adapters.sql.mysql.keys import CHARACTER_BYTES, KEY_BYTES, key_bytes, keys, room
from polystore.adapters.sql.mysql.sizes import Sized, size_of, sized_arithmetic
from polystore.adapters.sql.mysql.templates import (
    FAIL,
    FLOAT,
    HALF_EVEN,
    INT_WITH_FLOAT,
    INTEGER,
    PAIRS,
    QUOTIENT_OF_INTS,
    SHARES,
)
from polystore.adapters.sql.patterns import LIKE_ESCAPE, like_pattern, regular_expression
from polystore.adapters.sql.raw import Raw
from polystore.adapters.sql.types import (
    Codec,
    Convert,
    bytes_of_uuid,
    finite,
    iso_time,
    json_dump,
    json_load,
    microseconds,
    sized,
    spaced_iso,
    span_of,
    uuid_of_bytes,
)
from polystore.errors import NotSupportedError
from polystore.query.capabilities import DOCUMENTS, EVERYTHING, Capabilities, Feature
from polystore.query.nodes import Order, Parameter, ParameterList
from polystore.query.operators import ArithmeticOperator, Function, Holding, Operator
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

_MAX_PLACES = 30
_UNDECLARED = frozenset({Feature.TTL, Feature.INFINITY, Feature.ROUND_FLOATS, Feature.WINDOW_DISTANCES})
"""Distances from an int near the end of 64 bits overflow."""
_NEW_IN_MYSQL = frozenset({Feature.INTERSECTION, Feature.DIFFERENCE})
"""What MySQL has since 8.0.31 only; MariaDB has had it for long."""
_LIKE = (Operator.CONTAINS, Operator.STARTSWITH, Operator.ENDSWITH)

_ESTIMATE = (
    "CAST(COALESCE((SELECT table_rows FROM information_schema.tables "
    "WHERE table_schema = DATABASE() AND table_name = {0}), {1}) AS SIGNED)"
)


class Listed(tuple):  # type: ignore[type-arg]  # of stored values
    """Values for one placeholder, which the driver writes out as ``(a, b, c)``."""

    __slots__ = ()


class _Compiler(MySQLCompiler):
    def limit_clause(self, select: Any, **options: Any) -> str:
        return limit_text(self, select, options)


class MysqlDialect(MysqlComputing, MariadbDocuments, Dialect):
    """MariaDB 10.5, MySQL 8.0.17 or newer.

    Args:
        mariadb: the URL promises MariaDB, which can do an update more.
    """

    title = "MySQL"
    capabilities = Capabilities(
        EVERYTHING.operators,
        EVERYTHING.date_parts,
        EVERYTHING.arithmetic,
        EVERYTHING.features - _UNDECLARED - DOCUMENTS | {Feature.ANALYZE, Feature.RAW, Feature.ROW_LOCKS},
        EVERYTHING.functions - {Function.LOWER, Function.UPPER},
        EVERYTHING.aggregates,
        windows=EVERYTHING.windows,
    )
    index_if_not_exists = False
    left_alone = r"'(?:[^'\\]|''|\\.)*'|\"(?:[^\"\\]|\"\"|\\.)*\"|`[^`]*`|--(?=\s)[^\n]*|#[^\n]*|/\*.*?\*/"
    no_limit = 2**64 - 1
    int_with_float = INT_WITH_FLOAT
    slices_in_lists = False
    derived_tables_refer = False
    reads_as_it_was = False
    shares = SHARES
    name_length = 64

    def __init__(self, *, mariadb: bool) -> None:
        super().__init__()
        self.mariadb = mariadb
        self.reads_changed = mariadb
        self.name = "mariadb" if mariadb else "mysql"
        self.title = "MariaDB" if mariadb else "MySQL"
        if mariadb:
            self.capabilities = _of_mariadb(self.capabilities)
        else:
            features = self.capabilities.features - _NEW_IN_MYSQL
            self.capabilities = replace(self.capabilities, features=features)
        self.sql = MySQLDialect(paramstyle="format")
        self.sql.statement_compiler = _Compiler

    def make_codec(self, kind: PlainKind) -> Codec:
        match kind:
            case BoolKind():
                return Codec(TINYINT(1), None, bool)
            case IntKind():
                return Codec(BigInteger())
            case FloatKind():
                return Codec(DOUBLE(), finite)
            case DecimalKind():
                size = sized(kind)
                if size is not None and size[0] <= 65 and size[1] <= _MAX_PLACES:
                    return Codec(DECIMAL(*size), None, Decimal)
                return Codec(
                    VARCHAR(160, charset="ascii", collation="ascii_bin"),
                    decimal_text.encode,
                    decimal_text.decode,
                )
            case TextKind():
                return Codec(LONGTEXT())
            case ObjectIdKind():
                return Codec(CHAR(24, charset="ascii", collation="ascii_bin"))
            case BytesKind():
                return Codec(LONGBLOB())
            case DateKind():
                return Codec(Date(), date.isoformat, date.fromisoformat)
            case TimeKind():
                return Codec(TIME(fsp=6), iso_time, time.fromisoformat)
            case DateTimeKind():
                return Codec(DATETIME(fsp=6), _utc_text, _utc_moment)
            case NaiveDateTimeKind():
                return Codec(DATETIME(fsp=6), spaced_iso, datetime.fromisoformat)
            case DurationKind():
                return Codec(BigInteger(), microseconds, span_of)
            case UuidKind():
                return Codec(BINARY(16), bytes_of_uuid, uuid_of_bytes)
            case _:
                dump = shallow(part_dump(kind)) if self.mariadb else json_dump(kind)
                return Codec(LONGTEXT(charset="utf8mb4", collation="utf8mb4_bin"), dump, json_load(kind))

    # ---- tables

    def check(self, schema: Schema) -> None:
        if schema.ttl is not None:
            raise NotSupportedError(
                f"{schema.name}: {self.title} keeps rows until they are deleted, so Meta.ttl has no effect there; "
                "put the model on Redis or MongoDB, or drop the ttl"
            )
        for key in keys(schema):
            self._check_key(schema, key)

    def _check_key(self, schema: Schema, key: tuple[str, ...]) -> None:
        size = sum(key_bytes(schema, name, room(schema, name)) for name in key)
        if size > KEY_BYTES:
            raise NotSupportedError(
                f"{schema.name}: {self.title} keeps keys of at most {KEY_BYTES} bytes, the one over {', '.join(key)} "
                f"may take {size}; give its text and bytes fields a smaller max_length"
            )

    def column_options(self, schema: Schema, field: FieldInfo) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (), {"autoincrement": field.auto}

    def column_type(self, schema: Schema, field: FieldInfo, collation: str | None) -> Any:
        kind = plain_kind(field.kind)
        if not isinstance(kind, TextKind | BytesKind):
            return self.codec(kind).column
        length = room(schema, field.name)
        if isinstance(kind, BytesKind):
            return LONGBLOB() if length is None else VARBINARY(length)
        charset = {"charset": "utf8mb4", "collation": collation}
        return LONGTEXT(**charset) if length is None else VARCHAR(length, **charset)

    def unique_terms(self, schema: Schema, table: Table, unique: UniqueInfo) -> list[Any] | None:
        if unique.nulls_distinct or not any(schema.field(name).null for name in unique.fields):
            return None
        terms: list[Any] = []
        for name in unique.fields:
            column = table.c[schema.field(name).column]
            terms += self._without_null(schema.field(name), table) if column.nullable else [column]
        return terms

    def _without_null(self, field: FieldInfo, table: Table) -> list[Any]:
        """Two computed columns that tell a NULL apart and are never NULL themselves, so that rows with one collide."""
        column = table.c[field.column]
        quoted = self.sql.identifier_preparer.quote(field.column)
        names = [short_name(f"{field.column}${what}", self.name_length) for what in ("is_null", "or_nothing")]
        if names[0] not in table.c:
            nothing = _NOTHING.get(type(plain_kind(field.kind)), "0")
            table.append_column(Column(names[0], TINYINT(1), Computed(f"{quoted} IS NULL", persisted=False)))
            value = Computed(f"IFNULL({quoted}, {nothing})", persisted=False)
            table.append_column(Column(names[1], column.type, value))
        return [table.c[name] for name in names]

    def index_terms(self, schema: Schema, table: Table, index: IndexInfo) -> tuple[list[Any], dict[str, Any]]:
        fields = [schema.field(name) for name in index.fields]
        columns = [table.c[field.column] for field in fields]
        terms = [
            column.desc() if descending else column
            for column, descending in zip(columns, index.descending, strict=True)
        ]
        share = KEY_BYTES // len(fields) // CHARACTER_BYTES - 8
        lengths = {
            field.column: share
            for field in fields
            if isinstance(plain_kind(field.kind), TextKind | BytesKind)
            and (room(schema, field.name) or share + 1) > share
        }
        return terms, {"mysql_length": lengths} if lengths else {}

    # ---- numbers

    def _same_decimal(self, left: DecimalKind, right: DecimalKind) -> bool:
        return left == right or not (self._is_text(left) or self._is_text(right))

    def _is_text(self, kind: DecimalKind) -> bool:
        return isinstance(self.codec(kind).column, VARCHAR)

    def working(self, stored: Sql, kind: Kind) -> Sql:
        kind = plain_kind(kind)
        if not isinstance(kind, DecimalKind):
            return stored
        if self._is_text(kind):
            raise self.refuse(
                "arithmetic on Decimals without a fixed number of places, or comparisons of them with other kinds",
                f"give the field decimal_places of at most {_MAX_PLACES} and max_digits of at most 65",
            )
        assert kind.decimal_places is not None
        return Sized("{0}", (stored,), (kind.max_digits - kind.decimal_places, kind.decimal_places))

    def working_dump(self, kind: Kind) -> Convert | None:
        match plain_kind(kind):
            case DecimalKind():
                return _literal_decimal
            case FloatKind():
                return finite
            case _:
                return super().working_dump(kind)

    def working_value(self, bound: Any, kind: Kind) -> Sql:
        kind = plain_kind(kind)
        return Sized("{0}", (bound,), _LITERAL) if isinstance(kind, DecimalKind) else typed(bound, kind)

    def store(self, field: FieldInfo, working: Sql, kind: Kind) -> Sql:
        target = plain_kind(field.kind)
        if not isinstance(target, DecimalKind) or (isinstance(kind, IntKind) and not self._is_text(target)):
            return working
        if self._is_text(target):
            raise self.refuse(
                f"an update of {field.label} by an expression",
                "give the field decimal_places and at most 65 max_digits",
            )
        places = target.decimal_places or 0
        return Raw(
            HALF_EVEN.replace("{places}", str(places))
            .replace("{unit}", f"{Decimal(1).scaleb(-places):f}")
            .replace("{scale}", str(10**places)),
            working,
        )

    def arithmetic(
        self,
        operator: ArithmeticOperator,
        left: Sql,
        left_kind: Kind,
        right: Sql,
        right_kind: Kind,
        kind: Kind,
    ) -> Sql:
        if isinstance(kind, DecimalKind):
            computed = sized_arithmetic(operator, left, right, FAIL)
            whole, places = size_of(computed)
            if whole + places > 65 or places > _MAX_PLACES:
                raise self.refuse(
                    f"this arithmetic: it could need {whole + places} digits, {places} of them behind the point",
                    f"use fewer terms or smaller decimals; 65 digits, {_MAX_PLACES} behind the point, are held exactly",
                )
            return computed
        if isinstance(kind, IntKind):
            return Raw(INTEGER[operator], left, right)
        if isinstance(left_kind, IntKind) and isinstance(right_kind, IntKind):
            return Raw(QUOTIENT_OF_INTS, left, right)
        return Raw(FLOAT[operator], left, right)

    # ---- lookups

    def text_value(
        self, writer: Writer, operator: Operator, left: Sql, field: FieldInfo | None, value: Parameter
    ) -> Sql:
        if operator in _LIKE:
            return left.like(writer.bind(value, lambda text: like_pattern(operator, text)), escape=LIKE_ESCAPE)
        return Raw("({0} REGEXP {1})", left, writer.bind(value, regular_expression(operator, "pcre")))

    def text_pair(self, operator: Operator, left: Sql, right: Sql) -> Sql:
        template = PAIRS.get(operator)
        if template is None:
            raise self.refuse(
                f"{operator.value} between two fields",
                "compare with a value, or use .client(max_rows=...) before it",
            )
        return Raw(template, left, right)

    def within(self, writer: Writer, left: Sql, kind: Kind, dump: Convert | None, values: ParameterList) -> Sql:
        return Raw("({0} IN {1})", left, writer.place(Slot(values.index, _listed(dump))))

    def order(self, value: Sql, term: Order, *, nullable: bool) -> list[Any]:
        directed = value.desc() if term.descending else value.asc()
        match term.nulls:
            case "first":
                return [Raw("({0} IS NOT NULL)", value), directed]
            case "last":
                return [Raw("({0} IS NULL)", value), directed]
            case None:
                return [directed]

    def estimate(self, table: str, quoted: str, exact: Sql) -> Sql:
        """The number that the storage engine keeps."""
        return Raw(_ESTIMATE, text_literal(table), exact)

    # ---- writes

    def assignments(self, assigned: list[tuple[FieldInfo, Sql, frozenset[str]]]) -> list[tuple[FieldInfo, Sql]]:
        """Assignments see those before them: each field is assigned after all that read it."""
        waiting = list(assigned)
        ordered: list[tuple[FieldInfo, Sql]] = []
        while waiting:
            free = [
                item for item in waiting if not any(item[0].name in other[2] for other in waiting if other is not item)
            ]
            if not free:
                if self.mariadb:
                    return super().assignments(assigned)
                names = ", ".join(item[0].name for item in waiting)
                raise self.refuse(f"an update in which {names} take each other's values", "read the rows and save them")
            ordered += [(field, value) for field, value, _ in free]
            waiting = [item for item in waiting if item not in free]
        return ordered

    def insert_texts(self, insert: InsertParts) -> dict[str, str]:
        head = f"INSERT INTO {insert.table} ({', '.join(insert.columns)}) VALUES "
        row = f"({', '.join(['%s'] * len(insert.columns))})"
        tail = f" ON DUPLICATE KEY UPDATE {insert.key} = {insert.key}" if insert.ignore_conflicts else ""
        texts = {"one": head + row + tail, "head": head, "row": row, "tail": tail}
        return texts if insert.conflict is None else texts | conflict_texts(insert.conflict, texts["one"])


def _of_mariadb(common: Capabilities) -> Capabilities:
    """What MariaDB can do beyond MySQL: look into documents, change the case of letters, round floats exactly."""
    unlike_jsonb = {Holding.JSON_CONTAINS, Holding.JSON_CONTAINED_BY}
    features = common.features | DOCUMENTS - {Feature.LOOSE_PATHS} | {Feature.ROUND_FLOATS}
    functions = common.functions | {Function.LOWER, Function.UPPER}
    return replace(common, features=features, functions=functions, holdings=frozenset(Holding) - unlike_jsonb)


_NOTHING: dict[type, str] = {
    TextKind: "''",
    ObjectIdKind: "''",
    BytesKind: "''",
    UuidKind: f"x'{'00' * 16}'",
    DateKind: "'1000-01-01'",
    TimeKind: "'00:00:00'",
    DateTimeKind: "'1000-01-01 00:00:00'",
    NaiveDateTimeKind: "'1000-01-01 00:00:00'",
}
_LITERAL = (22, 12)
"""Digits before and behind the point that a Decimal in an expression may have."""


def _literal_decimal(value: Decimal) -> Decimal:
    whole, places = _LITERAL
    _, _, exponent = value.as_tuple()
    if value and (value.adjusted() >= whole or (isinstance(exponent, int) and -exponent > places)):
        raise NotSupportedError(
            f"MySQL and MariaDB compute with decimals of {whole} digits before and {places} behind the point, "
            f"not with {value}"
        )
    return value


def _utc_text(moment: datetime) -> str:
    return moment.isoformat(" ", "microseconds")[:26]


def _utc_moment(text: str) -> datetime:
    return datetime.fromisoformat(text + "+00:00")


def _listed(dump: Convert | None) -> Convert:
    if dump is None:
        return Listed
    each = dump
    return lambda values: Listed([each(value) for value in values])
