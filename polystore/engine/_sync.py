# Generated from polystore/engine/_async.py by tools/twins.py. Do not edit.
"""Running plans, and what takes several commands.

Each function asks, looks at the answer by a pure function of ``changes``, and asks again; no rule stands here.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import Any

from polystore.adapters.base import Streaming
from polystore.engine import changes, saved
from polystore.engine.batches import Batch, failure, insert_batches, note_inserts, note_updates, update_batches
from polystore.engine.compiled import Compiled
from polystore.engine.handle import Handle, Writer
from polystore.engine.nested import Nested, asked_first, is_one_command, left_over
from polystore.engine.raw import RawRequest, load_raw
from polystore.engine.writes import (
    KEY_SHAPE,
    insert_fields,
    instance_update,
    note_inserted,
    note_updated,
    stale,
)
from polystore.errors import DoesNotExist, PolystoreError, StaleObject, StoreUnavailable, UniqueViolation
from polystore.query.operations import OnConflict
from polystore.query.subqueries import flat

MOST_ATTEMPTS = 20


def run(handle: Handle, compiled: Compiled, values: Sequence[Any]) -> Any:
    """Runs a compiled plan: one command, none when its answer is known."""
    if compiled.prepared is None:
        if compiled.nested is not None:
            return _run_nested(handle, compiled.nested, values)
        return compiled.finish(None, values)
    if compiled.constants:
        values = [*values, *compiled.constants]
    try:
        answer = handle.connection.backend.execute(compiled.prepared.bind(values))
    except StoreUnavailable as error:
        handle.connection.name_in(error)
        raise
    return compiled.finish(answer, values)


def run_raw(handle: Handle, request: RawRequest) -> list[Any]:
    """The instances of a raw query's rows; one command."""
    with handle.connection.naming():
        answer = handle.connection.backend.execute(request.query.command)
    return load_raw(handle, request, answer)


def _run_nested(handle: Handle, nested: Nested, values: Sequence[Any]) -> Any:
    """Runs a query with others within: as one command, or after those that have to be asked first."""
    if is_one_command(handle, nested, values):
        whole = handle.compiled_whole(nested.terminal, nested.shape, nested.assignments)
        return run(handle, whole, flat(values))
    firsts = asked_first(handle, nested, values)
    answers = [run(first.handle, first.compiled, first.values) for first in firsts]
    left = left_over(handle, nested, values, firsts, answers)
    return run(handle, left.compiled, left.values)


def write(handle: Handle, writer: Writer, rows: Sequence[Any]) -> Any:
    """Writes rows of validated values with one command; answers what the store tells of them."""
    command = writer.prepared.bind(list(map(writer.dump, rows)))
    try:
        answer = handle.connection.backend.execute(command)
    except StoreUnavailable as error:
        handle.connection.name_in(error)
        raise
    return answer if writer.load is None else writer.load(answer)


def save(handle: Handle, instance: Any, request: changes.SaveRequest) -> None:
    """Writes an instance as its request says."""
    if request.action == "nothing":
        return
    if request.action != "insert" and _update(handle, instance, request):
        return
    if request.action == "update":
        raise _refusal(handle, instance, request)
    allocated = write(handle, handle.insert(insert_fields(handle.schema, request.row)), [request.row])
    note_inserted(handle, instance, request.row, allocated[0] if allocated else None)


def _update(handle: Handle, instance: Any, request: changes.SaveRequest) -> bool:
    shape, assignments, values, written = instance_update(handle.schema, request)
    if not assignments:
        exists = handle.compiled("exists", shape)
        return bool(run(handle, exists, values))
    matched = run(handle, handle.compiled("update", shape, assignments), values)
    if matched:
        note_updated(handle, instance, written)
    return bool(matched)


def _refusal(handle: Handle, instance: Any, request: changes.SaveRequest) -> Exception:
    if request.version is not None:
        exists = handle.compiled("exists", KEY_SHAPE)
        if run(handle, exists, [changes.key_of(request.row, handle.schema)]):
            return stale(handle.schema, request)
    return changes.missing_row(instance, handle.schema)


def insert_many(
    handle: Handle,
    instances: Sequence[Any],
    batch_size: int | None = None,
    ignore_conflicts: bool = False,
    on_conflict: OnConflict | None = None,
) -> None:
    """Inserts instances: all are validated before the first is sent; one command a batch, at the least."""
    batches = insert_batches(handle.schema, instances, on_conflict, batch_size)
    writers = [handle.insert(batch.fields, ignore_conflicts, batch.on_conflict) for batch in batches]
    for number, batch in enumerate(batches):
        answer = _write_batch(handle, writers[number], batches, number)
        if not ignore_conflicts:
            note_inserts(handle, batch, answer)


def update_many(handle: Handle, instances: Sequence[Any], names: Iterable[str], batch_size: int | None = None) -> int:
    """Writes some fields of saved instances, one command a batch; answers how many rows there were."""
    batches = update_batches(handle.schema, instances, names, batch_size)
    matched = 0
    for number, batch in enumerate(batches):
        answer = _write_batch(handle, handle.update_each(batch.fields), batches, number)
        matched += note_updates(handle, batch, answer)
    return matched


def _write_batch(handle: Handle, writer: Writer, batches: Sequence[Batch], number: int) -> Any:
    try:
        return write(handle, writer, batches[number].rows)
    except PolystoreError as error:
        found = failure(error, batches, number)
        if found is error:
            raise
        raise found from error


def delete(handle: Handle, instance: Any) -> int:
    """Deletes the instance's row; answers 1, or 0 when it was gone."""
    key = changes.stored_key(instance, handle.schema)
    number: int = run(handle, handle.compiled("delete", KEY_SHAPE), [key])
    saved.mark_deleted(instance)
    return number


def refresh(handle: Handle, instance: Any, names: Sequence[str]) -> None:
    """Reads fields of the instance anew."""
    shape = (*KEY_SHAPE, ("only", tuple(names)))
    rows = run(handle, handle.compiled("get", shape), [changes.stored_key(instance, handle.schema)])
    if not rows:
        raise changes.missing_row(instance, handle.schema)
    saved.take_over(instance, rows[0], names)


def pages(
    handle: Handle, shape: Any, values: Sequence[Any], size: int, offset: int, most: int | None
) -> Generator[Any]:
    """Rows by pages that continue behind the last row's key: each row at most once; one command a page.

    Args:
        handle: the model on its store.
        shape: the query's structure without a slice.
        values: its values.
        size: rows in a page, all that is held at a time.
        offset: rows to leave out at the beginning.
        most: the most rows in all.
    """
    step: Any = ("slice", offset > 0, True)
    bound = [*values, offset] if offset else [*values]
    while most is None or most > 0:
        wanted = size if most is None else min(size, most)
        rows, key_of = run(handle, handle.compiled("page", (*shape, step)), [*bound, wanted])
        for row in rows:
            yield row
        if len(rows) < wanted:
            return
        most = None if most is None else most - wanted
        key = key_of(-1)
        step = ("after", tuple(value is not None for value in key))
        bound = [*values, *(value for value in key if value is not None)]


def stream(handle: Handle, compiled: Compiled, values: Sequence[Any], size: int) -> Generator[Any]:
    """The rows of a compiled plan, ``size`` held at a time; what is known here, or computed here, is held whole."""
    if compiled.prepared is None or compiled.plan.here is not None:
        for row in run(handle, compiled, values):
            yield row
        return
    backend = handle.connection.backend
    assert isinstance(backend, Streaming)
    bound = [*values, *compiled.constants]
    parts = backend.stream(compiled.prepared.bind(bound), size)
    try:
        with handle.connection.naming():
            for rows in parts:
                for row in compiled.finish(rows, bound):
                    yield row
    finally:
        parts.close()


def find_or_insert(handle: Handle, find: Any, new: Callable[[], Any]) -> tuple[Any, bool]:
    """The row that ``find`` finds or a new one, and whether it is new. A lost race for a unique value finds again."""
    found = find()
    if found is not None:
        return found, False
    instance = new()
    try:
        save(handle, instance, changes.save_request(instance, handle.schema, True, False, None))
    except UniqueViolation:
        found = find()
        if found is None:
            raise
        return found, False
    return instance, True


def find_and_change(handle: Handle, find: Any, values: Mapping[str, Any], new: Callable[[], Any]) -> tuple[Any, bool]:
    """The row that ``find`` finds, changed to the values, or a new one; and whether it is new.

    A row that another writer changes or deletes in between is found anew.
    """
    attempts = MOST_ATTEMPTS
    while True:
        found, created = find_or_insert(handle, find, new)
        if created:
            return found, True
        changes.assign(found, values)
        try:
            save(handle, found, changes.save_request(found, handle.schema, False, False, None))
            return found, False
        except (StaleObject, DoesNotExist):
            attempts -= 1
            if not attempts:
                raise
