"""A note as a store gives it and as a save leaves it, and what saving it would do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from polystore.adapters.base import Source
from polystore.engine import changes, saved, validation
from polystore.engine.load import build_loader
from polystore.schema.model import Schema
from tests.engine.models import NOTE, Colour, Note, Spot

RAW = (1, "a", 5, "red", '{"a": [1, true, null]}', '["x"]', '{"name": "here", "colour": "blue"}')


def loaded(names: Sequence[str] | None = None) -> Any:
    """A note, or some of its fields, as it comes from a store that keeps structures as text."""
    fields = NOTE.fields if names is None else [NOTE.field(name) for name in names]
    sources = [Source(info.position, json.loads if info.mutable else None) for info in fields]
    return build_loader("models", fields, sources, model=Note, store="main", wider=True)([RAW])[0]


def created() -> Any:
    """The same note, as its own save left it."""
    note = Note(title="a", stars=5, colour=Colour.RED, data={"a": [1, True, None]}, tags=["x"])
    note.spot = Spot(name="here", colour=Colour.BLUE)
    row = validation.clean(note, NOTE)
    saved.mark_saved(note, NOTE, "main", row | {"id": 1})
    return note


def request(instance: Any, schema: Schema = NOTE, **options: Any) -> changes.SaveRequest:
    given = {"force_insert": False, "force_update": False, "update_fields": None} | options
    return changes.save_request(instance, schema, **given)


def changed(note: Any) -> list[str]:
    return [info.name for info in request(note).changed]
