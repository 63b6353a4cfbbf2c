"""Row locks: what can be locked, and by which words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from polystore.errors import FieldError, QueryUsageError, suggestion
from polystore.schema.model import Schema

if TYPE_CHECKING:
    from polystore.query.stages import Query

SELF = "self"
"""What ``of`` calls the queryset's own model."""


def lock_step(name: str, nowait: Any, skip_locked: Any, of: Iterable[str] | str, no_key: Any) -> tuple[Any, ...]:
    """The step of a lock.

    Raises:
        QueryUsageError: options that are no bool, or that contradict each other.
        FieldError: ``of`` names something that the queryset does not read.
    """
    for option, given in (("nowait", nowait), ("skip_locked", skip_locked), ("no_key", no_key)):
        if type(given) is not bool:
            raise QueryUsageError(f"{name}: select_for_update() takes {option}=True or False, not {given!r}")
    if nowait and skip_locked:
        raise QueryUsageError(f"{name}: select_for_update() takes nowait or skip_locked, not both")
    for read in (of,) if isinstance(of, str) else of:
        if read != SELF:
            raise FieldError(
                f"{name}: select_for_update(of=...) names what the query reads, which is {SELF!r} alone, not {read!r}"
                f"{suggestion(read, [SELF])}"
            )
    return ("lock", nowait, skip_locked, no_key)


def refuse_lock(schema: Schema, stage: Query, terminal: str) -> None:
    """Refuses a lock where no rows of the model are read that it could hold.

    Raises:
        QueryUsageError: names what reads no rows.
    """
    if stage.lock is None:
        return
    what = f"{terminal}()" if terminal in ("count", "estimate", "exists", "aggregate") else ""
    what = what or ("groups" if stage.keys is not None else "distinct()" if stage.removes else "")
    if what:
        raise QueryUsageError(
            f"{schema.name}: select_for_update() locks the rows that are read, and {what} reads none that could be "
            "locked; read the rows themselves"
        )
