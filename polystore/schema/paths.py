"""Paths into structured values: words after a field's name, as steps into embedded models, lists, dicts and JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from msgspec import Struct

from polystore.schema.kinds import EmbeddedKind, JsonKind, Kind, ListKind, MapKind
from polystore.schema.model import FieldInfo

_INDEX = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)


class Attribute(Struct, frozen=True):
    """The field of an embedded model."""

    field: FieldInfo


class Item(Struct, frozen=True):
    """The item of a list at an index from 0."""

    index: int


class Key(Struct, frozen=True):
    """The value of a ``dict[str, T]`` under a key."""

    key: str


class JsonKey(Struct, frozen=True):
    """What JSON holds under a key; where it is an array, the item whose index the key is."""

    key: str

    @property
    def index(self) -> int | None:
        """The index that the key is in an array."""
        return int(self.key) if _INDEX.fullmatch(self.key) else None


Step: TypeAlias = Attribute | Item | Key | JsonKey


class PathInfo(FieldInfo, frozen=True, eq=True, kw_only=True):
    """What lies at a path of steps into the ``root`` field, as a field that no model has; compared by value.

    It may always be NULL; ``fixed`` tells that what it names cannot be NULL where the value around it is there.
    """

    root: FieldInfo
    steps: tuple[Step, ...]
    fixed: bool = False


def kind_at(kind: Kind, steps: Sequence[Step]) -> Kind:
    """The kind of what lies at the steps into a value of a kind."""
    for step in steps:
        match step, kind:
            case Attribute(field=field), _:
                kind = field.kind
            case Item(), ListKind(item=item):
                kind = item
            case Key(), MapKind(value=value):
                kind = value
            case _:
                kind = JsonKind()
    return kind


class Followed(NamedTuple):
    """How far words lead: the steps, the kind of what is there, and the words that are left."""

    steps: tuple[Step, ...]
    kind: Kind
    rest: tuple[str, ...]


def follow(kind: Kind, words: Sequence[str], is_test: Callable[[str], bool]) -> Followed:
    """Follows words into a value of a kind as far as they are steps.

    Args:
        kind: the kind of the value to begin with.
        words: what stands between the ``__`` behind the field's name.
        is_test: whether a word, standing last, asks something in place of naming a key.
    """
    steps: list[Step] = []
    for position, word in enumerate(words):
        left = len(words) - position
        match kind:
            case EmbeddedKind(schema=schema) if word in schema.by_name:
                field = schema.by_name[word]
                steps.append(Attribute(field))
                kind = field.kind
            case ListKind(item=item) if _INDEX.fullmatch(word):
                steps.append(Item(int(word)))
                kind = item
            case MapKind(value=value) if left > 1 or not is_test(word):
                steps.append(Key(word))
                kind = value
            case JsonKind() if left > 1 or not is_test(word):
                steps.append(JsonKey(word))
            case _:
                return Followed(tuple(steps), kind, tuple(words[position:]))
    return Followed(tuple(steps), kind, ())


def path_info(root: FieldInfo, words: Sequence[str], followed: Followed) -> FieldInfo:
    """What the words lead to, as a field; the field itself where there are no steps."""
    steps, kind, rest = followed
    if not steps:
        return root
    name = "__".join([root.name, *words[: len(words) - len(rest)]])
    last = steps[-1]
    fixed = isinstance(last, Attribute) and not last.field.null
    return PathInfo(root.model, name, name, kind, -1, True, root=root, steps=steps, fixed=fixed)


def target(by_name: dict[str, FieldInfo], name: str) -> FieldInfo | None:
    """The field, or what lies at the path, that an index names; None where there is no such thing."""
    root, *words = name.split("__")
    field = by_name.get(root)
    if field is None:
        return None
    followed = follow(field.kind, words, lambda word: False)
    return None if followed.rest else path_info(field, words, followed)
