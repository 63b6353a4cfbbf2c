"""How PostgreSQL writes what operations say."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Double,
    Identity,
    LargeBinary,
    Numeric,
    String,
    Table,
    Text,
    Time,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.base import PGDialect

from polystore.adapters.sql.conditions import Writer
from polystore.adapters.sql.dialect import Dialect, InsertParts, Sql, text_literal
from polystore.adapters.sql.expressions import Slot
from polystore.adapters.sql.patterns import LIKE_ESCAPE, escape_like, like_pattern, regular_expression
from polystore.adapters.sql.postgresql import naming  # noqa: F401  # how templates are written here
from polystore.adapters.sql.postgresql.computing import TYPES, PostgresqlComputing
from polystore.adapters.sql.postgresql.documents import PostgresqlDocuments
from polystore.adapters.sql.postgresql.jsonb import jsonb_dump
from polystore.adapters.sql.postgresql.templates import (
    BUMP,
    FLOAT_MODULO,
    FOLDED_PAIRS,
    INDEXED_FOLD,
    INT_WITH_FLOAT,
    INTEGER,
    PAIRS,
    TO_DIGITS,
    TO_PLACES,
    fold_template,
)
from polystore.adapters.sql.raw import Let, Raw
from polystore.adapters.sql.types import (
    Codec,
    Convert,
    iso_time,
    json_load,
    microseconds,
    sized,
    spaced_iso,
    span_of,
)
from polystore.adapters.sql.upserts import EachParts, on_conflict_text
from polystore.errors import NotSupportedError
from polystore.query.capabilities import EVERYTHING, Capabilities, Feature
from polystore.query.nodes import Order, Parameter, ParameterList
from polystore.query.operators import ArithmeticOperator, Operator
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
from polystore.schema.plain import normaliser

_LIKE = (Operator.CONTAINS, Operator.STARTSWITH, Operator.ENDSWITH)
_DIVISION_PLACES = 250

_ESTIMATE = (
    "(SELECT CASE WHEN reltuples > 0 THEN CAST(reltuples AS bigint) ELSE {1} END FROM pg_class "
    "WHERE oid = to_regclass({0}))"
)


class PostgresqlDialect(PostgresqlComputing, PostgresqlDocuments, Dialect):
    """PostgreSQL 13 or newer."""

    name = "postgresql"
    title = "PostgreSQL"
    capabilities = Capabilities(
        EVERYTHING.operators,
        EVERYTHING.date_parts,
        EVERYTHING.arithmetic,
        EVERYTHING.features - {Feature.TTL} | {Feature.ANALYZE, Feature.RAW, Feature.ROW_LOCKS, Feature.LOCK_NO_KEY},
        EVERYTHING.functions,
        EVERYTHING.aggregates,
        EVERYTHING.holdings,
        windows=EVERYTHING.windows,
    )
    int_with_float = INT_WITH_FLOAT
    left_alone = (
        r"\b[eE]'(?:[^'\\]|''|\\.)*'|" + Dialect.left_alone + r"|(?P<dollar>\$(?:[A-Za-z_]\w*)?\$).*?(?P=dollar)"
    )
    name_length = 63
    distinct_on = True

    def __init__(self) -> None:
        super().__init__()
        self.sql = PGDialect(paramstyle="format")  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped

    def make_codec(self, kind: PlainKind) -> Codec:
        match kind:
            case BoolKind():
                return Codec(Boolean())
            case IntKind():
                return Codec(BigInteger())
            case FloatKind():
                return Codec(Double())
            case DecimalKind():
                size = sized(kind)
                return Codec(Numeric(*size)) if size else Codec(Numeric(), None, normaliser(kind.max_digits, None))
            case TextKind():
                return Codec(Text(collation="C"))
            case ObjectIdKind():
                return Codec(String(24, collation="C"))
            case BytesKind():
                return Codec(LargeBinary())
            case DateKind():
                return Codec(Date(), date.isoformat)
            case TimeKind():
                return Codec(Time(), iso_time)
            case DateTimeKind():
                return Codec(DateTime(timezone=True), spaced_iso)
            case NaiveDateTimeKind():
                return Codec(DateTime(), spaced_iso)
            case DurationKind():
                return Codec(BigInteger(), microseconds, span_of)
            case UuidKind():
                return Codec(Uuid())
            case _:
                return Codec(JSONB(), jsonb_dump(kind), json_load(kind))

    # ---- tables

    def check(self, schema: Schema) -> None:
        if schema.ttl is not None:
            raise NotSupportedError(
                f"{schema.name}: PostgreSQL keeps rows until they are deleted, so Meta.ttl has no effect there; "
                "put the model on Redis or MongoDB, or drop the ttl"
            )

    def column_options(self, schema: Schema, field: FieldInfo) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return ((Identity(always=False),), {}) if field.auto else ((), {"autoincrement": False})

    def unique_options(self, unique: UniqueInfo) -> dict[str, Any]:
        return {} if unique.nulls_distinct else {"postgresql_nulls_not_distinct": True}

    def index_terms(self, schema: Schema, table: Table, index: IndexInfo) -> tuple[list[Any], dict[str, Any]]:
        terms: list[Any] = []
        for name, descending in zip(index.fields, index.descending, strict=True):
            field = schema.field(name)
            column: Sql = table.c[field.column]
            if index.casefold and isinstance(plain_kind(field.kind), TextKind):
                column = Raw(INDEXED_FOLD, column)
            terms.append(_directed(column, descending, field.null))
        return terms, {}

    def order(self, value: Sql, term: Order, *, nullable: bool) -> list[Any]:
        if term.nulls is None:
            return [_directed(value, term.descending, nullable)]
        return super().order(value, term, nullable=nullable)

    # ---- numbers

    def _same_decimal(self, left: DecimalKind, right: DecimalKind) -> bool:
        return left.decimal_places is not None

    def working_value(self, bound: Any, kind: Kind) -> Sql:
        name = TYPES[type(plain_kind(kind))]
        return Raw('(CAST({0} AS text) COLLATE "C")' if name == "text" else f"CAST({{0}} AS {name})", bound)

    def store(self, field: FieldInfo, working: Sql, kind: Kind) -> Sql:
        target = plain_kind(field.kind)
        if not isinstance(target, DecimalKind) or isinstance(kind, IntKind):
            return working
        if target.decimal_places is None:
            return Raw(TO_DIGITS, working, _number(target.max_digits + 2))
        return Raw(TO_PLACES, working, _number(target.decimal_places))

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
            return _decimal_arithmetic(operator, left, right)
        if isinstance(kind, IntKind):
            return Raw(INTEGER[operator], left, right)
        if isinstance(left_kind, IntKind) and isinstance(right_kind, IntKind):
            return Raw("CAST(round(CAST({0} AS numeric), 60) / {1} AS double precision)", left, right)
        if operator is ArithmeticOperator.MODULO:
            return Raw(FLOAT_MODULO, left, right)
        computed = Let(
            f"(CAST({{0}} AS double precision) {operator.value} CAST({{1}} AS double precision) + 0)",
            left,
            right,
        )
        return Let("(CASE WHEN {0} = 'NaN'::float8 THEN CAST({0} AS bigint) ELSE {0} END)", computed)

    # ---- lookups

    def text_value(
        self, writer: Writer, operator: Operator, left: Sql, field: FieldInfo | None, value: Parameter
    ) -> Sql:
        if operator in _LIKE:
            return left.like(writer.bind(value, _like(operator)), escape=LIKE_ESCAPE)
        exact = Raw("({0} ~ {1})", left, writer.bind(value, regular_expression(operator, "posix")))
        if operator in (Operator.IEXACT, Operator.ISTARTSWITH) and _has_folded_index(writer.schema, field):
            return self._indexed(writer, operator, left, value) & exact
        return exact

    def _indexed(self, writer: Writer, operator: Operator, left: Sql, value: Parameter) -> Sql:
        folded = Raw(INDEXED_FOLD, left)
        if operator is Operator.IEXACT:
            return folded == Raw(INDEXED_FOLD, Raw("CAST({0} AS text)", writer.bind(value, None)))
        escaped = Raw("CAST({0} AS text)", writer.bind(value, escape_like))
        return Raw(f"({{0}} LIKE {{1}} || '%%' ESCAPE '{LIKE_ESCAPE}')", folded, Raw(INDEXED_FOLD, escaped))

    def text_pair(self, operator: Operator, left: Sql, right: Sql) -> Sql:
        template = PAIRS.get(operator)
        if template is None:
            fold, template = fold_template(), FOLDED_PAIRS[operator]
            left, right = Raw(fold, left), Raw(fold, right)
        return Raw(template, left, right)

    def within(self, writer: Writer, left: Sql, kind: Kind, dump: Convert | None, values: ParameterList) -> Sql:
        if values.size == 1:
            return left == writer.place(Slot(values.index, dump, 0))
        bound = writer.place(Slot(values.index, _listed(dump)))
        return Raw(f"({{0}} = ANY(CAST({{1}} AS {TYPES[type(plain_kind(kind))]}[])))", left, bound)

    def native(self, text: str) -> bytes:
        return text.encode()

    def estimate(self, table: str, quoted: str, exact: Sql) -> Sql:
        """The number that VACUUM and ANALYZE keep."""
        return Raw(_ESTIMATE, text_literal(quoted), exact)

    # ---- writes

    def insert_texts(self, insert: InsertParts) -> dict[str, str]:
        columns = ", ".join(insert.columns)
        marks = ", ".join(["%s"] * len(insert.columns))
        values = f"({columns}) VALUES ({marks})" if columns else "DEFAULT VALUES"
        one = f"INSERT INTO {insert.table} {values}"
        if insert.ignore_conflicts:
            one += " ON CONFLICT DO NOTHING"
        key = insert.schema.primary_key
        if insert.conflict is not None:
            one += on_conflict_text(insert.conflict)
        elif insert.allocates:
            one += f" RETURNING {insert.key}"
        sequence = f"pg_get_serial_sequence({_literal(insert.table)}, {_literal(key.column)})"
        keys = f"SELECT nextval({sequence}) AS key FROM generate_series(1, %s)"
        return {
            "one": one,
            "keys": keys,
            "range": f"SELECT min(key), max(key) FROM ({keys}) AS drawn",
            "bump": BUMP.format(sequence=sequence),
            "copy": f"COPY {insert.table} ({columns}) FROM STDIN",
            "copy_keyed": f"COPY {insert.table} ({', '.join((insert.key, *insert.columns))}) FROM STDIN",
        }

    def many_text(self, parts: EachParts) -> str:
        sets = [f"{name} = given.v{place}" for place, name in enumerate(parts.names)]
        taken = [_array(field) for field in parts.fields] + [_array(parts.key)]
        names = [f"v{place}" for place in range(len(sets))] + ["key"]
        found = f"{parts.table}.{parts.key_name} = given.key"
        if parts.version is not None:
            sets.append(f"{parts.version} = {parts.table}.{parts.version} + 1")
            taken.append("CAST(%s AS bigint[])")
            names.append("version")
            found += f" AND {parts.table}.{parts.version} = given.version"
        return (
            f"UPDATE {parts.table} SET {', '.join(sets)} FROM unnest({', '.join(taken)}) "
            f"WITH ORDINALITY AS given({', '.join(names)}, place) WHERE {found} RETURNING given.place"
        )


def _array(field: FieldInfo) -> str:
    return f"CAST(%s AS {TYPES.get(type(plain_kind(field.kind)), 'jsonb')}[])"


def _decimal_arithmetic(operator: ArithmeticOperator, left: Sql, right: Sql) -> Sql:
    match operator:
        case ArithmeticOperator.DIVIDE:
            return Raw(f"(round(CAST({{0}} AS numeric), {_DIVISION_PLACES}) / {{1}})", left, right)
        case ArithmeticOperator.MODULO:
            return Raw("mod(CAST({0} AS numeric), CAST({1} AS numeric))", left, right)
        case _:
            return Raw(f"(CAST({{0}} AS numeric) {operator.value} {{1}})", left, right)


def _directed(column: Any, descending: bool, nullable: bool) -> Any:
    """NULL is the lowest value here, the highest to PostgreSQL."""
    if descending:
        return column.desc().nulls_last() if nullable else column.desc()
    return column.asc().nulls_first() if nullable else column.asc()


def _has_folded_index(schema: Schema, field: FieldInfo | None) -> bool:
    return field is not None and any(index.casefold and index.fields[0] == field.name for index in schema.indexes)


def _like(operator: Operator) -> Convert:
    return lambda text: like_pattern(operator, text)


def _listed(dump: Convert | None) -> Convert:
    if dump is None:
        return list
    each = dump
    return lambda values: [each(value) for value in values]


def _number(value: int) -> Sql:
    return Raw(str(value))


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
