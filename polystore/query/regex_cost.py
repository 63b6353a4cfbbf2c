"""Whether a pattern can take exponential time on an engine that backtracks.

It can where a repetition fits one text in several ways: n turns of it then fit in 2**n ways or more, all of them tried
before the match is given up. The repetition is made an automaton without empty steps (Glushkov, 1961). It is
exponential where one step of the automaton, or no step at all, comes about in two ways, or where two different paths
over one text lead from a place back to it (Weber and Seidl, 1991). Patterns of polynomial cost pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias, assert_never

from msgspec import Struct

from polystore.query.regex_tree import Alternation, Anchor, Character, CharacterClass, Pattern, Repeat, Sequence
from polystore.query.text import simple_fold, unfold

_MOST_PLACES = 200
_LETTERS = ((ord("A"), ord("Z"), 32), (ord("a"), ord("z"), -32))
Ranges: TypeAlias = tuple[tuple[int, int], ...]


def is_exponential(tree: Pattern) -> bool:
    """Whether a repetition in the pattern can fit one text in several ways, or is too large to tell."""
    match tree:
        case Character() | CharacterClass() | Anchor():
            return False
        case Sequence(parts=children) | Alternation(branches=children):
            return any(is_exponential(child) for child in children)
        case Repeat(part=part, high=high):
            if high is not None and high <= 1:
                return is_exponential(part)
            return _Automaton(tree).is_ambiguous()
    assert_never(tree)


class _Piece(Struct):
    """A part of the automaton: the places it can begin and end with, and in how many ways it can be empty."""

    first: frozenset[int]
    last: frozenset[int]
    empty: int


class _Automaton:
    """The places of a pattern's characters, and which may follow which."""

    def __init__(self, tree: Pattern) -> None:
        self.symbols: list[Ranges] = []
        self.following: list[set[int]] = []
        self.doubled = False
        self._add(tree)

    def is_ambiguous(self) -> bool:
        """Whether it fits some text in several ways; the tree is a repetition, so all places reach each other."""
        if self.doubled or len(self.symbols) > _MOST_PLACES:
            return True
        return any(self._splits(place) for place in range(len(self.symbols)))

    def _add(self, tree: Pattern) -> _Piece:
        piece = self._piece(tree)
        self.doubled = self.doubled or piece.empty > 1
        return piece

    def _piece(self, tree: Pattern) -> _Piece:
        match tree:
            case Character() | CharacterClass():
                place = len(self.symbols)
                self.symbols.append(_symbols(tree))
                self.following.append(set())
                return _Piece(frozenset({place}), frozenset({place}), 0)
            case Anchor():
                return _Piece(frozenset(), frozenset(), 1)
            case Sequence(parts=parts):
                whole = _Piece(frozenset(), frozenset(), 1)
                for part in parts:
                    whole = self._joined(whole, self._add(part))
                return whole
            case Alternation(branches=branches):
                pieces = [self._add(branch) for branch in branches]
                return _Piece(
                    frozenset().union(*(piece.first for piece in pieces)),
                    frozenset().union(*(piece.last for piece in pieces)),
                    sum(piece.empty for piece in pieces),
                )
            case Repeat(part=part, low=low, high=high):
                piece = self._add(part)
                if high is None or high > 1:
                    self.doubled = self.doubled or piece.empty > 0
                    self._link(piece.last, piece.first)
                return _Piece(piece.first, piece.last, piece.empty + (low == 0))
        assert_never(tree)

    def _joined(self, left: _Piece, right: _Piece) -> _Piece:
        self._link(left.last, right.first)
        return _Piece(
            left.first | right.first if left.empty else left.first,
            left.last | right.last if right.empty else right.last,
            left.empty * right.empty,
        )

    def _link(self, ends: frozenset[int], beginnings: frozenset[int]) -> None:
        for place in ends:
            self.doubled = self.doubled or not beginnings.isdisjoint(self.following[place])
            self.following[place] |= beginnings

    def _splits(self, start: int) -> bool:
        """Whether two paths over one text leave a place differently and meet again."""
        seen: set[tuple[int, int]] = set()
        waiting = [(one, other) for one, other in self._steps(start, start) if one < other]
        while waiting:
            pair = waiting.pop()
            if pair[0] == pair[1]:
                return True
            if pair not in seen:
                seen.add(pair)
                waiting += self._steps(*pair)
        return False

    def _steps(self, one: int, other: int) -> Iterator[tuple[int, int]]:
        """Where two paths can go with the same character."""
        for left in self.following[one]:
            for right in self.following[other]:
                if left == right or _overlap(self.symbols[left], self.symbols[right]):
                    yield left, right


def _symbols(tree: Character | CharacterClass) -> Ranges:
    """The code points that fit, in whatever case."""
    if isinstance(tree, Character):
        return tuple((ord(each), ord(each)) for each in unfold(simple_fold(tree.value)))
    if tree.negated:
        return _complement(tuple(sorted((ord(low), ord(high)) for low, high in tree.ranges)))
    return tuple(each for low, high in tree.ranges for each in _any_case(ord(low), ord(high)))


def _any_case(low: int, high: int) -> Iterator[tuple[int, int]]:
    if low == high:
        yield from ((ord(each), ord(each)) for each in unfold(simple_fold(chr(low))))
        return
    yield low, high
    for first, last, shift in _LETTERS:
        if max(low, first) <= min(high, last):
            yield max(low, first) + shift, min(high, last) + shift


def _complement(ranges: Ranges) -> Ranges:
    found = []
    begin = 0
    for low, high in ranges:
        if begin < low:
            found.append((begin, low - 1))
        begin = max(begin, high + 1)
    return (*found, (begin, 0x10FFFF)) if begin <= 0x10FFFF else tuple(found)


def _overlap(left: Ranges, right: Ranges) -> bool:
    return any(low <= end and begin <= high for low, high in left for begin, end in right)
