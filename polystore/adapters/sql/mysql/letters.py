"""Lower and upper case on MariaDB: by the letters of its UCA 14 collations, put right where they differ.

They are the letters of Unicode 14 with two differences: "İ" is lowered to "i", and Greek vowels with an iota below are
raised to their title case, where Unicode has no single character. Python may know letters that are newer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache

from polystore.adapters.sql.patterns import changed_characters
from polystore.errors import NotSupportedError
from polystore.query.operators import Function
from polystore.query.text import simple_lower, simple_upper

COLLATION = "utf8mb4_uca1400_nopad_as_cs"
_FIRST_VERSION = (10, 11, 3)
"""Some before have the collation and lose letters in upper case."""
_UNICODE = "14.0.0"
_RANGES = (
    "41-5A 61-7A AA-377 37B-37F 386-38A 38C-38C 38E-3A1 3A3-52F 531-556 561-586 10A0-10C5 10C7-10C7 10CD-10CD "
    "10D0-10FF 13A0-13F5 13F8-13FD 1C80-1C88 1C90-1CBA 1CBD-1CBF 1D79-1F15 1F18-1F1D 1F20-1F45 1F48-1F4D 1F51-1F57 "
    "1F59-1F59 1F5B-1F5B 1F5D-1F5D 1F5F-1F7D 1F80-1FB3 1FB8-1FC3 1FC8-1FD1 1FD8-1FDB 1FE0-1FEC 1FF3-1FF3 1FF8-1FFC "
    "2126-2184 24B6-24E9 2C00-2CF3 2D00-2D25 2D27-2D27 2D2D-2D2D A640-A69B A722-A7CA A7D0-A7D1 A7D6-A7D9 A7F5-A7F6 "
    "AB53-AB53 AB70-ABBF FF21-FF5A 10400-1044F 104B0-104D3 104D8-104FB 10570-1057A 1057C-1058A 1058C-10592 "
    "10594-10595 10597-105A1 105A3-105B1 105B3-105B9 105BB-105BC 10C80-10CB2 10CC0-10CF2 118A0-118DF 16E40-16E7F "
    "1E900-1E943"
)
"""The letters with two cases that Unicode 14 has, and what stands between them."""
_KEPT = {
    Function.LOWER: "İ",
    Function.UPPER: "ᾀᾁᾂᾃᾄᾅᾆᾇᾐᾑᾒᾓᾔᾕᾖᾗᾠᾡᾢᾣᾤᾥᾦᾧᾳῃῳ",
}
"""What the collation changes into a character that is none of that case."""
_MARK = "~"


@cache
def changed_case(function: Function) -> str:
    """The template of lower or upper case of single characters, the same as everywhere.

    Characters to be kept are written as codes before the case is changed, and back afterwards; newer letters follow.
    """
    kept = _KEPT[function]
    newer = newer_letters(simple_lower if function is Function.LOWER else simple_upper, unicodedata.unidata_version)
    codes = {_MARK: f"{_MARK}00"} | {letter: f"{_MARK}{place:02}" for place, letter in enumerate(kept, 1)}
    text = "{0}"
    for letter, code in codes.items():
        text = f"REPLACE({text}, '{letter}', '{code}')"
    text = _changed(function, text)
    for letter, code in reversed(codes.items()):
        text = f"REPLACE({text}, '{code}', '{letter}')"
    for letter, other in newer.items():
        text = f"REPLACE({text}, '{letter}', '{other}')"
    return f"(CASE WHEN {{0}} REGEXP '[{kept}{''.join(newer)}]' THEN {text} ELSE {_changed(function, '{0}')} END)"


def _changed(function: Function, text: str) -> str:
    return f"({function.value.upper()}({text} COLLATE {COLLATION}) COLLATE utf8mb4_nopad_bin)"


def newer_letters(change: Callable[[str], str], unicode_version: str) -> dict[str, str]:
    """The characters that a function of Python changes and the collation does not know, with what they become."""
    if unicode_version == _UNICODE:
        return {}
    known = {chr(point) for low, high in _spans() for point in range(low, high + 1)}
    pairs = zip(*changed_characters(change), strict=True)
    return {before: after for before, after in pairs if not known.issuperset((before, after))}


def _spans() -> Iterator[tuple[int, int]]:
    for span in _RANGES.split():
        low, _, high = span.partition("-")
        yield int(low, 16), int(high, 16)


def knows_letters(version: str) -> bool:
    """Whether a server of this version changes the case of letters as ``changed_case`` takes it."""
    found = re.match(r"(\d+)\.(\d+)\.(\d+).*MariaDB", version)
    return found is not None and tuple(map(int, found.groups())) >= _FIRST_VERSION


def check_letters(text: str) -> None:
    """Refuses a statement that changes the case of letters, on a server that cannot.

    Raises:
        NotSupportedError: Lower or Upper is part of it.
    """
    if COLLATION in text:
        raise NotSupportedError(
            f"Lower and Upper need MariaDB {'.'.join(map(str, _FIRST_VERSION))} or newer, which has all letters; "
            "put .client(max_rows=...) before them"
        )
