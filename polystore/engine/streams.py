"""Reading little by little: what it needs of a store."""

from __future__ import annotations

from polystore.adapters.base import Feature
from polystore.engine.compiled import Compiled
from polystore.engine.handle import Handle
from polystore.errors import NotSupportedError
from polystore.query.explain import describe_operation


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
