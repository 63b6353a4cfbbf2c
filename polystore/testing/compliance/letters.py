"""Every letter there is, in lower and in upper case: all code points, one for one, whatever tables a server has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from polystore import Feature, Lower, Upper, Value
from polystore.query.operators import Function
from polystore.query.text import simple_lower, simple_upper
from polystore.testing.harness import Db, rule
from polystore.testing.models import Everything

rows = Everything.objects
SIZE = 4096
PARTS = 16
"""Texts of one question; more would be too large a statement for some servers."""


def texts(db: Db, change: Callable[[str], str]) -> list[str]:
    """All characters that texts hold, in texts; in the async colour, which compiles alike, those that change."""
    points = (point for point in range(1, 0x110000) if not 0xD800 <= point < 0xE000)
    letters = "".join(map(chr, points))
    if db.loop is not None:
        letters = "".join(letter for letter in letters if change(letter) != letter)
    return [letters[start : start + SIZE] for start in range(0, len(letters), SIZE)]


@rule("C1", "C14", needs=[Feature.COMPUTED])
@pytest.mark.parametrize(
    ("function", "call", "change"),
    [(Function.LOWER, Lower, simple_lower), (Function.UPPER, Upper, simple_upper)],
    ids=["lower", "upper"],
)
def test_every_character_changes_its_case_as_unicode_says(
    db: Db, function: Function, call: Callable[[Any], Any], change: Callable[[str], str]
) -> None:
    db.need(function)
    db.given(Everything, [{"name": "it"}])
    every = texts(db, change)
    for start in range(0, len(every), PARTS):
        some = every[start : start + PARTS]
        query = rows.values_list(*(call(Value(text)) for text in some))
        for text, found in zip(some, db(query).get(), strict=True):
            wrong = [(one, other) for one, other in zip(change(text), found, strict=True) if one != other]
            assert wrong == []


@rule("C1", "C14", needs=[Feature.COMPUTED, Function.LOWER, Function.UPPER])
@pytest.mark.parametrize(
    "text", ["~01İ~00~", "İ~1 ~i İ", "~27ῳ~~00ᾀ01", "ᾼᾳΑΙ ᾶ ŉ ß", "ΟΔΟΣ οδός", "Ǆ ǅ ǆ", "\x01 % _ \\ '", " a  ", ""]
)
def test_all_else_stays_beside_a_letter_that_changes(db: Db, text: str) -> None:
    db.given(Everything, [{"name": "it", "text": text}])
    query = rows.values_list(Lower("text"), Upper("text"), Upper(Lower("text")), Lower(Upper(Lower("text"))))
    lower, upper = simple_lower(text), simple_upper(text)
    assert db(query).get() == (lower, upper, simple_upper(lower), simple_lower(simple_upper(lower)))
    assert db.names(rows.alias(low=Lower("text"), high=Upper("text")).filter(low=lower, high=upper)) == ["it"]
