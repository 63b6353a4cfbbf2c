"""Compiled plans: what the plan cache holds, and how a store's answer becomes what the caller asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any, TypeAlias

from msgspec import Struct

from polystore.adapters.base import Adapter, Prepared, Source
from polystore.engine.load import Loader, build_loader
from polystore.engine.locks import outside_transaction
from polystore.engine.nested import Nested
from polystore.errors import QueryTooBroad
from polystore.query import evaluate
from polystore.query.check import check_operation
from polystore.query.operations import Combination, Count, Group, Select
from polystore.query.planner import Plan
from polystore.query.subqueries import flat

Finish: TypeAlias = Callable[[Any, Sequence[Any]], Any]


class Compiled(Struct, frozen=True, eq=False):
    """A plan made ready for one store.

    ``prepared`` is None when the answer is known without the store, or where ``nested`` tells of queries within that
    may have to be asked first. ``finish`` turns the store's answer (and
    the values) into the terminal's: a list for rows, an int for counts, a bool for exists.
    """

    plan: Plan
    prepared: Prepared | None
    constants: tuple[Any, ...]
    finish: Finish
    nested: Nested | None = None


def compile_plan(plan: Plan, adapter: Adapter, model: type[Any], store: str, label: str) -> Compiled:
    """Checks a plan against the store's capabilities and compiles it.

    Raises:
        NotSupportedError: the store cannot do it; nothing was sent.
    """
    if plan.operation is None:
        return Compiled(plan, None, (), _finish_nothing(plan, model, store))
    check_operation(plan.operation, adapter.capabilities, label)
    prepared = outside_transaction(plan.operation, adapter.compile(plan.operation))
    if plan.here is not None:
        return Compiled(plan, prepared, plan.constants, _finish_here(plan, prepared, model, store))
    return Compiled(plan, prepared, plan.constants, _finish_there(plan, prepared, model, store))


def _finish_there(plan: Plan, prepared: Prepared, model: type[Any], store: str) -> Finish:
    """What becomes of the store's answer."""
    operation = plan.operation
    if not isinstance(operation, Select | Group | Combination):
        return _exists if plan.terminal == "exists" else as_is
    if plan.terminal in ("count", "exists"):
        read_number = build_loader("flat", operation.outputs, prepared.sources, rich=False)
        return _finish_number(plan, read_number)
    output = plan.output
    wider = len(prepared.sources) > len(output.fields)
    sources = [prepared.sources[operation.outputs.index(field)] for field in output.fields]
    load = build_loader(output.form, output.fields, sources, model=model, store=store, wider=wider)
    if plan.terminal == "aggregate":
        return lambda rows, _: load(rows)[0]
    return _finish_page(plan, prepared, load) if plan.terminal == "page" else load


def _finish_number(plan: Plan, read: Loader) -> Finish:
    """The number in the only row, or whether it is not 0."""
    if plan.terminal == "exists":
        return lambda rows, _: read(rows)[0] > 0
    return lambda rows, _: read(rows)[0]


def _finish_nothing(plan: Plan, model: type[Any], store: str) -> Finish:
    """The answer that needs no store; aggregates over nothing are evaluated, for they may have defaults."""
    here = plan.here
    if isinstance(here, Group):
        write = _writer(plan, model, store)
        return lambda _, values: write(evaluate.group_rows((), here, flat(values)))[0]
    answer = _ANSWERS_OF_NOTHING[plan.terminal]
    return lambda _, __: list(answer) if isinstance(answer, tuple) else answer


def _finish_page(plan: Plan, prepared: Prepared, load: Loader) -> Finish:
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


def as_is(answer: Any, _: Sequence[Any]) -> Any:
    """The answer itself."""
    return answer


def _exists(answer: Any, _: Sequence[Any]) -> bool:
    return bool(answer)


def _finish_here(plan: Plan, prepared: Prepared, model: type[Any], store: str) -> Finish:
    """The client-side stage: within its budget, evaluated on plain rows."""
    max_rows, schema = plan.max_rows, plan.schema
    assert max_rows is not None
    budget = max_rows
    read = build_loader("values", schema.fields, prepared.sources, rich=False)
    evaluated = _evaluator(plan, model, store)

    def finish(answer: Any, values: Sequence[Any]) -> Any:
        if len(answer) > budget:
            raise QueryTooBroad(
                f"{schema.name}: more than client(max_rows={budget}) rows reach the part evaluated here; "
                "filter more before client(), or raise max_rows"
            )
        return evaluated(read(answer), values)

    return finish


def _evaluator(plan: Plan, model: type[Any], store: str) -> Finish:
    """The client-side operation on plain rows."""
    match plan.here:
        case Count() as number:
            if plan.terminal == "exists":
                return lambda rows, values: evaluate.count_rows(rows, number, values) > 0
            return lambda rows, values: evaluate.count_rows(rows, number, values)
        case Group() as group if plan.terminal in ("count", "exists"):
            finish = _finish_number(plan, lambda rows: [row[group.outputs[0].name] for row in rows])
            return lambda rows, values: finish(evaluate.group_rows(rows, group, values), values)
        case Group() as group:
            write = _writer(plan, model, store)
            if plan.terminal == "aggregate":
                return lambda rows, values: write(evaluate.group_rows(rows, group, values))[0]
            return lambda rows, values: write(evaluate.group_rows(rows, group, values))
        case Select() as select:
            write = _writer(plan, model, store)
            return lambda rows, values: write(evaluate.select_rows(rows, select, values))
        case None:
            raise AssertionError("a plan without a client stage")


def _writer(plan: Plan, model: type[Any], store: str) -> Loader:
    output = plan.output
    sources = [Source(field.name, deepcopy if field.mutable else None) for field in output.fields]
    return build_loader(output.form, output.fields, sources, model=model, store=store)
