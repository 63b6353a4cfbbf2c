"""The values of unique constraints that rows hold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from polystore.errors import UniqueViolation
from polystore.schema.model import Schema, UniqueInfo


class Taken:
    """The values of unique constraints that rows hold."""

    def __init__(self, schema: Schema, rows: Iterable[dict[str, Any]]) -> None:
        self._uniques = [UniqueInfo((schema.primary_key.name,), ""), *schema.uniques]
        self._held: list[set[tuple[Any, ...] | None]] = [set() for _ in self._uniques]
        for row in rows:
            self.add(row)

    def add(self, row: dict[str, Any]) -> tuple[str, ...] | None:
        """Records the row; or answers the fields on which it collides and records nothing."""
        keys = self._keys(row)
        for unique, held, key in zip(self._uniques, self._held, keys, strict=True):
            if key in held:
                return unique.fields
        for held, key in zip(self._held, keys, strict=True):
            if key is not None:
                held.add(key)
        return None

    def change(self, old: dict[str, Any], new: dict[str, Any]) -> tuple[str, ...] | None:
        """Records a row in place of another; or answers the fields on which it collides and records nothing."""
        before, after = self._keys(old), self._keys(new)
        for unique, held, left, taken in zip(self._uniques, self._held, before, after, strict=True):
            if taken != left and taken in held:
                return unique.fields
        for held, left, taken in zip(self._held, before, after, strict=True):
            held.discard(left)
            if taken is not None:
                held.add(taken)
        return None

    def _keys(self, row: dict[str, Any]) -> list[tuple[Any, ...] | None]:
        return [self._key(unique, row) for unique in self._uniques]

    @staticmethod
    def _key(unique: UniqueInfo, row: dict[str, Any]) -> tuple[Any, ...] | None:
        key = tuple(row[name] for name in unique.fields)
        return None if None in key and unique.nulls_distinct else key


def violation(schema: Schema, fields: tuple[str, ...]) -> UniqueViolation:
    """The error of a row that collides on these fields."""
    return UniqueViolation(
        f"{schema.name}: another row already has this {', '.join(fields)}", model=schema.name, fields=fields
    )
