"""Many rows changed by one UPDATE: each new value is a CASE of the key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from polystore.adapters.sql.prepared import EachStatement
from polystore.adapters.sql.upserts import EachParts

Write = Callable[[str, Sequence[Any]], str]
"""A text with its values written in."""


def together_texts(parts: EachParts) -> dict[str, str]:
    """The pieces of the UPDATE: ``case`` for a row, ``set`` for the names of columns, ``key`` and ``version``."""
    counted = "" if parts.version is None else f", {parts.version} = {parts.version} + 1"
    return {
        "update": f"UPDATE {parts.table} SET ",
        "names": "\n".join(parts.names),
        "counted": counted,
        "key": parts.key_name,
        "version": parts.version or "",
    }


def together(statement: EachStatement, rows: Sequence[Any], write: Write) -> str:
    """The UPDATE of some rows, bound as ``EachStatement`` binds them."""
    texts, names = statement.texts, statement.texts["names"].split("\n")
    key = len(names)
    sets = ", ".join(
        f"{name} = {_case(texts['key'], [(row[key], row[place]) for row in rows], write)}"
        for place, name in enumerate(names)
    )
    keys = write(", ".join(["%s"] * len(rows)), [row[key] for row in rows])
    found = f"{texts['key']} IN ({keys})"
    if texts["version"]:
        found += f" AND {texts['version']} = {_case(texts['key'], [row[key:] for row in rows], write)}"
    return f"{texts['update']}{sets}{texts['counted']} WHERE {found}"


def _case(key: str, pairs: Sequence[Sequence[Any]], write: Write) -> str:
    whens = " ".join(["WHEN %s THEN %s"] * len(pairs))
    return write(f"CASE {key} {whens} END", [value for pair in pairs for value in pair])
