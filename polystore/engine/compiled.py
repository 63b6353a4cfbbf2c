"""Compiled plans: what the plan cache holds, and how a store's answer becomes what the caller asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

from msgspec import Struct

from polystore.adapters.base import Adapter, Prepared, Source
from polystore.engine.load import Loader, build_loader
from polystore.errors import QueryTooBroad
from polystore.query import evaluate
from polystore.query.check import check_operation
from polystore.query.nodes import Count, Select
from polystore.query.planner import Plan


class Compiled(Struct, frozen=True, eq=False):
    """A plan made ready for one store.

    ``prepared`` is None when the answer is known without the store. ``finish`` turns the store's answer (and
    the values) into the terminal's: a list for rows, an int for counts, a bool for exists.
    """

    plan: Plan
    prepared: Prepared | None
    constants: tuple[Any, ...]
    finish: Callable[[Any, Sequence[Any]], Any]


def compile_plan(plan: Plan, adapter: Adapter, model: type[Any], store: str, label: str) -> Compiled:
    """Checks a plan against the store's capabilities and compiles it.

    Raises:
        NotSupportedError: the store cannot do it; nothing was sent.
    """
    if plan.operation is None:
        answer = _ANSWERS_OF_NOTHING[plan.terminal]
        return Compiled(plan, None, (), lambda _, __: list(answer) if isinstance(answer, tuple) else answer)
    check_operation(plan.operation, adapter.capabilities, label)
    prepared = adapter.compile(plan.operation)
    if plan.here is not None:
        return Compiled(plan, prepared, plan.constants, _finish_here(plan, prepared, model, store))
    if not isinstance(plan.operation, Select):
        finish = _exists if plan.terminal == "exists" else _as_is
        return Compiled(plan, prepared, plan.constants, finish)
    output = plan.output
    wider = len(prepared.sources) > len(output.fields)
    sources = prepared.sources[: len(output.fields)]
    load = build_loader(output.form, output.fields, sources, model=model, store=store, wider=wider)
    if plan.terminal == "page":
        return Compiled(plan, prepared, plan.constants, _finish_page(plan, prepared, load))
    return Compiled(plan, prepared, plan.constants, load)


def _finish_page(plan: Plan, prepared: Prepared, load: Loader) -> Callable[[Any, Sequence[Any]], Any]:
    """A page's rows, and the function from a row's place to its plain key."""
    assert isinstance(plan.operation, Select)
    columns = [plan.operation.columns[i] for i in plan.key]
    read_key = build_loader("tuples", columns, [prepared.sources[i] for i in plan.key], rich=False, wider=True)

    def finish(rows: Any, _: Sequence[Any]) -> Any:
        return load(rows), lambda place: read_key([rows[place]])[0]

    return finish


_ANSWERS_OF_NOTHING: dict[str, Any] = {
    "rows": (),
    "get": (),
    "last": (),
    "page": ((), None),
    "count": 0,
    "exists": False,
    "delete": 0,
    "update": 0,
}


def _as_is(answer: Any, _: Sequence[Any]) -> Any:
    return answer


def _exists(answer: Any, _: Sequence[Any]) -> bool:
    return bool(answer)


def _finish_here(plan: Plan, prepared: Prepared, model: type[Any], store: str) -> Callable[[Any, Sequence[Any]], Any]:
    """The client-side stage: within its budget, evaluated on plain rows."""
    here, max_rows, schema = plan.here, plan.max_rows, plan.schema
    assert max_rows is not None
    budget = max_rows
    read = build_loader("values", schema.fields, prepared.sources, rich=False)
    write = _writer(plan, model, store)

    def finish(answer: Any, values: Sequence[Any]) -> Any:
        if len(answer) > budget:
            raise QueryTooBroad(
                f"{schema.name}: more than client(max_rows={budget}) rows reach the part evaluated here; "
                "filter more before client(), or raise max_rows"
            )
        rows = read(answer)
        if isinstance(here, Count):
            number = evaluate.count_rows(rows, here, values)
            return number > 0 if plan.terminal == "exists" else number
        assert here is not None
        return write(evaluate.select_rows(rows, here, values))

    return finish


def _writer(plan: Plan, model: type[Any], store: str) -> Loader:
    output = plan.output
    sources = [Source(field.name, deepcopy if field.mutable else None) for field in output.fields]
    return build_loader(output.form, output.fields, sources, model=model, store=store)
