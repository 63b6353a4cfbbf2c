"""Text lookups as values that databases compare with: LIKE patterns, and regular expressions blind to case.

No database's own idea of case is used: each character is written as the class of all characters that fold to the same
one, so the answer is the same whatever Unicode version, locale or collation the server has.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from polystore.errors import NotSupportedError
from polystore.query.operators import Operator
from polystore.query.regex import Dialect, translate, translate_any_case
from polystore.query.text import fold_table, letters_with_cases, simple_fold, unfold

LIKE_ESCAPE = "!"
_LIKE_SPECIAL = str.maketrans({"!": "!!", "%": "!%", "_": "!_"})
_SPECIAL = str.maketrans({character: f"\\{character}" for character in "\\.^$*+?{}[]()|/-&~#"})
_MAX_LENGTHS: dict[Dialect, int] = {"posix": 10_000, "pcre": 3_000}
_ENDS: dict[Dialect, tuple[str, str]] = {"posix": ("^", "$"), "pcre": ("\\A", "\\z")}


def escape_like(text: str) -> str:
    """The text as LIKE matches it literally."""
    return text.translate(_LIKE_SPECIAL)


def like_pattern(operator: Operator, text: str) -> str:
    """The pattern for LIKE with the escape character ``!``."""
    escaped = escape_like(text)
    match operator:
        case Operator.CONTAINS:
            return f"%{escaped}%"
        case Operator.STARTSWITH:
            return f"{escaped}%"
        case Operator.ENDSWITH:
            return f"%{escaped}"
    raise AssertionError(operator)


def regular_expression(operator: Operator, dialect: Dialect) -> Callable[[str], str]:
    """The function from the text compared with to the expression that stored text must match somewhere."""
    start, end = _ENDS[dialect]
    match operator:
        case Operator.IEXACT:
            return lambda text: f"{start}{any_case(text, dialect)}{end}"
        case Operator.ICONTAINS:
            return lambda text: any_case(text, dialect)
        case Operator.ISTARTSWITH:
            return lambda text: start + any_case(text, dialect)
        case Operator.IENDSWITH:
            return lambda text: any_case(text, dialect) + end
        case Operator.REGEX:
            return lambda text: translate(text, dialect)
        case Operator.IREGEX:
            return lambda text: translate_any_case(text, dialect)
    raise AssertionError(operator)


def any_case(text: str, dialect: Dialect) -> str:
    """The expression that matches every text which folds as this one does.

    Raises:
        NotSupportedError: the text is longer than what servers take as an expression.
    """
    if len(text) > _MAX_LENGTHS[dialect]:
        raise NotSupportedError(
            f"a text of {len(text)} characters is too long to compare without regard to case; "
            f"at most {_MAX_LENGTHS[dialect]} work"
        )
    return "".join(map(_class_of, text))


@lru_cache(maxsize=4096)
def _class_of(character: str) -> str:
    same = unfold(simple_fold(character)).translate(_SPECIAL)
    return f"[{same}]" if len(same) > 2 or (len(same) == 2 and same[0] != "\\") else same


def fold_characters() -> tuple[str, str]:
    """The characters beyond ASCII that folding changes, and those that they become, in equal places."""
    pairs = {chr(point): folded for point, folded in fold_table().items() if point > 127}
    return "".join(pairs), "".join(pairs.values())


def changed_characters(change: Callable[[str], str]) -> tuple[str, str]:
    """The characters beyond ASCII that a function changes, and those that they become, in equal places."""
    letters = "".join(each for each in letters_with_cases() if each > "\x7f")
    pairs = [(old, new) for old, new in zip(letters, change(letters), strict=True) if old != new]
    return "".join(old for old, _ in pairs), "".join(new for _, new in pairs)
