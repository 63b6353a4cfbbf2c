"""The commands of bulk writes: which instances go together, and what an error leaves behind. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from msgspec import Struct

from polystore.engine import changes, validation
from polystore.engine.chosen import chosen_fields, refuse_unloaded
from polystore.engine.handle import Handle
from polystore.engine.writes import insert_fields, note_inserted, note_updated
from polystore.errors import BulkWriteError, DataError, IntegrityError, PolystoreError, QueryUsageError
from polystore.query.conflicts import may_collide
from polystore.query.operations import OnConflict
from polystore.schema.model import FieldInfo, Schema

Row: TypeAlias = Mapping[str, Any]


class Batch(Struct, frozen=True):
    """Instances that one command writes: their places among all, and their validated rows.

    ``fields`` are what the command writes; ``on_conflict`` goes with an insert.
    """

    places: tuple[int, ...]
    instances: tuple[Any, ...]
    rows: tuple[Row, ...]
    fields: tuple[FieldInfo, ...]
    on_conflict: OnConflict | None = None


def insert_batches(
    schema: Schema, instances: Sequence[Any], on_conflict: OnConflict | None, size: int | None
) -> list[Batch]:
    """The commands that insert instances: apart are those with and without a key, and those that cannot collide.

    Raises:
        ValidationError: values that their fields do not accept.
    """
    rows = [changes.insert_row(instance, schema) for instance in instances]
    groups: dict[tuple[tuple[FieldInfo, ...], OnConflict | None], list[int]] = {}
    for place, row in enumerate(rows):
        found = on_conflict if on_conflict is not None and may_collide(on_conflict, row) else None
        groups.setdefault((insert_fields(schema, row), found), []).append(place)
    return [
        Batch(part, tuple(instances[at] for at in part), tuple(rows[at] for at in part), fields, found)
        for (fields, found), places in groups.items()
        for part in _parts(places, size)
    ]


def update_batches(schema: Schema, instances: Sequence[Any], names: Iterable[str], size: int | None) -> list[Batch]:
    """The commands that write some fields of saved instances; a row that comes twice is written twice.

    Raises:
        FieldError: an unknown field or one that cannot be written.
        ValidationError: values that their fields do not accept.
        QueryUsageError: an instance without a key, or that was loaded without one of the fields.
    """
    fields = chosen_fields(schema, names)
    if not fields:
        raise QueryUsageError(f"{schema.name}: bulk_update() needs at least one field to write")
    rows = [_update_row(instance, schema, fields) for instance in instances]
    seen: dict[Any, int] = {}
    turns: list[list[int]] = []
    for place, row in enumerate(rows):
        key = changes.key_of(row, schema)
        turn = seen[key] = seen.get(key, -1) + 1
        if turn == len(turns):
            turns.append([])
        turns[turn].append(place)
    return [
        Batch(part, tuple(instances[at] for at in part), tuple(rows[at] for at in part), fields)
        for places in turns
        for part in _parts(places, size)
    ]


def _update_row(instance: Any, schema: Schema, fields: Sequence[FieldInfo]) -> dict[str, Any]:
    """The validated values of an instance of which some fields are to be written.

    Raises:
        ValidationError: values that their fields do not accept.
        QueryUsageError: the instance has no key or a changed one, or was loaded without one of the fields.
    """
    changes.refuse_changed_key(instance, schema)
    row = validation.clean(instance, schema)
    if row.get(schema.primary_key.name) is None:
        raise QueryUsageError(f"{schema.name}: an instance without a primary key cannot be updated; save() it first")
    refuse_unloaded(schema, row, fields)
    return row | changes.moments(schema)


def _parts(places: Sequence[int], size: int | None) -> Iterator[tuple[int, ...]]:
    step = size or len(places)
    for start in range(0, len(places), step):
        yield tuple(places[start : start + step])


def note_inserts(handle: Handle, batch: Batch, answer: Sequence[Any]) -> None:
    """Gives inserted instances their keys, or what the store tells of them, and marks them as saved."""
    if batch.on_conflict is None:
        keys = iter(answer)
        for instance, row in zip(batch.instances, batch.rows, strict=True):
            note_inserted(handle, instance, row, next(keys, None))
        return
    told: Sequence[Row] = answer or ({},) * len(batch.rows)
    for instance, row, found in zip(batch.instances, batch.rows, told, strict=True):
        if None not in found.values():
            note_inserted(handle, instance, {**row, **found}, None)


def note_updates(handle: Handle, batch: Batch, answer: Sequence[bool]) -> int:
    """Marks what was written of the instances whose rows were there; answers how many these are."""
    version = handle.schema.version
    for instance, row, there in zip(batch.instances, batch.rows, answer, strict=True):
        if there:
            written = {info.name: row[info.name] for info in batch.fields}
            if version is not None:
                written[version.name] = row[version.name] + 1
            note_updated(handle, instance, written)
    return sum(answer)


def failure(error: PolystoreError, batches: Sequence[Batch], number: int) -> PolystoreError:
    """The error of one of several batches: where rows were written, it tells what became of each instance."""
    batch, done = batches[number], {place for each in batches[:number] for place in each.places}
    if len(batches) == 1 or not (done or isinstance(error, BulkWriteError)):
        return error
    total = sum(len(each.places) for each in batches)
    name = type(batch.instances[0]).__name__
    if not isinstance(error, IntegrityError | DataError):
        error.add_note(f"{len(done)} of {total} {name} were written before")
        return error
    missed = PolystoreError(f"{name}: not tried, because an earlier batch failed")
    outcomes: list[PolystoreError | None] = [None if place in done else missed for place in range(total)]
    own = error.outcomes if isinstance(error, BulkWriteError) else (error,) * len(batch.places)
    for place, outcome in zip(batch.places, own, strict=True):
        outcomes[place] = outcome
    return BulkWriteError(
        f"{name}: {outcomes.count(None)} of {total} rows were written, then: {error}", outcomes=outcomes, model=name
    )
