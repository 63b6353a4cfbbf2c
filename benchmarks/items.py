"""The rows that everybody reads and writes: ten thousand items of eleven columns, the same in every run."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

NAMES = (
    "id",
    "name",
    "category",
    "description",
    "quantity",
    "weight",
    "active",
    "price",
    "created",
    "attributes",
    "owner_id",
)
ROWS = 10_000
OWNERS = ROWS // 10
FIRST_NEW = 1_000_000
"""Keys from here on belong to rows that an insert has made; they are deleted after each round."""

_START = datetime(2024, 1, 1, tzinfo=UTC)
_LETTERS = "abcdefghijklmnopqrstuvwxyz "


def item(key: int) -> dict[str, Any]:
    """The values of one item; moments have whole seconds, which every store keeps."""
    chance = random.Random(key)
    return {
        "id": key,
        "name": f"item {key}",
        "category": chance.choice(("book", "tool", "toy", "garden", "music")),
        "description": "".join(chance.choices(_LETTERS, k=200)),
        "quantity": chance.randrange(1000),
        "weight": chance.randrange(1, 100_000) / 64,
        "active": chance.random() < 0.5,
        "price": Decimal(chance.randrange(1, 10_000_000)).scaleb(-2),
        "created": _START + timedelta(seconds=chance.randrange(50_000_000)),
        "attributes": {"colour": chance.choice(("red", "green", "blue")), "sizes": [1, 2, 3], "rank": key % 7},
        "owner_id": key % OWNERS,
    }


def stored_items() -> list[dict[str, Any]]:
    """What every contender holds before it is measured."""
    return [item(key) for key in range(1, ROWS + 1)]


def new_items(number: int) -> Iterator[dict[str, Any]]:
    """Items to insert, with keys of their own."""
    return (item(FIRST_NEW + position) for position in range(number))
