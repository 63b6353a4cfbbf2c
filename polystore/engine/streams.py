"""Reading little by little: what it needs of a store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polystore.adapters.base import Feature
from polystore.engine.compiled import Compiled
from polystore.engine.handle import Handle
from polystore.engine.nested import asked_first, is_one_command
from polystore.errors import NotSupportedError
from polystore.query.explain import describe_operation
from polystore.query.planner import page_order
from polystore.query.stages import Shape


def refuse_next_page(handle: Handle, shape: Shape, values: Sequence[Any]) -> None:
    """Refuses before the first page what a store cannot continue behind it; the plan is kept for the next page.

    Raises:
        NotSupportedError: rows behind a key are more than the store can ask for.
    """
    after = ("after", (True,) * len(page_order(handle.schema, shape)))
    compiled = handle.compiled("page", (*shape, after))
    if compiled.nested is not None and not is_one_command(handle, compiled.nested, values):
        asked_first(handle, compiled.nested, values)


def refuse_stream(handle: Handle, compiled: Compiled) -> None:
    """Refuses to read little by little what a store answers only whole.

    Raises:
        NotSupportedError: the store has no cursors, and the rows are not held here anyway.
    """
    operation, connection = compiled.plan.operation, handle.connection
    if operation is None or compiled.plan.here is not None:
        return
    if Feature.STREAM not in connection.adapter.capabilities.features:
        raise NotSupportedError(
            f"{handle.schema.name} on {connection.label}: the store has no cursor for iterator() of "
            f"{describe_operation(operation)}; order by fields, or read the rows at once by list()"
        )
