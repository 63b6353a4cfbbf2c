"""What names mean in a query: the fields of its rows, and the annotations made so far.

An annotation is substituted where it is named: its expression stands there then. A plain query needs none of this: its
``Schema`` says the same of its fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Literal, Protocol, TypeAlias

from msgspec import Struct

from polystore.errors import FieldError, suggestion
from polystore.query.nodes import Column, Expression, Outer, Path
from polystore.query.operations import Group, Select
from polystore.query.subqueries import Rows
from polystore.query.walk import aggregates_of
from polystore.schema.kinds import Kind
from polystore.schema.model import FieldInfo, Schema
from polystore.schema.paths import PathInfo


class Annotation(Struct, frozen=True, eq=False):
    """A named expression; ``field`` tells its name and kind. One made by ``alias()`` is not ``selected``."""

    field: FieldInfo
    expression: Expression
    selected: bool

    @property
    def aggregates(self) -> bool:
        """Whether it is computed from many rows."""
        return bool(aggregates_of(self.expression))


class Enclosing:
    """The query around a subquery: its names, and the arguments that it gives, each once."""

    __slots__ = ("arguments", "names")

    def __init__(self, names: Names) -> None:
        self.names = names
        self.arguments: list[Expression] = []

    def argument(self, expression: Expression, kind: Kind, words: str) -> Outer:
        """The place at which the subquery finds this expression's value."""
        if expression not in self.arguments:
            self.arguments.append(expression)
        return Outer(self.arguments.index(expression), kind, words)


Taken: TypeAlias = Literal["value", "values", "existence"]


class ReadRows(Protocol):
    """Reads a subquery: its operation (None when it has no row for certain), and the first of its outputs.

    Of its rows the query around takes the value of the only one, all values, or whether there is one.
    """

    def __call__(
        self, rows: Rows, indexes: Iterator[int], outer: Enclosing, take: Taken
    ) -> tuple[Select | Group | None, FieldInfo]: ...


class Names:
    """The fields that can be named and the annotations; like a Schema it remembers the lookups met so far.

    ``outer`` is the query around, if there is one. Names that are not ``settled`` belong to a query that is being
    built: what is around it is not known yet.
    """

    __slots__ = ("annotations", "coercers", "fields", "lookups", "name", "outer", "scopes", "settled", "what")

    read_rows: ClassVar[ReadRows]
    """A subquery takes all of the query language, which stands higher up and puts itself here."""

    def __init__(
        self,
        name: str,
        fields: Mapping[str, FieldInfo],
        annotations: Mapping[str, Annotation],
        what: str = "field",
        *,
        outer: Enclosing | None = None,
        settled: bool = True,
    ) -> None:
        self.name = name
        self.fields = fields
        self.annotations = annotations
        self.what = what
        self.outer = outer
        self.settled = settled
        self.lookups: dict[str, Any] = {}
        self.scopes: dict[Any, tuple[Any, Names]] = {}
        self.coercers: dict[str, Callable[[Any], Any]] = {}

    def field(self, name: str) -> FieldInfo:
        """The field or annotation of that name.

        Raises:
            FieldError: neither; the message lists those there are.
        """
        annotation = self.annotations.get(name)
        if annotation is not None:
            return annotation.field
        found = self.fields.get(name)
        if found is None:
            known = [*(each for each in self.fields if each != "pk"), *self.annotations]
            near = suggestion(name, known)
            raise FieldError(f"{self.name} has no {self.what} {name!r}; its {self.what}s are {', '.join(known)}{near}")
        return found

    def expression(self, field: FieldInfo) -> Expression:
        """What a field or annotation is computed as."""
        annotation = self.annotations.get(field.name)
        if annotation is not None:
            return annotation.expression
        return Column(field) if field.name in self.fields else expression_of(field)

    def computes(self, field: FieldInfo) -> bool:
        """Whether it is no field of the rows but computed from them: an annotation, or what lies at a path."""
        return field.name in self.annotations or (isinstance(field, PathInfo) and field.name not in self.fields)

    def annotated(self, annotation: Annotation) -> Names:
        """These names and one more (or another meaning of one)."""
        rest = {name: each for name, each in self.annotations.items() if name != annotation.field.name}
        every = {**rest, annotation.field.name: annotation}
        return Names(self.name, self.fields, every, self.what, outer=self.outer, settled=self.settled)


Scope: TypeAlias = Schema | Names


def expression_of(field: FieldInfo) -> Expression:
    """A field as a column, or what lies at a path."""
    return Path(Column(field.root), field.steps, field.kind) if isinstance(field, PathInfo) else Column(field)


def names_of(schema: Schema, outer: Enclosing | None = None, *, settled: bool = True) -> Names:
    """The names of a plain query."""
    fields = dict(schema.by_name)
    known = fields if schema.embedded else {**fields, "pk": schema.primary_key}
    return Names(schema.name, known, {}, outer=outer, settled=settled)


def names_in(scope: Scope) -> Names:
    """The scope of a query that is being built, as names."""
    return scope if isinstance(scope, Names) else names_of(scope, settled=False)


def made_field(model: str, name: str, kind: Kind) -> FieldInfo:
    """The field that stands for a computed value: no model has it, it has no place and no column."""
    return FieldInfo(model, name, name, kind, -1, null=True)


def refuse_name(scope: Scope, name: str) -> None:
    """Refuses what cannot be the name of an annotation.

    Raises:
        FieldError: no identifier, or one that means something else already.
    """
    if not name.isidentifier() or "__" in name or name.startswith("_"):
        raise FieldError(f"{scope.name}: {name!r} cannot name an annotation; take a plain identifier without '__'")
    names = names_in(scope)
    if name in names.fields:
        raise FieldError(f"{scope.name}.{name} is a field already; give the annotation another name")
