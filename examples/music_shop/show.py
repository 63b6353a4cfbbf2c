"""Prints answers as tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich import box
from rich.table import Table


def table(*heads: str, rows: Iterable[Iterable[Any]], more: int = 0) -> Table:
    """A table of rows; a head that begins with ">" is a column of numbers; ``more`` rows are only counted."""
    shown = Table(box=box.SIMPLE_HEAD, caption=f"and {more} more" if more > 0 else None, caption_justify="left")
    for head in heads:
        shown.add_column(head.removeprefix(">"), justify="right" if head.startswith(">") else "left")
    for row in rows:
        shown.add_row(*("-" if cell is None else str(cell) for cell in row))
    return shown
