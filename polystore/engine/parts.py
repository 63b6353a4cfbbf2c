"""Parts of embedded models that an update sets: their validated values."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from polystore.engine import validation
from polystore.errors import FieldError
from polystore.query.lookups.paths import assigned_field
from polystore.schema.kinds import EmbeddedKind
from polystore.schema.model import Schema
from polystore.schema.paths import Attribute, PathInfo


def clean_parts(schema: Schema, values: Mapping[str, Any]) -> dict[str, Any]:
    """The validated values of those names that lead into embedded models.

    Raises:
        ValidationError: a value that the embedded model's field does not accept.
    """
    found = {}
    for name, value in values.items():
        field = assigned_field(schema, name)
        if isinstance(field, PathInfo):
            around = field.steps[-2] if len(field.steps) > 1 else Attribute(field.root)
            last = field.steps[-1]
            assert isinstance(around, Attribute)
            assert isinstance(last, Attribute)
            kind = around.field.kind
            assert isinstance(kind, EmbeddedKind)
            found[name] = validation.clean_values(kind.model, kind.schema, {last.field.name: value})[last.field.name]
    return found


def refuse_overlaps(schema: Schema, names: Collection[str], parts: Collection[str]) -> None:
    """Refuses to set a part of what is set as a whole.

    Raises:
        FieldError: names both.
    """
    for part in parts:
        words = part.split("__")
        for size in range(1, len(words)):
            whole = "__".join(words[:size])
            if whole in names:
                raise FieldError(f"{schema.name}: update() sets {whole} and a part of it, {part}; set one of them")
