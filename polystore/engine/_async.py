"""Running plans, and what takes several commands.

Each function asks, looks at the answer by a pure function of ``changes``, and asks again; no rule stands here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from polystore.engine import changes
from polystore.engine.compiled import Compiled
from polystore.engine.handle import Handle
from polystore.engine.writes import (
    KEY_SHAPE,
    batches,
    insert_fields,
    instance_update,
    note_inserted,
    note_updated,
    stale,
)
from polystore.errors import StoreUnavailable, UniqueViolation
from polystore.schema.model import FieldInfo


async def run(handle: Handle, compiled: Compiled, values: Sequence[Any]) -> Any:
    """Runs a compiled plan: one command, none when its answer is known."""
    if compiled.prepared is None:
        return compiled.finish(None, values)
    if compiled.constants:
        values = [*values, *compiled.constants]
    try:
        answer = await handle.connection.async_backend.execute(compiled.prepared.bind(values))
    except StoreUnavailable as error:
        handle.connection.name_in(error)
        raise
    return compiled.finish(answer, values)


async def insert(handle: Handle, fields: tuple[FieldInfo, ...], rows: Sequence[Any], ignore_conflicts: bool) -> Any:
    """Inserts rows of validated values; answers the keys that the store allocated."""
    prepared, dump = handle.insert(fields, ignore_conflicts)
    try:
        return await handle.connection.async_backend.execute(prepared.bind([dump(row) for row in rows]))
    except StoreUnavailable as error:
        handle.connection.name_in(error)
        raise


async def save(handle: Handle, instance: Any, request: changes.SaveRequest) -> None:
    """Writes an instance as its request says."""
    if request.action == "nothing":
        return
    if request.action != "insert" and await _update(handle, instance, request):
        return
    if request.action == "update":
        raise await _refusal(handle, instance, request)
    fields = insert_fields(handle.schema, request.row)
    allocated = await insert(handle, fields, [request.row], False)
    note_inserted(handle, instance, request.row, allocated[0] if allocated else None)


async def _update(handle: Handle, instance: Any, request: changes.SaveRequest) -> bool:
    shape, assignments, values, written = instance_update(handle.schema, request)
    if not assignments:
        exists = handle.compiled("exists", shape)
        return bool(await run(handle, exists, values))
    matched = await run(handle, handle.compiled("update", shape, assignments), values)
    if matched:
        note_updated(handle, instance, written)
    return bool(matched)


async def _refusal(handle: Handle, instance: Any, request: changes.SaveRequest) -> Exception:
    if request.version is not None:
        exists = handle.compiled("exists", KEY_SHAPE)
        if await run(handle, exists, [changes.key_of(request.row, handle.schema)]):
            return stale(handle.schema, request)
    return changes.missing_row(instance, handle.schema)


async def insert_many(handle: Handle, instances: Sequence[Any], batch_size: int | None, ignore_conflicts: bool) -> None:
    """Inserts instances: all are validated before the first is sent; one command a batch, at the least."""
    rows = [changes.insert_row(instance, handle.schema) for instance in instances]
    for fields, batch in batches(handle, instances, rows, batch_size):
        allocated = await insert(handle, fields, [row for _, row in batch], ignore_conflicts)
        keys = iter(allocated or ())
        if not ignore_conflicts:
            for instance, row in batch:
                note_inserted(handle, instance, row, next(keys, None))


async def update_many(handle: Handle, instances: Sequence[Any], names: Sequence[str]) -> int:
    """Writes some fields of saved instances, one command each; answers how many rows there were."""
    requests = [changes.save_request(each, handle.schema, False, False, names) for each in instances]
    matched = 0
    for instance, request in zip(instances, requests, strict=True):
        matched += await _update(handle, instance, request)
    return matched


async def upsert(handle: Handle, instance: Any) -> None:
    """Updates the row of the instance's key or inserts it; an insert that loses a race updates."""
    request = changes.upsert_request(instance, handle.schema)
    try:
        await save(handle, instance, request)
    except UniqueViolation as error:
        if error.fields != (handle.schema.primary_key.name,) or not await _update(handle, instance, request):
            raise


async def delete(handle: Handle, instance: Any) -> int:
    """Deletes the instance's row; answers 1, or 0 when it was gone."""
    key = changes.stored_key(instance, handle.schema)
    number: int = await run(handle, handle.compiled("delete", KEY_SHAPE), [key])
    changes.mark_deleted(instance)
    return number


async def refresh(handle: Handle, instance: Any, names: Sequence[str]) -> None:
    """Reads fields of the instance anew."""
    shape = (*KEY_SHAPE, ("only", tuple(names)))
    rows = await run(handle, handle.compiled("get", shape), [changes.stored_key(instance, handle.schema)])
    if not rows:
        raise changes.missing_row(instance, handle.schema)
    changes.take_over(instance, rows[0], names)


async def pages(
    handle: Handle, shape: Any, values: Sequence[Any], size: int, offset: int, most: int | None
) -> AsyncIterator[Any]:
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
        rows, key_of = await run(handle, handle.compiled("page", (*shape, step)), [*bound, wanted])
        for row in rows:
            yield row
        if len(rows) < wanted:
            return
        most = None if most is None else most - wanted
        key = key_of(-1)
        step = ("after", tuple(value is not None for value in key))
        bound = [*values, *(value for value in key if value is not None)]


async def find_or_insert(handle: Handle, find: Any, values: Mapping[str, Any]) -> tuple[Any, bool]:
    """The row that ``find`` finds or a new one, and whether it is new. A lost race for a unique value finds again."""
    found = await find()
    if found is not None:
        return found, False
    instance = changes.new_instance(handle.model, handle.schema, values)
    try:
        await save(handle, instance, changes.save_request(instance, handle.schema, True, False, None))
    except UniqueViolation:
        found = await find()
        if found is None:
            raise
        return found, False
    return instance, True


async def find_and_change(
    handle: Handle, find: Any, values: Mapping[str, Any], added: Mapping[str, Any]
) -> tuple[Any, bool]:
    """The row that ``find`` finds, changed to the values, or a new one of ``added``; and whether it is new."""
    found, created = await find_or_insert(handle, find, added)
    if not created:
        changes.assign(found, values)
        await save(handle, found, changes.save_request(found, handle.schema, False, False, None))
    return found, created
