"""Case folding with one meaning on every store."""

from __future__ import annotations

import sys
from array import array
from functools import cache

_BLOCK, _SURROGATES, _END = 2048, 0xD800, 0x20000
"""Beyond the first two planes of Unicode no character has cases."""
_CODEC = f"utf-32-{sys.byteorder[0]}e"


def simple_fold(text: str) -> str:
    """The text under Unicode's simple case folding (statuses C and S of CaseFolding.txt): one character for one.

    So "ß" and "ss" stay different, "ẞ" folds to "ß", "ς" to "σ", and "İ" to itself.
    """
    return text.lower() if text.isascii() else text.translate(fold_table())


@cache
def fold_table() -> dict[int, str]:
    """Each code point that folds to another one, with that one."""
    return {ord(each): folded for each in letters_with_cases() if (folded := _fold_character(each)) != each}


@cache
def letters_with_cases() -> str:
    """All characters that lower case, upper case or folding changes, in order."""
    found = []
    for start in range(0, _END, _BLOCK):
        if start == _SURROGATES:
            continue
        block = array("I", range(start, start + _BLOCK)).tobytes().decode(_CODEC)
        if not block == block.lower() == block.upper() == block.casefold():
            found += [each for each in block if not each == each.lower() == each.upper() == each.casefold()]
    return "".join(found)


def _fold_character(character: str) -> str:
    folded = character.casefold()
    if len(folded) == 1:
        return folded
    lowered = character.lower()
    return lowered if len(lowered) == 1 else character


def unfold(folded: str) -> str:
    """All characters that fold to this one, itself first; the same one alone when nothing else does."""
    return folded + _unfold_table().get(folded, "")


@cache
def _unfold_table() -> dict[str, str]:
    table: dict[str, str] = {}
    for point, folded in fold_table().items():
        table[folded] = table.get(folded, "") + chr(point)
    return table


def simple_lower(text: str) -> str:
    """The text in lower case, one character for one: "İ" stays itself, and "Σ" is "σ" wherever it stands."""
    return text.lower() if text.isascii() else "".join(_single(each, each.lower()) for each in text)


def simple_upper(text: str) -> str:
    """The text in upper case, one character for one: "ß" stays itself."""
    return text.upper() if text.isascii() else "".join(_single(each, each.upper()) for each in text)


def _single(character: str, changed: str) -> str:
    return changed if len(changed) == 1 else character
