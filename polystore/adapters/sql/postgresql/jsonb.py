"""Structured values as the text that jsonb keeps exactly."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import msgspec

from polystore.adapters.sql.types import Convert
from polystore.schema.document import document_dump
from polystore.schema.kinds import Kind

_EXPONENT = re.compile(r"\d[eE]\+?\d")


def jsonb_dump(kind: Kind) -> Convert:
    """The function from a plain container to JSON text that jsonb gives back with floats as floats.

    jsonb keeps numbers as exact decimals: ``1e17`` would come back as the int 100000000000000000.
    """
    encode, convert = msgspec.json.encode, document_dump(kind)

    def dump(value: Any) -> str:
        data = value if convert is None else convert(value)
        text = encode(data).decode()
        return encode(_without_exponents(data)).decode() if _EXPONENT.search(text) else text

    return dump


def _without_exponents(data: Any) -> Any:
    match data:
        case float() if abs(data) >= 1e15:
            digits = f"{Decimal(data):f}"
            return msgspec.Raw((digits if "." in digits else f"{digits}.0").encode())
        case list():
            return [_without_exponents(item) for item in data]
        case dict():
            return {key: _without_exponents(item) for key, item in data.items()}
        case _:
            return data
