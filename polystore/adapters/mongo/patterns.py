"""Text comparisons as regular expressions, exact for every character.

Comparisons without regard to case do not use the server's own idea of case beyond ASCII: such a character is written as
the class of all that fold to the same one (``query.text.simple_fold``), so every server version answers alike.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import groupby

from polystore.errors import NotSupportedError
from polystore.query.operators import Operator
from polystore.query.regex import Dialect, translate, translate_any_case
from polystore.query.text import simple_fold, unfold

_SPECIAL = {character: f"\\{character}" for character in "\\.^$*+?{}[]()|/-&~#"}
_ROOM = 60_000  # of the 65,536 bytes that a compiled pattern may have
_CLASS = 40
_ASCII_PAIRS = frozenset("abcdefghijlmnopqrtuvwxyzABCDEFGHIJLMNOPQRTUVWXYZ")  # all but k and s, which have a third


def pattern_of(operator: Operator, dialect: Dialect) -> Callable[[str], str]:
    """The function from the text compared with to the pattern that the stored text must match somewhere.

    Args:
        operator: one of the text operators.
        dialect: "pcre" for a server, "python" for mongomock.
    """
    start, end, blind = ("\\A", "\\z", any_case_pcre) if dialect == "pcre" else ("\\A", "\\Z", any_case)
    match operator:
        case Operator.CONTAINS:
            return _written(escape)
        case Operator.STARTSWITH:
            return _written(escape, "^")
        case Operator.ENDSWITH:
            return _written(escape, "", end)
        case Operator.IEXACT:
            return _written(blind, start, end)
        case Operator.ICONTAINS:
            return _written(blind)
        case Operator.ISTARTSWITH:
            return _written(blind, start)
        case Operator.IENDSWITH:
            return _written(blind, "", end)
        case Operator.REGEX:
            return lambda text: translate(text, dialect)
        case Operator.IREGEX:
            return lambda text: translate_any_case(text, dialect)
        case _:
            raise AssertionError(operator)


def escape(text: str) -> str:
    """The pattern that matches exactly this text."""
    return "".join(_SPECIAL.get(character, character) for character in text)


def any_case(text: str) -> str:
    """The pattern that matches every text which folds as this one does, in any dialect."""
    return "".join(map(_class_of, text))


def any_case_pcre(text: str) -> str:
    """``any_case`` for PCRE, shorter: letters of which ASCII knows all cases stand between flags."""
    parts = []
    for plain, run in groupby(text, _ASCII_PAIRS.__contains__):
        letters = "".join(run)
        parts.append(f"(?i){letters}(?-i)" if plain else any_case(letters))
    return "".join(parts)


@lru_cache(maxsize=4096)
def _class_of(character: str) -> str:
    same = unfold(simple_fold(character))
    return escape(same) if len(same) == 1 else f"[{escape(same)}]"


def _written(write: Callable[[str], str], start: str = "", end: str = "") -> Callable[[str], str]:
    def pattern(text: str) -> str:
        written = f"{start}{write(text)}{end}"
        if len(written) * _CLASS > _ROOM and _compiled_size(written) > _ROOM:
            raise NotSupportedError(
                f"a text of {len(text)} characters is too long for MongoDB to search for; search for a part of it, "
                "or compare it whole with exact"
            )
        return written

    return pattern


def _compiled_size(pattern: str) -> int:
    """About what the pattern takes when it is compiled: each literal its bytes and one, each class a table."""
    return 2 * len(pattern.encode()) + _CLASS * pattern.count("[")
