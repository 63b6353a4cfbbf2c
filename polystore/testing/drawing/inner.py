"""Conditions and values of other rows that know what they were drawn of: they read as code and can be reduced."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from polystore import Exists, Subquery
from polystore.testing.drawing.query import Inside


class DrawnExists(Exists):
    """``Exists`` of drawn rows."""

    __slots__ = ("queryset",)

    def __init__(self, queryset: Inside, /) -> None:
        super().__init__(queryset)
        self.queryset = queryset

    def __repr__(self) -> str:
        return f"Exists({self.queryset})"


class DrawnSubquery(Subquery):
    """``Subquery`` of drawn rows."""

    __slots__ = ("queryset",)

    def __init__(self, queryset: Inside, /) -> None:
        super().__init__(queryset)
        self.queryset = queryset

    def __repr__(self) -> str:
        return f"Subquery({self.queryset})"


Within: TypeAlias = DrawnExists | DrawnSubquery | Inside


def rows_of(value: Within) -> Inside:
    """The rows that it is about."""
    return value if isinstance(value, Inside) else value.queryset


def given(inside: Inside) -> Iterator[Any]:
    """What its calls were given."""
    return (each for call in inside.calls for each in (*call.arguments, *call.named.values()))
