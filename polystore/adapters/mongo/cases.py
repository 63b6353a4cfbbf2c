"""Texts in lower and in upper case, one character for one, as our own table says: a server changes ASCII only.

Each other letter that changes is looked up in one text and replaced by what stands at its place in a second one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from typing import Any

from polystore.adapters.mongo.values import Document, given, literal, unless_null
from polystore.query.text import simple_lower, simple_upper


def lowered(text: Any) -> Document:
    """The text in lower case."""
    return _changed(text, "$toLower", *letters(simple_lower))


def uppered(text: Any) -> Document:
    """The text in upper case."""
    return _changed(text, "$toUpper", *letters(simple_upper))


@cache
def letters(change: Callable[[str], str]) -> tuple[str, str]:
    """The letters beyond ASCII that change, and what they become, in the same order."""
    blocks = (range(start, start + 256) for start in range(0, sys.maxunicode + 1, 256) if not 0xD800 <= start < 0xE000)
    found = [
        (letter, after)
        for block in blocks
        if (whole := "".join(map(chr, block))) != change(whole)
        for letter in whole
        if not letter.isascii() and (after := change(letter)) != letter
    ]
    return "".join(letter for letter, _ in found), "".join(after for _, after in found)


@cache
def _class_of(letters: str) -> str:
    """A regular expression for one of the letters, which stand in the order of their code points."""
    ranges: list[str] = []
    for letter in letters:
        if ranges and ord(letter) == ord(ranges[-1][-1]) + 1:
            ranges[-1] = ranges[-1][0] + letter
        else:
            ranges.append(letter)
    return f"[{''.join('-'.join(each) for each in ranges)}]"


def _changed(text: Any, ascii_operator: str, before: str, after: str) -> Document:
    found = {"$regexFindAll": {"input": "$$text", "regex": literal(_class_of(before))}}
    foreign = {"$setUnion": [{"$map": {"input": found, "in": "$$this.match"}}]}
    replacement = {"$substrCP": [literal(after), "$$place", 1]}
    replaced = {"$replaceAll": {"input": "$$value", "find": "$$this", "replacement": replacement}}
    place = {"$indexOfCP": [literal(before), "$$this"]}
    step = given({"place": place}, replaced)
    changed = {"$reduce": {"input": foreign, "initialValue": {ascii_operator: "$$text"}, "in": step}}
    return given({"text": text}, unless_null(["$$text"], changed))
