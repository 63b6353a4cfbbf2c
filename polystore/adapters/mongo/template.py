"""Command documents with holes for values, and the generated functions that fill them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from polystore.errors import NotSupportedError

Convert: TypeAlias = Callable[[Any], Any]
Fill: TypeAlias = Callable[[Sequence[Any]], Any]

_DEEPEST = 180
"""A server takes documents of 200 levels, and what is built here is a part of one."""
_PLAIN_CONSTANTS = (str, int, bool, type(None))


@dataclass(frozen=True, slots=True)
class Hole:
    """The place of one of the values, changed by ``encode`` where it is given."""

    index: int
    encode: Convert | None = None


@dataclass(frozen=True, slots=True)
class Now:
    """The place of a value made when the command is bound."""

    make: Callable[[], Any]


def compose(first: Convert | None, second: Convert | None) -> Convert | None:
    """Both conversions, one after the other; None stands for no change."""
    if first is None or second is None:
        return first or second
    inner, outer = first, second
    return lambda value: outer(inner(value))


def builder(command: type, *parts: Any) -> Fill:
    """The function from values to ``command(*parts)`` with all holes filled.

    Documents with holes are made fresh at each call; parts without any are shared, so nobody may change them, save for
    the outermost documents, which are always fresh.

    Args:
        command: a NamedTuple class.
        parts: its fields: templates (dicts, lists, holes) or constants.

    Raises:
        NotSupportedError: they are nested more deeply than a server takes it.
    """
    if depth_of(*parts) > _DEEPEST:
        raise NotSupportedError(
            "conditions or computations stand so deeply within each other here that MongoDB would not take the "
            "command; nest them less, or put .client(max_rows=...) before them to evaluate them here"
        )
    writer = _Writer()
    fields = "".join(f"{writer.write(part, fresh=True)}, " for part in parts)
    return writer.define(f"lambda v: make(command, ({fields}))", make=tuple.__new__, command=command)


def row_builder(command: type, schema: Any, fields: Sequence[str], constants: dict[str, Any], *parts: Any) -> Fill:
    """The function from rows (tuples in the order of ``fields``) to ``command(schema, documents, *parts)``.

    Args:
        command: a NamedTuple class.
        schema: its first field.
        fields: the document key of each value of a row.
        constants: what else stands in each document.
        parts: its further fields, constants all.
    """
    writer = _Writer()
    names = [f"r{place}" for place in range(len(fields))]
    known = dict(zip(fields, names, strict=True))
    items = [f"{key!r}: {writer.write(value)}" for key, value in constants.items()]
    items += [f"{key!r}: {name}" for key, name in known.items()]
    items.sort(key=lambda item: not item.startswith("'_id'"))
    target = f"({', '.join(names)},)" if names else "_"
    documents = f"[{{{', '.join(items)}}} for {target} in v]"
    rest = "".join(f"{writer.write(part)}, " for part in parts)
    return writer.define(
        f"lambda v: make(command, (schema, {documents}, {rest}))",
        make=tuple.__new__,
        command=command,
        schema=schema,
    )


def depth_of(*parts: Any) -> int:
    """How many documents and arrays stand within each other."""
    depth, layer = 0, [part for part in parts if isinstance(part, dict | list)]
    while layer:
        depth += 1
        inner = (item for each in layer for item in (each.values() if isinstance(each, dict) else each))
        layer = [item for item in inner if isinstance(item, dict | list)]
    return depth


def has_holes(template: Any) -> bool:
    """Whether any value goes into the template."""
    match template:
        case Hole() | Now():
            return True
        case dict():
            return any(has_holes(item) for item in template.values())
        case list():
            return any(has_holes(item) for item in template)
        case _:
            return False


class _Writer:
    """Writes the source of a filling function; what cannot be written as text goes into its scope."""

    def __init__(self) -> None:
        self.scope: dict[str, Any] = {}

    def write(self, node: Any, fresh: bool = False) -> str:
        match node:
            case Hole(index=index, encode=None):
                return f"v[{index}]"
            case Hole(index=index, encode=encode):
                return f"{self.name(encode)}(v[{index}])"
            case Now(make=make):
                return f"{self.name(make)}()"
            case dict() if fresh or has_holes(node):
                return "{" + ", ".join(f"{key!r}: {self.write(item)}" for key, item in node.items()) + "}"
            case list() if fresh or has_holes(node):
                return "[" + ", ".join(self.write(item) for item in node) + "]"
            case _ if type(node) in _PLAIN_CONSTANTS:
                return repr(node)
            case _:
                return self.name(node)

    def name(self, constant: Any) -> str:
        name = f"k{len(self.scope)}"
        self.scope[name] = constant
        return name

    def define(self, source: str, **scope: Any) -> Fill:
        made: Fill = eval(source, {**self.scope, **scope})
        return made
