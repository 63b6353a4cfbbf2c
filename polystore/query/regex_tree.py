"""The tree of a portable regular expression."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct


class Character(Struct, frozen=True):
    """One literal character."""

    value: str


class CharacterClass(Struct, frozen=True):
    """One character of (or, negated, outside) some ranges; both ends belong."""

    negated: bool
    ranges: tuple[tuple[str, str], ...]


class Anchor(Struct, frozen=True):
    """The start or the end of the whole text."""

    end: bool


class Sequence(Struct, frozen=True):
    """Parts, one after the other."""

    parts: tuple[Pattern, ...]


class Alternation(Struct, frozen=True):
    """One of several patterns."""

    branches: tuple[Pattern, ...]


class Repeat(Struct, frozen=True):
    """A part ``low`` to ``high`` times; None is without bound."""

    part: Pattern
    low: int
    high: int | None


Pattern: TypeAlias = Character | CharacterClass | Anchor | Sequence | Alternation | Repeat
