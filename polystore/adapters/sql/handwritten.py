"""SQL that users write: where its parameters stand, and how their values are bound.

A parameter is ``:name``, or ``:1``, ``:2`` for a sequence of values. Texts, quoted names and comments are left alone,
and so are ``::`` and a colon behind a word or a number; a backslash before it makes a colon of one. Values are always
bound, never written into the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct

from polystore.adapters.base import RawRows, Source
from polystore.adapters.sql.dialect import Dialect
from polystore.adapters.sql.prepared import Action, Command, Statement
from polystore.errors import FieldError, QueryUsageError, suggestion
from polystore.query.literals import literal, literal_kind
from polystore.schema.kinds import DecimalKind
from polystore.schema.model import FieldInfo, Schema

_VERBS = ("SELECT", "WITH", "VALUES", "TABLE", "INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE")
_WRITES = _VERBS[4:]
_RETURNING = re.compile(r"\bRETURNING\b", re.IGNORECASE)
_FIRST_WORD = re.compile(r"(?:\s|\(|--[^\n]*\n|/\*.*?\*/)*([A-Za-z]*)", re.DOTALL)
_PARAMETER = r"(?<![\w:\\]):(?P<name>[A-Za-z_]\w*|\d+)"
_REST = rf"(?P<colon>\\:)|(?P<end>;(?=\s*[^\s;]))|{_PARAMETER}|(?P<mark>[%?])"


class HandwrittenQuery(Struct, frozen=True, eq=False):
    """A query in SQL with its values."""

    dialect: Dialect
    command: Command
    text: str
    fields: Mapping[str, FieldInfo]

    def sources(self, answer: RawRows, fields: Sequence[FieldInfo | None]) -> tuple[Source, ...]:
        """The columns by their places, each read by its field's codec."""
        codec = self.dialect.codec
        return tuple(
            Source(place, answer.loads[place] if field is None else codec(field.kind).load)
            for place, field in enumerate(fields)
        )


def handwritten(dialect: Dialect, schema: Schema, query: Any, parameters: Any) -> HandwrittenQuery:
    """The query made ready.

    Raises:
        QueryUsageError: no text, several statements, a statement that answers no rows, or values that do not fit.
    """
    where = f"{schema.name}: raw()"
    if not isinstance(query, str):
        raise QueryUsageError(f"{where} takes a query in SQL as text on {dialect.title}, not {query!r}")
    found = _FIRST_WORD.match(query)
    verb = "" if found is None else found[1].upper()
    if verb not in _VERBS:
        raise QueryUsageError(
            f"{where} takes a query that answers rows, such as SELECT, not {verb or query!r}; "
            "store.sql() is for all else"
        )
    values = _values_by_name(where, parameters)
    pieces = _pieces(dialect, query)
    if verb in _WRITES and not any(_RETURNING.search(piece.text) for piece in pieces):
        raise QueryUsageError(f"{where} takes a query that answers rows: {verb} needs RETURNING, or is for store.sql()")
    names = [piece.name for piece in pieces if piece.name is not None]
    _refuse_other_names(where, names, values)
    if any(piece.ends for piece in pieces):
        raise QueryUsageError(f"{where} takes one statement; another one follows a semicolon")
    text, bound = _written(dialect, where, pieces, values)
    statement = Statement(schema, Action.RAW, text, dialect.native(text), tuple)
    fields = {info.column: info for info in schema.fields}
    return HandwrittenQuery(dialect, (statement, bound), query, fields)


# ---- taking the text apart


class _Piece(Struct, frozen=True):
    """A part of a query: text, or the parameter ``name``; ``ends`` a statement that another one follows."""

    text: str
    name: str | None = None
    ends: bool = False
    marks: bool = False


@lru_cache(maxsize=512)
def _pieces(dialect: Dialect, query: str) -> tuple[_Piece, ...]:
    pattern = re.compile(rf"(?P<whole>{dialect.left_alone})|{_REST}", re.DOTALL)
    return tuple(_split(pattern, query))


def _split(pattern: re.Pattern[str], query: str) -> Iterator[_Piece]:
    done = 0
    for found in pattern.finditer(query):
        if found.start() > done:
            yield _Piece(query[done : found.start()])
        done = found.end()
        name = found["name"]
        if name is not None:
            yield _Piece(found[0], name)
        elif found["colon"] is not None:
            yield _Piece(":")
        else:
            yield _Piece(found[0], ends=found["end"] is not None, marks=found["mark"] == "?")
    if done < len(query):
        yield _Piece(query[done:])


# ---- values


def _values_by_name(where: str, parameters: Any) -> dict[str, Any]:
    """The values by the names of their parameters."""
    if isinstance(parameters, Mapping):
        return {str(name): value for name, value in parameters.items()}
    if isinstance(parameters, str | bytes) or not isinstance(parameters, Sequence):
        raise QueryUsageError(
            f"{where} takes values for :name as a dict, for :1, :2 as a list or tuple, not {parameters!r}"
        )
    return {str(number): value for number, value in enumerate(parameters, 1)}


def _refuse_other_names(where: str, names: Sequence[str], values: Mapping[str, Any]) -> None:
    for name in names:
        if name not in values:
            near = suggestion(name, values)
            raise QueryUsageError(f"{where} has no value for :{name}; write \\: for a colon that is none{near}")
    for name in values:
        if name not in names:
            raise QueryUsageError(
                f"{where} has a value for :{name}, which the query does not name; parameters are written :name for a "
                "dict, :1, :2 for a list"
            )


def _written(
    dialect: Dialect, where: str, pieces: Sequence[_Piece], values: Mapping[str, Any]
) -> tuple[str, tuple[Any, ...]]:
    """The text as the driver takes it, and the values in the order of their marks."""
    mark, escaped = dialect.mark, dialect.mark == "%s"
    parts: list[str] = []
    bound: list[Any] = []
    for piece in pieces:
        if piece.name is None:
            if piece.marks and not escaped:
                raise QueryUsageError(f"{where} does not know the parameter ?; write :1, :2 or :name")
            parts.append(piece.text.replace("%", "%%") if escaped else piece.text)
            continue
        value = values[piece.name]
        if isinstance(value, list | tuple | set | frozenset):
            if not value:
                raise QueryUsageError(f"{where}: :{piece.name} is an empty list, for which SQL has no words")
            parts.append(f"({', '.join([mark] * len(value))})")
            bound += [_bound(dialect, where, piece.name, each) for each in value]
        else:
            parts.append(mark)
            bound.append(_bound(dialect, where, piece.name, value))
    return "".join(parts), tuple(bound)


def _bound(dialect: Dialect, where: str, name: str, value: Any) -> Any:
    """A value as a field of its type stores it."""
    if value is None:
        return None
    try:
        tag, plain = literal(f"{where}: :{name}", value)
    except FieldError as error:
        raise QueryUsageError(str(error)) from None
    kind = literal_kind(tag)
    if isinstance(kind, DecimalKind):
        if dialect.stores_decimals:
            return plain
        raise QueryUsageError(
            f"{where}: :{name} is a Decimal, which {dialect.title} keeps as a scaled int or as text, by its field; "
            "filter() compares them"
        )
    dump = dialect.codec(kind).dump
    return plain if dump is None else dump(plain)
