"""Writing many instances with few commands; a floor of the queryset."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from polystore.api.chain import M, R
from polystore.api.complete import schema_of
from polystore.api.reading import Reading
from polystore.engine import _async, _sync
from polystore.errors import QueryUsageError
from polystore.query.conflicts import names_of, on_conflict, read_conflicts

if TYPE_CHECKING:
    from polystore.query.operations import OnConflict


class Bulk(Reading[M, R]):
    """The part of a queryset that writes instances."""

    __slots__ = ()

    def _instances(self, instances: Iterable[Any], batch_size: int | None) -> list[Any]:
        if batch_size is not None and (type(batch_size) is not int or batch_size < 1):
            raise QueryUsageError(f"{self._model.__name__}: batch_size must be an int >= 1, not {batch_size!r}")
        found = list(instances)
        for instance in found:
            if type(instance) is not self._model:
                raise QueryUsageError(f"a bulk write of {self._model.__name__} takes its instances, not {instance!r}")
        return found

    def bulk_create(
        self,
        instances: Iterable[M],
        *,
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        unique_fields: Iterable[str] | None = None,
        update_fields: Iterable[str] | None = None,
    ) -> list[M]:
        """Inserts instances: all are validated before the first is written; a batch is written whole or not at all.

        With ``update_conflicts`` an instance that finds a row with its ``unique_fields`` gives that row its
        ``update_fields`` in place of a new row, as if one instance came after the other. It then has the row's key and
        version; the row's other values are not read.

        Args:
            instances: new instances of the model.
            batch_size: rows in a command; by default all, in pieces that the store takes.
            ignore_conflicts: leave out rows that collide with a unique constraint; keys are not set then.
            update_conflicts: change the rows that are there.
            unique_fields: the primary key, or the fields of a unique constraint.
            update_fields: what changes; ``auto_now`` fields do so too, and a version counts on.

        Returns:
            The instances, with their keys.

        Raises:
            FieldError: ``unique_fields`` are no unique constraint, or ``update_fields`` cannot be changed.
            ValidationError, IntegrityError: nothing was written.
            BulkWriteError: after earlier batches, or on stores without transactions: the outcome of each instance.
            NotSupportedError: the store cannot do this with rows in conflict; nothing was sent.

        Cost: one round trip a batch (on PostgreSQL one more to allocate keys).
        """
        found = self._instances(instances, batch_size)
        handle = self._handle()
        changed = read_conflicts(
            handle.schema,
            ignore_conflicts=ignore_conflicts,
            update_conflicts=update_conflicts,
            unique_fields=unique_fields,
            update_fields=update_fields,
        )
        _sync.insert_many(handle, found, batch_size, ignore_conflicts, changed)
        return found

    async def abulk_create(
        self,
        instances: Iterable[M],
        *,
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        unique_fields: Iterable[str] | None = None,
        update_fields: Iterable[str] | None = None,
    ) -> list[M]:
        """``bulk_create`` in the async colour."""
        found = self._instances(instances, batch_size)
        handle = self._handle()
        changed = read_conflicts(
            handle.schema,
            ignore_conflicts=ignore_conflicts,
            update_conflicts=update_conflicts,
            unique_fields=unique_fields,
            update_fields=update_fields,
        )
        await _async.insert_many(handle, found, batch_size, ignore_conflicts, changed)
        return found

    def upsert(
        self, instance: M, *, unique_fields: Iterable[str] = ("pk",), update_fields: Iterable[str] | None = None
    ) -> M:
        """Writes the instance over the row that has its ``unique_fields``, or inserts it; no race can come between.

        Args:
            instance: the instance; it then has the row's key and version.
            unique_fields: the primary key, or the fields of a unique constraint.
            update_fields: what a row that is there takes; by default everything but ``auto_now_add`` fields.

        Raises:
            FieldError, ValidationError, IntegrityError, NotSupportedError: as ``bulk_create`` with
                ``update_conflicts``; nothing was written.

        Cost: that of ``bulk_create``.
        """
        handle = self._handle()
        _sync.insert_many(
            handle, self._instances([instance], None), on_conflict=self._found_by(unique_fields, update_fields)
        )
        return instance

    async def aupsert(
        self, instance: M, *, unique_fields: Iterable[str] = ("pk",), update_fields: Iterable[str] | None = None
    ) -> M:
        """``upsert`` in the async colour."""
        handle = self._handle()
        await _async.insert_many(
            handle, self._instances([instance], None), on_conflict=self._found_by(unique_fields, update_fields)
        )
        return instance

    def _found_by(self, unique_fields: Iterable[str], update_fields: Iterable[str] | None) -> OnConflict:
        schema = schema_of(self._model)
        changed = None if update_fields is None else names_of(schema, update_fields)
        return on_conflict(schema, names_of(schema, unique_fields), changed)

    def bulk_update(self, instances: Iterable[M], fields: Iterable[str], *, batch_size: int | None = None) -> int:
        """Writes some fields of saved instances; all are validated before the first is written.

        A row whose version has passed is left as it is and not counted. Where the store has transactions, a batch is
        written whole or not at all.

        Args:
            instances: instances with a key.
            fields: what is written; ``auto_now`` fields are so too, and a version counts on.
            batch_size: rows in a command; by default all, in pieces that the store takes.

        Returns:
            The number of rows that were there.

        Raises:
            ValidationError, IntegrityError: nothing was written.
            BulkWriteError: after earlier batches, or on stores without transactions: the outcome of each instance.

        Cost: one round trip a batch; where a field of a unique constraint is written, more on some stores.
        """
        found = self._instances(instances, batch_size)
        return _sync.update_many(self._handle(), found, names_of(schema_of(self._model), fields), batch_size)

    async def abulk_update(
        self, instances: Iterable[M], fields: Iterable[str], *, batch_size: int | None = None
    ) -> int:
        """``bulk_update`` in the async colour."""
        found = self._instances(instances, batch_size)
        return await _async.update_many(self._handle(), found, names_of(schema_of(self._model), fields), batch_size)
