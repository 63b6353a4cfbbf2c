"""Names with ``__`` in them: which field a name begins with, and where the words behind it lead."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from polystore.errors import FieldError
from polystore.query.names import Names, Scope
from polystore.schema.kinds import EmbeddedKind, ListKind, describe_kind
from polystore.schema.model import FieldInfo, Schema
from polystore.schema.paths import Attribute, PathInfo, follow, path_info


class Subject(NamedTuple):
    """What a name is about: a field or what lies at a path, and the words behind it.

    With ``elements`` it belongs to the elements of lists of embedded models, the outermost list first.
    """

    elements: tuple[FieldInfo, ...]
    field: FieldInfo
    rest: tuple[str, ...]


def find_subject(scope: Scope, name: str, is_test: Callable[[str], bool]) -> Subject:
    """What a name is about; the longest name of an annotation wins (``total__sum__gt``).

    Raises:
        FieldError: no such field, or a word that leads nowhere in an embedded model.
    """
    words = name.split("__")
    if isinstance(scope, Names):
        for size in range(len(words), 0, -1):
            known = scope.annotations.get("__".join(words[:size])) if scope.annotations else None
            if known is not None:
                return Subject((), known.field, tuple(words[size:]))
            field = scope.fields.get("__".join(words[:size]))
            if field is not None:
                return _followed(field, words[size:], is_test)
    return _followed(scope.field(words[0]), words[1:], is_test)


def _followed(field: FieldInfo, words: Sequence[str], is_test: Callable[[str], bool]) -> Subject:
    elements: list[FieldInfo] = []
    while True:
        followed = follow(field.kind, words, is_test)
        found = path_info(field, words, followed)
        rest = followed.rest
        match followed.kind:
            case ListKind(item=EmbeddedKind(schema=schema)) if rest and rest[0] in schema.by_name:
                elements.append(found)
                field, words = schema.by_name[rest[0]], rest[1:]
            case _:
                return Subject(tuple(elements), found, rest)


def find_field(scope: Scope, name: str) -> FieldInfo:
    """The field or annotation of that name, or what lies at the path.

    Raises:
        FieldError: nothing of that name; the message lists what there is.
    """
    known: Mapping[str, FieldInfo] = scope.fields if isinstance(scope, Names) else scope.by_name
    if "__" not in str(name) or name in known:
        return scope.field(name)
    if isinstance(scope, Names) and name in scope.annotations:
        return scope.field(name)
    elements, field, rest = find_subject(scope, name, lambda word: False)
    if elements:
        first = elements[0]
        raise FieldError(
            f"{first.label} is {describe_kind(first.kind)}, which has many values: name one of its elements, "
            f"{first.name}__0{name.removeprefix(first.name)}"
        )
    if rest:
        raise FieldError(f"{name}: {wrong_word(field, rest[0])}")
    return field


def assigned_field(schema: Schema, name: str) -> FieldInfo:
    """What an update sets: a field, or a part of an embedded model.

    Raises:
        FieldError: no such field, or a path into a list, a dict or JSON.
    """
    field = find_field(schema, name)
    if isinstance(field, PathInfo) and not all(isinstance(step, Attribute) for step in field.steps):
        raise FieldError(
            f"{field.label}: update() sets fields and parts of embedded models, not a place in a list, a dict or JSON; "
            f"assign the whole of {field.root.name}"
        )
    return field


def wrong_word(field: FieldInfo, word: str) -> str:
    """Why a word does not lead on from a field."""
    what = f"{field.label} is {describe_kind(field.kind)}"
    match field.kind:
        case EmbeddedKind(schema=schema) | ListKind(item=EmbeddedKind(schema=schema)):
            return f"{what}, which has no field {word!r}; its fields are {', '.join(schema.by_name)}"
        case ListKind():
            return f"{what}: its items are named by their index, {field.name}__0, not by {word!r}"
        case _:
            return f"{what}: {word!r} leads nowhere"
