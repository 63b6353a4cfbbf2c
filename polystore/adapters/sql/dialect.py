"""What differs between SQL databases when operations become text: one ``Dialect`` each, pure and without a driver.

Expressions are in *stored* form (as a column holds them) or in *working* form (as arithmetic wants them); the two
differ only where a database has no exact decimals.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct
from sqlalchemy import BindParameter, ColumnElement, Table, literal_column, true
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.sql.compiler import SQLCompiler

from polystore.adapters.base import undeclared
from polystore.adapters.sql.computing import Computing
from polystore.adapters.sql.documents import Documents
from polystore.adapters.sql.raw import Let
from polystore.adapters.sql.types import Codec, Convert, checked_int
from polystore.adapters.sql.upserts import ConflictParts, EachParts
from polystore.errors import NotSupportedError
from polystore.query.capabilities import Capabilities, Feature
from polystore.query.nodes import Order, Parameter, ParameterList
from polystore.query.operators import ArithmeticOperator, Operator, WindowFunction
from polystore.schema.kinds import DecimalKind, FloatKind, IntKind, Kind, PlainKind, plain_kind
from polystore.schema.model import FieldInfo, IndexInfo, Schema, UniqueInfo

if TYPE_CHECKING:
    from polystore.adapters.sql.conditions import Writer

Sql: TypeAlias = ColumnElement[Any]
Comparison: TypeAlias = Callable[[Sql, Sql], Sql]

COMPARISONS: dict[Operator, Comparison] = {
    Operator.EXACT: lambda left, right: left == right,
    Operator.GT: lambda left, right: left > right,
    Operator.GTE: lambda left, right: left >= right,
    Operator.LT: lambda left, right: left < right,
    Operator.LTE: lambda left, right: left <= right,
}
SYMBOLS = {Operator.EXACT: "=", Operator.GT: ">", Operator.GTE: ">=", Operator.LT: "<", Operator.LTE: "<="}
MIRRORED = {
    Operator.EXACT: Operator.EXACT,
    Operator.GT: Operator.LT,
    Operator.GTE: Operator.LTE,
    Operator.LT: Operator.GT,
    Operator.LTE: Operator.GTE,
}


class Dialect(Computing, Documents):
    """How one database writes what operations say."""

    name: str
    title: str
    capabilities: Capabilities
    sql: DefaultDialect
    index_if_not_exists = True
    distinct_on = False
    """Whether DISTINCT ON takes the first row for each combination of some columns."""
    mark = "%s"
    """How a text says where a value goes."""
    left_alone = r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/"
    """The parts of handwritten SQL in which no parameter stands, as a regular expression: texts, names, comments."""
    stores_decimals = True
    """Whether columns of decimals with fixed places compare with the driver's decimals."""
    no_limit: int | None = None
    """What LIMIT takes for all rows."""
    slices_in_lists = True
    """Whether a query behind IN may be a slice."""
    order_refers = True
    """Whether a query within another one may be in an order that refers to the row around."""
    reads_changed = True
    """Whether a query within an update or delete may read the model whose rows change."""
    reads_as_it_was = True
    """Whether a query that gives an update its values meets all rows as they were."""
    derived_tables_refer = True
    """Whether a table that is selected from a query may refer to a row around that."""
    shares: Mapping[WindowFunction, str] = {}
    """Shares of rows as templates, where the database has no exact ones; ``{0}`` is the window, ``{1}`` all rows."""
    name_length: int
    """The longest name of a table, column or index in bytes."""

    def __init__(self) -> None:
        self._codecs: Callable[[PlainKind], Codec] = cache(self.make_codec)

    def codec(self, kind: Kind) -> Codec:
        """How a field of this kind is stored."""
        return self._codecs(plain_kind(kind))

    @abstractmethod
    def make_codec(self, kind: PlainKind) -> Codec:
        """The codec of one kind, asked for once."""

    # ---- tables

    @abstractmethod
    def check(self, schema: Schema) -> None:
        """Refuses a schema that the database cannot hold."""

    @abstractmethod
    def column_options(self, schema: Schema, field: FieldInfo) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """What a column says beyond type and nullability, as arguments of SQLAlchemy's Column."""

    def column_type(self, schema: Schema, field: FieldInfo, collation: str | None) -> Any:
        """The type of a column in its table; ``collation`` is the text collation of the server met."""
        return self.codec(field.kind).column

    def unique_options(self, unique: UniqueInfo) -> dict[str, Any]:
        """What a unique constraint says beyond its columns."""
        return {}

    def unique_terms(self, schema: Schema, table: Table, unique: UniqueInfo) -> list[Any] | None:
        """The terms of a unique index that does what no constraint can; None where a constraint serves."""
        return None

    @abstractmethod
    def index_terms(self, schema: Schema, table: Table, index: IndexInfo) -> tuple[list[Any], dict[str, Any]]:
        """The terms and the options of an index."""

    # ---- expressions

    def same_storage(self, left: Kind, right: Kind) -> bool:
        """Whether stored values of the kinds compare and copy as they are."""
        left, right = plain_kind(left), plain_kind(right)
        if isinstance(left, DecimalKind) and isinstance(right, DecimalKind):
            return left.decimal_places == right.decimal_places and self._same_decimal(left, right)
        return type(left) is type(right)

    def _same_decimal(self, left: DecimalKind, right: DecimalKind) -> bool:
        return True

    def working(self, stored: Sql, kind: Kind) -> Sql:
        """A stored value in working form."""
        return stored

    def working_value(self, bound: BindParameter[Any], kind: Kind) -> Sql:
        """A parameter in working form."""
        return bound

    def working_dump(self, kind: Kind) -> Convert | None:
        """From a plain number to what ``working_value`` is bound to."""
        return checked_int if isinstance(plain_kind(kind), IntKind) else None

    def store(self, field: FieldInfo, working: Sql, kind: Kind) -> Sql:
        """A working value of ``kind`` as the field stores it."""
        return working

    int_with_float: str | None = None
    """The exact comparison ``{op}`` of an int with a float, where the database's own rounds the int."""

    def compare(self, operator: Operator, left: Sql, left_kind: Kind, right: Sql, right_kind: Kind) -> Sql:
        """A comparison of two working values, exact whatever their kinds."""
        if self.int_with_float is not None:
            if isinstance(left_kind, IntKind) and isinstance(right_kind, FloatKind):
                return Let(self.int_with_float.replace("{op}", SYMBOLS[operator]), left, right)
            if isinstance(left_kind, FloatKind) and isinstance(right_kind, IntKind):
                return Let(self.int_with_float.replace("{op}", SYMBOLS[MIRRORED[operator]]), right, left)
        return COMPARISONS[operator](left, right)

    @abstractmethod
    def arithmetic(
        self,
        operator: ArithmeticOperator,
        left: Sql,
        left_kind: Kind,
        right: Sql,
        right_kind: Kind,
        kind: Kind,
    ) -> Sql:
        """Arithmetic on working values with the reference's overflow and division rules."""

    @abstractmethod
    def text_value(
        self, writer: Writer, operator: Operator, left: Sql, field: FieldInfo | None, value: Parameter
    ) -> Sql:
        """A text lookup with a value; in a ``field`` unless the text is computed."""

    @abstractmethod
    def text_pair(self, operator: Operator, left: Sql, right: Sql) -> Sql:
        """A text lookup between two texts of a row."""

    @abstractmethod
    def within(self, writer: Writer, left: Sql, kind: Kind, dump: Convert | None, values: ParameterList) -> Sql:
        """Membership in a list of values, each of which ``dump`` makes comparable with ``left``."""

    def order(self, value: Sql, term: Order, *, nullable: bool) -> list[Any]:
        """One term of an ordering, NULL lowest unless the term says otherwise."""
        directed = value.desc() if term.descending else value.asc()
        match term.nulls:
            case "first":
                return [directed.nulls_first()]
            case "last":
                return [directed.nulls_last()]
            case None:
                return [directed]

    def assignments(self, assigned: list[tuple[FieldInfo, Sql, frozenset[str]]]) -> list[tuple[FieldInfo, Sql]]:
        """The assignments of an UPDATE in an order that gives each the row as it was."""
        return [(field, value) for field, value, _ in assigned]

    def not_true(self, condition: Sql) -> Sql:
        """The condition is false or NULL."""
        return condition.self_group().is_not(true())

    def native(self, text: str) -> Any:
        """A statement's text as the driver takes it with the least work."""
        return text

    def estimate(self, table: str, quoted: str, exact: Sql) -> Sql:
        """About how many rows a table has: the exact number where the database has no idea."""
        return undeclared(Feature.COUNT_ESTIMATE)

    # ---- writes

    @abstractmethod
    def insert_texts(self, insert: InsertParts) -> dict[str, str]:
        """The texts of an INSERT, by the use that the backend makes of them."""

    def many_text(self, parts: EachParts) -> str | None:
        """An update of many rows by their keys that takes a list of each column; None where there is none."""
        return None

    def refuse(self, what: str, remedy: str) -> NotSupportedError:
        """The error for what this database cannot do."""
        return NotSupportedError(f"{self.title} cannot do {what}; {remedy}")


def text_literal(text: str) -> Sql:
    """A name as a text of SQL; never a value."""
    escaped = text.replace("'", "''")
    return literal_column(f"'{escaped}'")


class InsertParts(Struct, frozen=True):
    """What the texts of an INSERT are made of; names are quoted where they have to be."""

    schema: Schema
    table: str
    columns: tuple[str, ...]
    key: str
    allocates: bool
    ignore_conflicts: bool
    conflict: ConflictParts | None = None


def limit_text(compiler: SQLCompiler, select: Any, options: dict[str, Any]) -> str:
    """``LIMIT n OFFSET m`` with what the statement has of it, for SQLAlchemy's compilers."""
    text = ""
    if select._limit_clause is not None:
        text += f" LIMIT {compiler.process(select._limit_clause, **options)}"
    if select._offset_clause is not None:
        text += f" OFFSET {compiler.process(select._offset_clause, **options)}"
    return text


def short_name(name: str, length: int) -> str:
    """The name, or where the database would cut it, its beginning and a hash of the whole."""
    data = name.encode()
    if len(data) <= length:
        return name
    digest = sha256(data).hexdigest()[:8]
    return f"{data[: length - 9].decode(errors='ignore')}_{digest}"
