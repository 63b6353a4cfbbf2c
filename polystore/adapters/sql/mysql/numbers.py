"""Large floats in JSON text: MariaDB compares documents by the digits of their numbers, so these have all of theirs.

Written shortly, 2.0**60 would be equal to 1152921504606847000 and not to 2**60. Floats below 1e16 have all digits in
any case, and those from 1e19 on are beyond every int.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

_SHORT = re.compile(r"[0-9]e1[678](?![0-9])")
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*+"|-?[0-9](?:\.[0-9]++)?+e1[678](?![0-9])')


def text_of(value: Any) -> str:
    """A value as the JSON text of stored documents."""
    return in_full(msgspec.json.encode(value).decode())


def in_full(text: str) -> str:
    """JSON text with all digits of its floats below 1e19."""
    return text if _SHORT.search(text) is None else _TOKENS.sub(_in_full, text)


def _in_full(token: re.Match[str]) -> str:
    text = token[0]
    return text if text.startswith('"') else f"{int(float(text))}.0"
