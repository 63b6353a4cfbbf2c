"""Many rows changed by one UPDATE: each new value is a CASE of the key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from polystore.adapters.sql.upserts import EachParts

Write = Callable[[str, Sequence[Any]], str]
"""A text with its values written in."""


def together(parts: EachParts, rows: Sequence[Any], write: Write) -> str:
    """The UPDATE of some rows, bound as ``EachStatement`` binds them."""
    key, place = parts.key_name, len(parts.names)
    sets = [
        f"{name} = {_case(key, [(row[place], row[at]) for row in rows], write)}" for at, name in enumerate(parts.names)
    ]
    found = f"{key} IN ({write(', '.join(['%s'] * len(rows)), [row[place] for row in rows])})"
    if parts.version is not None:
        sets.append(f"{parts.version} = {parts.version} + 1")
        found += f" AND {parts.version} = {_case(key, [row[place:] for row in rows], write)}"
    return f"UPDATE {parts.table} SET {', '.join(sets)} WHERE {found}"


def _case(key: str, pairs: Sequence[Sequence[Any]], write: Write) -> str:
    whens = " ".join(["WHEN %s THEN %s"] * len(pairs))
    return write(f"CASE {key} {whens} END", [value for pair in pairs for value in pair])
