"""The text of ``explain()``: the query in the user's words, the plan, the native command."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import indent
from typing import Any

from polystore.adapters.base import SupportsAnalyze
from polystore.engine.compiled import Compiled
from polystore.engine.handle import Handle
from polystore.engine.nested import Nested, asked_first, is_one_command
from polystore.errors import NotSupportedError, PolystoreError
from polystore.query.explain import describe_operation
from polystore.query.planner import plan
from polystore.query.stages import Shape
from polystore.query.subqueries import flat
from polystore.schema.model import Schema


def _explain_nested(handle: Handle, compiled: Compiled, nested: Nested, values: Sequence[Any], *, analyze: bool) -> str:
    """The account of a query with others within: of its one command, or of its steps."""
    if is_one_command(handle, nested, values):
        whole = handle.compiled_whole(nested.terminal, nested.shape, nested.assignments)
        return explain_plan(handle, whole, flat(values), analyze=analyze)
    if analyze:
        raise NotSupportedError(
            f"{handle.schema.name} on {handle.connection.label}: this query takes several commands, and a server gives "
            "account of one; use explain()"
        )
    operation = compiled.plan.operation
    assert operation is not None
    whole_values = [*flat(values), *compiled.plan.constants]
    lines = [f"query: {describe_operation(operation, whole_values)}"]
    for first in asked_first(handle, nested, values):
        account = explain_plan(first.handle, first.compiled, first.values, analyze=False)
        lines.append("first:\n" + indent(account.rstrip(), "  "))
        if first.most is not None:
            lines.append(f"  at most {first.most} values of it are passed on")
    return "\n".join([*lines, f"then: the query, with the values found, on store: {handle.connection.label}"])


def describe_shape(schema: Schema, shape: Shape) -> str:
    """The structure of a query in the user's words, without its values; a wrong one with what is wrong about it."""
    try:
        found = plan(schema, shape, "rows")
    except PolystoreError as error:
        return str(error)
    if found.operation is None:
        return "no row can match"
    before = describe_operation(found.operation, None)
    return before if found.here is None else f"{before}; here: {describe_operation(found.here, None)}"


def explain_plan(handle: Handle, compiled: Compiled, values: Sequence[Any], *, analyze: bool) -> str:
    """Query, plan and native command; with ``analyze`` also what the server says, in one round trip.

    Raises:
        NotSupportedError: ``analyze`` on a store that has no account to give.
    """
    found = compiled.plan
    if compiled.nested is not None:
        return _explain_nested(handle, compiled, compiled.nested, values, analyze=analyze)
    if found.operation is None or compiled.prepared is None:
        return f"query: no {found.schema.name} can match\nplan: nothing is asked\n"
    values = [*values, *compiled.constants]
    lines = [f"query: {describe_operation(found.operation, values)}", f"store: {handle.connection.label}"]
    if found.here is not None:
        lines.append(f"here, on at most {found.max_rows} rows: {describe_operation(found.here, values)}")
    lines.append(f"command: {compiled.prepared.describe(values)}")
    if analyze:
        backend = handle.connection.backend
        if not isinstance(backend, SupportsAnalyze):
            raise NotSupportedError(f"store {handle.connection.label} gives no account of its plans; use explain()")
        with handle.connection.naming():
            lines.append(f"server: {backend.analyze(compiled.prepared.bind(values))}")
    return "\n".join(lines)
