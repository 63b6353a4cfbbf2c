"""From the arguments of ``annotate`` and ``aggregate`` to structure, and the names that hold from then on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any

from polystore.errors import FieldError
from polystore.query.aggregates import Aggregation
from polystore.query.functions import Combinable, Q
from polystore.query.names import Names, Scope, names_in, refuse_name
from polystore.query.reading import read_annotation
from polystore.query.shapes import expression_shape
from polystore.query.subqueries import reach

Items = tuple[tuple[str, Any], ...]

_MOST_SCOPES = 1024


def named(scope: Scope, positional: Iterable[Any], given: Mapping[str, Any], *, fields: bool = False) -> dict[str, Any]:
    """The expressions by name: an aggregate without one is called by its field, ``total__sum``.

    Args:
        scope: the names known so far.
        positional: aggregates.
        given: expressions by name.
        fields: whether names of fields may be used again.

    Raises:
        FieldError: a name that cannot be one, or something that is no expression.
    """
    found: dict[str, Any] = {}
    for expression in positional:
        if not isinstance(expression, Aggregation):
            raise FieldError(f"{scope.name}: {expression!r} needs a name: write name={expression!r}")
        found[expression.default_name] = expression
    for name, expression in given.items():
        if not fields or not name.isidentifier():
            refuse_name(scope, name)
        if name in found:
            raise FieldError(f"{scope.name}: {name} is given twice")
        if not isinstance(expression, Combinable | Q):
            raise FieldError(
                f"{scope.name}: {name}={expression!r} is no expression; write F(...), Value(...), Sum(...)"
            )
        found[name] = expression
    return found


def annotation_items(scope: Scope, expressions: Mapping[str, Any], values: list[Any], kind: str) -> tuple[Items, Names]:
    """The structure of annotations, and the names with them; their values are appended to ``values``.

    Args:
        scope: the names known so far.
        expressions: by name; each may name the ones before it.
        values: the list that their values are appended to.
        kind: "annotate" or "alias".
    """
    items = []
    names: Scope = scope
    for name, expression in expressions.items():
        shape, names = _annotated(names, kind, name, expression_shape(names, expression, values))
        items.append((name, shape))
    return tuple(items), names_in(names)


def _annotated(scope: Scope, kind: str, name: str, shape: Any) -> tuple[Any, Names]:
    """The structure of an annotation, and the names with it; made once for each, so that lookups are found once."""
    key = (kind, name, shape)
    found: tuple[Any, Names] | None = scope.scopes.get(key)
    if found is None:
        names = names_in(scope)
        annotation = read_annotation(names, name, shape, count(), selected=kind == "annotate")
        made = ("assumed", annotation.field.kind, shape) if reach(shape) else shape
        found = made, names.annotated(annotation)
        if len(scope.scopes) >= _MOST_SCOPES:
            scope.scopes.clear()
        scope.scopes[key] = found
    return found


def aggregate_items(scope: Scope, expressions: Mapping[str, Any], values: list[Any]) -> Items:
    """The structure of the values of ``aggregate()``."""
    return tuple((name, expression_shape(scope, expression, values)) for name, expression in expressions.items())
