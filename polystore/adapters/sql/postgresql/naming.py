"""Names for what a command would compute several times: PostgreSQL's sub-selects may tell of the row around them.

Without them a command grows with each function that stands within another one, up to megabytes. ``OFFSET 0`` keeps the
planner from writing the value out again at each place.
"""

from __future__ import annotations

from functools import lru_cache
from string import Formatter
from typing import Any

from sqlalchemy.ext.compiler import compiles

from polystore.adapters.sql.raw import Let, Raw, RowCount, checked

_SHORT = 60
"""What is no longer than this is written out each time."""
_WITHIN = "polystore_within_select"
"""The compiler's option in a select within the one whose rows are read."""


@compiles(Raw, "postgresql")
def _write(element: Raw, compiler: Any, **options: Any) -> str:
    template = element.template
    if isinstance(element, RowCount):
        return _row_count(element, compiler, **options)
    often = _repeated(template) if isinstance(element, Let) else frozenset()
    within = options.pop(_WITHIN, False) or "(SELECT" in template
    texts, named = [], []
    for place, part in enumerate(element.parts):
        text = compiler.process(part, **{_WITHIN: within or place in often, **options})
        if place in often and len(text) > _SHORT:
            named.append(f"{text} AS named{place}")
            text = f"named{place}"
        texts.append(text)
    written = template.format(*texts)
    if named:
        written = f"(SELECT {written} FROM (SELECT {', '.join(named)} OFFSET 0) AS named)"
    return checked(written)


def _row_count(element: RowCount, compiler: Any, **options: Any) -> str:
    """Without a column the rows would be those of the innermost select."""
    if not options.pop(_WITHIN, False):
        return element.template
    (column,) = (compiler.process(part, **options) for part in element.parts)
    return f"count(CASE {column} WHEN NULL THEN 1 ELSE 1 END)"


@lru_cache(maxsize=1024)
def _repeated(template: str) -> frozenset[int]:
    """The places of operands that stand in a template several times."""
    found = [int(name) for _, name, _, _ in Formatter().parse(template) if name is not None]
    return frozenset(place for place in found if found.count(place) > 1)
