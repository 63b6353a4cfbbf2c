"""One model with a field of every kind, and values that stores like to get wrong."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

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
    ObjectIdKind,
    TextKind,
    TimeKind,
    UuidKind,
)
from polystore.schema.model import FieldInfo, IndexInfo, Schema, UniqueInfo

INF = float("inf")

KINDS: dict[str, Kind] = {
    "n": IntKind(),
    "m": IntKind(),
    "f": FloatKind(),
    "g": FloatKind(),
    "ok": BoolKind(),
    "price": DecimalKind(10, 2),
    "rate": DecimalKind(12, 4),
    "big": DecimalKind(30, 10),
    "loose": DecimalKind(),
    "text": TextKind(),
    "word": TextKind(60),
    "data": BytesKind(),
    "day": DateKind(),
    "at": TimeKind(),
    "moment": DateTimeKind(),
    "wall": NaiveDateTimeKind(),
    "span": DurationKind(),
    "uid": UuidKind(),
    "oid": ObjectIdKind(),
    "doc": JsonKind(),
    "tags": ListKind(DecimalKind()),
}
REQUIRED = {"count": IntKind(), "name": TextKind(40), "amount": DecimalKind(10, 2)}

FOLDED_ALIKE = [
    "sS\u017f",
    "kK\u212a",
    "\xe5\xc5\u212b",
    "\u03c3\u03c2\u03a3",
    "\xdf\u1e9e",
    "\u0130",
    "\u0131",
    "iI",
    "\u13a0\uab70",
]
TEXTS = [
    *"".join(FOLDED_ALIKE),
    "",
    "a",
    "A",
    "ab",
    "aB",
    "b",
    "10",
    "9",
    "\xe9",
    "\xc9",
    "e\u0301",
    "ss",
    "S",
    "K",
    "k",
    "I",
    "i",
    "%",
    "_",
    "a%b",
    "a_b",
    "a\\b",
    "!",
    "'",
    '"',
    "a'b",
    " a",
    "a ",
    "a  ",
    "\n",
    "a\nb",
    "x\U0001f600",
    "\U0010ffff",
    "\ud7ff",
    "\ue000",
    "\xb5",
    "\u03bc",
    "\u01c6",
    "\u01c5",
    "\u01c4",
    "$1",
    "?",
    ":p",
    "%s",
    "--",
    "NULL",
]
INTS = [-(2**63), -(2**53) - 1, -7, -3, -1, 0, 1, 2, 3, 7, 12, 2**31, 2**53 + 1, 2**63 - 1]
FLOATS = [
    -1e308,
    -2.5,
    -1.0,
    -5e-324,
    0.0,
    0.1,
    0.2,
    0.30000000000000004,
    0.5,
    1.0,
    2.0,
    2.5,
    7.0,
    1e16,
    2.0**53,
    2.0**63,
    1.7976931348623157e308,
]


def _money(*values: str) -> list[Decimal]:
    return [Decimal(value) for value in values]


POOLS: dict[str, list[Any]] = {
    "n": INTS,
    "m": INTS,
    "f": FLOATS,
    "g": FLOATS,
    "ok": [True, False],
    "price": _money(
        "-99999999.99", "-1.10", "-0.01", "0.00", "0.01", "0.05", "1.00", "1.10", "2.50", "2.75", "99999999.99"
    ),
    "rate": _money("-1.1000", "0.0000", "0.0050", "0.0150", "1.0000", "1.1000", "2.5000", "99999999.9999"),
    "big": _money(
        "-12345678901234567890.1234567891",
        "-0.0000000001",
        "0.0000000000",
        "1.1000000000",
        "2.5000000000",
        "12345678901234567890.1234567891",
    ),
    "loose": _money(
        "-1E-100",
        "-12.5",
        "0",
        "1E-100",
        "0.1",
        "1.1",
        "2.5",
        "10",
        "100",
        "1E+100",
        "1234567890123456789012345678901234",
    ),
    "text": TEXTS,
    "word": TEXTS,
    "data": [b"", b"\x00", b"a", b"a\x00", b"a\x00b", b"A", b"\xff", b"\xfe\xff", b"'", b"%"],
    "day": [
        date(1, 1, 1),
        date(1899, 12, 31),
        date(1900, 1, 1),
        date(2020, 2, 29),
        date(2020, 12, 31),
        date(2021, 1, 3),
        date(2024, 12, 30),
        date(2026, 1, 1),
        date(9999, 12, 31),
    ],
    "at": [time(0), time(0, 0, 0, 1), time(9, 30), time(12, 0, 59, 999999), time(23, 59, 59, 999999)],
    "moment": [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999999, UTC),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2020, 2, 29, 12, 30, 15, 123456, UTC),
        datetime(2024, 12, 30, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, UTC),
    ],
    "wall": [
        datetime(1, 1, 1),
        datetime(2020, 2, 29, 12, 30, 15, 123456),
        datetime(2021, 1, 3, 23),
        datetime(9999, 12, 31, 23, 59, 59, 999999),
    ],
    "span": [
        timedelta(microseconds=-(2**63)),
        timedelta(-1),
        timedelta(0),
        timedelta(microseconds=1),
        timedelta(1),
        timedelta(microseconds=2**63 - 1),
    ],
    "uid": [UUID(int=0), UUID(int=1), UUID("12345678-1234-5678-1234-567812345678"), UUID(int=2**128 - 1)],
    "oid": ["0" * 24, "5f" * 12, "f" * 24],
    "doc": [
        {},
        [],
        {"a": 1, "b": [1.0, None, True]},
        [1e17, 1.5e300, 1e-7, 5e-324, -0.5],
        "text é",
        {"e": "1e17 \\ \" '"},
        5,
        0.1,
        False,
    ],
    "tags": [[], [Decimal("1.10")], [Decimal("1"), Decimal("2.50")]],
    "count": [-7, -1, 0, 1, 2, 3, 7],
    "name": TEXTS,
    "amount": _money("-2.50", "0.00", "0.01", "0.05", "1.10", "2.50"),
}


PATTERNS = [
    *(r"a", r"^a", r"a$", r"[a-c]", r"\d+", r"\w", r"^$", r"a|b", r"(a|b)c?", r".", r"\s", r"[^a]"),
    *(r"a{1,2}", r"\W", r"%", r"\.", r"k", r"ss?", "\xe9", "[\xe9\xdf]", "\u03c3"),
]
LITERALS: list[tuple[Kind, list[Any]]] = [
    (IntKind(), [0, 1, 2, 3, -3, 10, 2**62]),
    (FloatKind(), [0.5, 2.0, -1.5, 1e300]),
    (DecimalKind(), _money("2", "0.5", "1.10", "-3")),
]


def _field(model: str, name: str, kind: Kind, position: int, **options: Any) -> FieldInfo:
    return FieldInfo(model, name, options.pop("column", name), kind, position, **options)


def make_schema(table: str = "item", **options: Any) -> Schema:
    """Item, with an allocated key, required and optional fields; a few columns are named unlike their fields."""
    columns = {"text": "order", "m": "select", "word": "p0"}
    fields = [_field("Item", "id", IntKind(), 0, primary_key=True, auto=True)]
    for name, kind in (REQUIRED | KINDS).items():
        fields.append(_field("Item", name, kind, len(fields), null=name in KINDS, column=columns.get(name, name)))
    return Schema("Item", table, tuple(fields), **options)


ITEM = make_schema()

LABEL = Schema(
    "Label",
    "label",
    (
        _field("Label", "id", IntKind(), 0, primary_key=True, auto=True),
        _field("Label", "title", TextKind(40), 1, unique=True),
        _field("Label", "owner", IntKind(), 2, null=True, index=True),
        _field("Label", "rank", IntKind(), 3, null=True),
    ),
    indexes=(
        IndexInfo(("owner",), (False,), "label_owner_idx"),
        IndexInfo(("rank", "title"), (True, False), "label_rank_title_idx"),
        IndexInfo(("title",), (False,), "label_title_fold", casefold=True),
    ),
    uniques=(UniqueInfo(("title",), "label_title_key"), UniqueInfo(("owner", "rank"), "label_owner_rank_key")),
)

TOKEN = Schema(
    "Token",
    "token",
    (
        _field("Token", "key", TextKind(), 0, primary_key=True),
        _field("Token", "value", IntKind(), 1, null=True),
    ),
)
