"""What the replies to writes mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polystore.adapters.redis.errors import refusal
from polystore.adapters.redis.layout import Layout
from polystore.errors import BulkWriteError, PolystoreError

WRITTEN, STALE, LEFT_OUT = 1, 2, 3


def conflict_holder(reply: Sequence[Any]) -> bytes | None:
    """The row outside the batch that a refused write collided with, if there is one."""
    return (reply[3] or None) if reply[0] == b"UNIQUE" else None


def lost_race(reply: Sequence[Any], constraint: int) -> bool:
    """Whether another writer took the target in the meantime, or let it go, so that it helps to try again.

    Args:
        reply: the script's refusal.
        constraint: the number of the target's constraint; 0 is the primary key.
    """
    if reply[0] == b"UNIQUE":
        return bool(reply[2] == constraint and reply[3])
    return reply[0] == b"MOVED" or (reply[0] == b"EXISTS" and constraint == 0)


def insert_error(layout: Layout, reply: Sequence[Any], written: int, total: int) -> PolystoreError:
    """The error of a refused batch: after other batches it tells what became of each row."""
    error = refusal(layout, reply)
    assert error is not None
    if not written:
        return error
    place = written + reply[1] - 1
    rest = PolystoreError(f"{layout.schema.name}: not written, because of row {place}: {error}")
    outcomes: list[PolystoreError | None] = [None] * written + [rest] * (total - written)
    outcomes[place] = error
    return BulkWriteError(
        f"{layout.schema.name}: {written} of {total} rows were written, then row {place} was refused: {error}",
        outcomes=outcomes,
        model=layout.schema.name,
    )


def update_error(layout: Layout, reply: Sequence[Any], written: int) -> PolystoreError:
    """The error of a refused batch of changes."""
    error = refusal(layout, reply)
    assert error is not None
    if written:
        error.add_note(f"{written} rows had been changed before, in earlier batches")
    return error
