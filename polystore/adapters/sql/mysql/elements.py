"""Patterns over the text of a JSON array of single values: which elements it has, told apart by their whole text.

Every value has one text in stored documents, so elements are equal where their texts are. A pattern goes from the
array's beginning over whole elements, so that nothing within a text is taken for one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_ELEMENT = r'(?>"(?>[^"\\]|\\.)*+"|[^",\[\] ]++)'
_BEFORE = rf"\[(?>{_ELEMENT}, ?)*?"
_BEHIND = r"(?=[,\]])"
_START = r"(?s-i)\A"


def all_of(elements: Sequence[str]) -> str:
    """The pattern of arrays that have all of these elements."""
    distinct = dict.fromkeys(elements)
    return _START + "".join(f"(?={_BEFORE}{re.escape(each)}{_BEHIND})" for each in distinct)


def any_of(elements: Sequence[str]) -> str:
    """The pattern of arrays that have at least one of these elements."""
    return f"{_START}{_BEFORE}{_one(elements)}"


def only(elements: Sequence[str]) -> str:
    """The pattern of arrays that have no other elements than these."""
    if not elements:
        return rf"{_START}\[\]\z"
    return rf"{_START}\[(?:{_one(elements)}(?:, ?{_one(elements)})*+)?\]\z"


def _one(elements: Sequence[str]) -> str:
    """The pattern of one whole element among these."""
    return f"(?>(?:{'|'.join(re.escape(each) for each in dict.fromkeys(elements))}){_BEHIND})"
