"""Portable regular expressions: the subset that means the same on every store, checked when a query is built.

Literals, ``.``, classes, the escapes ``\\d \\w \\s`` (ASCII) and their negations, groups, alternation, the
anchors ``^`` and ``$`` (start and very end of the text) and the quantifiers ``* + ? {m,n}``, lazy or greedy.
Each dialect gets a pattern written out from the parsed tree, so that ``.`` never matches a newline and ``$``
never stands before one.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Literal, TypeAlias

from polystore.errors import FieldError
from polystore.query.regex_cost import is_exponential
from polystore.query.regex_tree import Alternation, Anchor, Character, CharacterClass, Pattern, Repeat, Sequence
from polystore.query.text import simple_fold, unfold

Dialect: TypeAlias = Literal["python", "pcre", "posix", "icu"]

_MAX_LENGTH = 1000
_MAX_REPEAT = 255
_ESCAPED_CLASSES = {
    "d": (False, (("0", "9"),)),
    "D": (True, (("0", "9"),)),
    "w": (False, (("0", "9"), ("A", "Z"), ("_", "_"), ("a", "z"))),
    "W": (True, (("0", "9"), ("A", "Z"), ("_", "_"), ("a", "z"))),
    "s": (False, (("\t", "\r"), (" ", " "))),
    "S": (True, (("\t", "\r"), (" ", " "))),
}
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}
_SPECIAL = set(".^$*+?{}[]\\|()/-&~#")


_DOT = CharacterClass(True, (("\n", "\n"),))


@lru_cache(maxsize=512)
def parse(pattern: str) -> Pattern:
    """The tree of a portable pattern.

    Raises:
        FieldError: the pattern is malformed or uses a construct outside the portable subset; names its position.
    """
    if len(pattern) > _MAX_LENGTH:
        raise FieldError(f"a regular expression may have at most {_MAX_LENGTH} characters, this one has {len(pattern)}")
    return _Parser(pattern).parse()


@lru_cache(maxsize=512)
def translate(pattern: str, dialect: Dialect, ignore_case: bool = False) -> str:
    """The pattern in a dialect, without flags: "python" (re), "pcre" (MongoDB, MariaDB), "posix" (PostgreSQL), "icu".

    With ``ignore_case`` its literals and classes are folded by ``simple_fold``: match it against folded text.

    Raises:
        FieldError: as ``parse``; or a class range beyond ASCII letters with ``ignore_case``.
    """
    tree = parse(pattern)
    return _write(_fold(tree, pattern) if ignore_case else tree, dialect)


@lru_cache(maxsize=512)
def translate_any_case(pattern: str, dialect: Dialect) -> str:
    """The pattern without regard to case, for text that cannot be folded first.

    Each character is written as the class of all that fold to the same one; match it against the text as it is.

    Raises:
        FieldError: as ``translate`` with ``ignore_case``.
    """
    return _write(_any_case(_fold(parse(pattern), pattern)), dialect)


class _Parser:
    """Recursive descent over one pattern."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.depth = 0

    def parse(self) -> Pattern:
        tree = self.alternation()
        if self.position < len(self.text):
            raise self.error("unbalanced parenthesis")
        if is_exponential(tree):
            raise FieldError(
                f"regular expression {self.text!r}: it can take exponential time, since a repetition in it fits the "
                "same text in several ways; write it without alternatives, optional parts or repetitions that overlap"
            )
        return tree

    def error(self, reason: str) -> FieldError:
        return FieldError(
            f"regular expression {self.text!r}: {reason} at position {self.position}; portable patterns have literals, "
            "., classes, \\d \\w \\s, groups, |, ^ and $, and the quantifiers * + ? {m,n}"
        )

    def peek(self) -> str:
        return self.text[self.position : self.position + 1]

    def take(self) -> str:
        character = self.peek()
        if not character:
            raise self.error("unexpected end")
        self.position += 1
        return character

    def alternation(self) -> Pattern:
        branches = [self.sequence()]
        while self.peek() == "|":
            self.position += 1
            branches.append(self.sequence())
        return branches[0] if len(branches) == 1 else Alternation(tuple(branches))

    def sequence(self) -> Pattern:
        parts: list[Pattern] = []
        while self.peek() not in ("", "|", ")"):
            parts.append(self.repeated(self.atom()))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def repeated(self, part: Pattern) -> Pattern:
        bounds = self.quantifier()
        if bounds is None:
            return part
        if isinstance(part, Anchor):
            raise self.error("nothing to repeat")
        if self.peek() == "?":
            self.position += 1  # laziness does not change whether a text matches
        if self.peek() and self.peek() in "*+?":
            raise self.error("multiple repeat")
        return Repeat(part, *bounds)

    def quantifier(self) -> tuple[int, int | None] | None:
        character = self.peek()
        if character and character in "*+?":
            self.position += 1
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[character]
        if character != "{":
            return None
        end = self.text.find("}", self.position)
        low, comma, high = self.text[self.position + 1 : end].partition(",") if end > 0 else ("", "", "")
        if not (low or high) or not (low + high).isascii() or not (low + high).isdigit():
            raise self.error("a brace that is no quantifier (escape it)")
        self.position = end + 1
        bounds = int(low or 0), (int(high) if high else None) if comma else int(low)
        if max(bounds[0], bounds[1] or 0) > _MAX_REPEAT or (bounds[1] is not None and bounds[1] < bounds[0]):
            raise self.error(f"a repetition outside 0..{_MAX_REPEAT}")
        return bounds

    def atom(self) -> Pattern:
        character = self.take()
        match character:
            case "(":
                return self.group()
            case "[":
                return self.character_class()
            case ".":
                return _DOT
            case "^" | "$":
                return Anchor(character == "$")
            case "\\":
                return self.escape()
            case "*" | "+" | "?" | "{" | "}" | "]":
                self.position -= 1
                raise self.error(f"{character!r} out of place (escape it)")
            case _:
                return Character(character)

    def group(self) -> Pattern:
        if self.text.startswith("?:", self.position):
            self.position += 2
        elif self.peek() == "?":
            raise self.error("a group extension")
        self.depth += 1
        if self.depth > 50:
            raise self.error("more than 50 nested groups")
        inner = self.alternation()
        if self.peek() != ")":
            raise self.error("missing )")
        self.position += 1
        self.depth -= 1
        return inner if isinstance(inner, Alternation | Sequence) else Sequence((inner,))

    def escape(self) -> Character | CharacterClass:
        character = self.take()
        if character in _ESCAPED_CLASSES:
            return CharacterClass(*_ESCAPED_CLASSES[character])
        if character in _CONTROLS:
            return Character(_CONTROLS[character])
        if character.isascii() and character.isalnum():
            raise self.error(f"the escape \\{character}")
        return Character(character)

    def character_class(self) -> CharacterClass:
        negated = self.peek() == "^"
        self.position += negated
        ranges: list[tuple[str, str]] = []
        first = True
        while first or self.peek() != "]":
            first = False
            low = self.class_item()
            if isinstance(low, CharacterClass):
                if low.negated:
                    raise self.error("a negated escape inside a class")
                ranges.extend(low.ranges)
                continue
            high = low
            if self.peek() == "-" and self.text[self.position + 1 : self.position + 2] not in ("]", ""):
                self.position += 1
                upper = self.class_item()
                if isinstance(upper, CharacterClass) or upper.value < low.value:
                    raise self.error("a bad range in a class")
                high = upper
            ranges.append((low.value, high.value))
        self.position += 1
        return CharacterClass(negated, tuple(ranges))

    def class_item(self) -> Character | CharacterClass:
        character = self.take()
        if character == "\\":
            return self.escape()
        if character == "[" and self.peek() and self.peek() in ":.=":
            raise self.error("a POSIX class")
        return Character(character)


def _fold(node: Pattern, pattern: str) -> Pattern:
    match node:
        case Character(value=value):
            return Character(simple_fold(value))
        case CharacterClass(negated=negated, ranges=ranges):
            return CharacterClass(negated, tuple(_folded_ranges(ranges, pattern)))
        case Sequence(parts=parts):
            return Sequence(tuple(_fold(part, pattern) for part in parts))
        case Alternation(branches=branches):
            return Alternation(tuple(_fold(branch, pattern) for branch in branches))
        case Repeat(part=part, low=low, high=high):
            return Repeat(_fold(part, pattern), low, high)
        case Anchor():
            return node


def _folded_ranges(ranges: Iterable[tuple[str, str]], pattern: str) -> Iterable[tuple[str, str]]:
    for low, high in ranges:
        if low == high:
            yield simple_fold(low), simple_fold(low)
        elif high <= "\x7f":
            for piece_low, piece_high in (("\0", "@"), ("[", "\x7f")):
                if max(low, piece_low) <= min(high, piece_high):
                    yield max(low, piece_low), min(high, piece_high)
            if max(low, "A") <= min(high, "Z"):
                yield max(low, "A").lower(), min(high, "Z").lower()
        else:
            raise FieldError(
                f"regular expression {pattern!r}: without regard to case, a class range beyond ASCII has no portable "
                "meaning; list its characters"
            )


def _any_case(node: Pattern) -> Pattern:
    """The folded pattern with every character that folds into one of its own beside it."""
    match node:
        case Character(value=value):
            same = unfold(value)
            return node if len(same) == 1 else CharacterClass(False, tuple((each, each) for each in same))
        case CharacterClass(negated=negated, ranges=ranges):
            return CharacterClass(negated, tuple(_with_other_cases(ranges)))
        case Sequence(parts=parts):
            return Sequence(tuple(_any_case(part) for part in parts))
        case Alternation(branches=branches):
            return Alternation(tuple(_any_case(branch) for branch in branches))
        case Repeat(part=part, low=low, high=high):
            return Repeat(_any_case(part), low, high)
        case Anchor():
            return node


def _with_other_cases(ranges: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    for low, high in ranges:
        yield low, high
        for point in range(ord(low), ord(high) + 1):
            yield from ((each, each) for each in unfold(chr(point))[1:])


def _write(node: Pattern, dialect: Dialect) -> str:
    match node:
        case Character(value=value):
            return _literal(value)
        case CharacterClass(negated=negated, ranges=ranges):
            inner = "".join(
                _literal(low) if low == high else f"{_literal(low)}-{_literal(high)}" for low, high in ranges
            )
            return f"[{'^' if negated else ''}{inner}]"
        case Anchor(end=end):
            return _END[dialect] if end else _START[dialect]
        case Sequence(parts=parts):
            return "".join(_write_part(part, dialect) for part in parts)
        case Alternation(branches=branches):
            return "|".join(_write(branch, dialect) for branch in branches)
        case Repeat(part=part, low=low, high=high):
            body = _write(part, dialect)
            if not isinstance(part, Character | CharacterClass):
                body = f"(?:{body})"
            return body + _quantifier(low, high)


def _write_part(part: Pattern, dialect: Dialect) -> str:
    text = _write(part, dialect)
    return f"(?:{text})" if isinstance(part, Alternation) else text


def _quantifier(low: int, high: int | None) -> str:
    known = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((low, high))
    if known is not None:
        return known
    if low == high:
        return f"{{{low}}}"
    return f"{{{low},{'' if high is None else high}}}"


def _literal(character: str) -> str:
    return f"\\{character}" if character in _SPECIAL else character


_START: dict[Dialect, str] = {"python": "\\A", "pcre": "\\A", "posix": "^", "icu": "\\A"}
_END: dict[Dialect, str] = {"python": "\\Z", "pcre": "\\z", "posix": "$", "icu": "\\z"}
