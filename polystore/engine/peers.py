"""Instances that were read together: a field left out is read for all of them at once when one needs it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from polystore.engine import _sync, changes, saved
from polystore.engine.handle import Handle
from polystore.schema.model import Schema

MOST_AT_ONCE = 1000


def load_deferred(handle: Handle, instance: Any, name: str) -> None:
    """Reads a field of the instance and of those of its peers that lack it, too; one round trip.

    Peers whose rows are gone stay as they are.

    Raises:
        DoesNotExist: the instance's own row is gone.
    """
    schema = handle.schema
    lacking = {changes.stored_key(instance, schema): [instance]}
    for peer in _peers(instance, name, schema):
        lacking.setdefault(changes.stored_key(peer, schema), []).append(peer)
    keys = tuple(islice(lacking, MOST_AT_ONCE))
    if len(keys) == 1:
        _sync.refresh(handle, instance, [name])
        return
    size = 1 << (len(keys) - 1).bit_length()
    compiled = handle.compiled("rows", (("filter", (("in", "pk", size),)), ("only", (name,))))
    for row in _sync.run(handle, compiled, [keys + keys[-1:] * (size - len(keys))]):
        for found in lacking[changes.stored_key(row, schema)]:
            saved.take_over(found, row, [name])
    if name not in instance.__dict__:
        raise changes.missing_row(instance, schema)


def _peers(instance: Any, name: str, schema: Schema) -> Iterator[Any]:
    """The others that were read with the instance, are still there and lack the field: those behind it first."""
    together = [peer for reference in saved.peers_of(instance) if (peer := reference()) is not None]
    place = next((place for place, peer in enumerate(together) if peer is instance), 0)
    for peer in together[place + 1 :] + together[:place]:
        if name not in peer.__dict__ and saved.is_saved(peer) and not changes.key_was_changed(peer, schema):
            yield peer
