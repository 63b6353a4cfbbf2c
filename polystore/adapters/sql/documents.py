"""What differs between SQL databases when structured values are looked into: paths, elements, containment.

A *fragment* is a structured value as the database's JSON. What lies at a path is in working form where it is a single
value, else a fragment; NULL is SQL's, null within JSON is a fragment of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import ColumnElement, Table

from polystore.adapters.base import undeclared
from polystore.query.nodes import Null, Parameter, Path
from polystore.query.operators import Holding, Operator
from polystore.schema.model import IndexInfo, Schema
from polystore.schema.paths import PathInfo

if TYPE_CHECKING:
    from polystore.adapters.sql.expressions import Expressions

Sql: TypeAlias = ColumnElement[Any]


class Documents:
    """How one database looks into JSON; one that declares none of it leaves everything out."""

    knows_equal_documents = False
    """Whether documents that are equal are one distinct value, whatever the order of their keys."""

    def path(self, writer: Expressions, root: Sql, node: Path) -> Sql:
        """What lies at the steps into a fragment."""
        undeclared(node)

    def size(self, fragment: Sql) -> Sql:
        """The number of items of an array."""
        undeclared(fragment)

    def element(self, alias: str) -> Sql:
        """An element of an array that ``any_element`` goes through, as a fragment."""
        undeclared(alias)

    def any_element(self, fragment: Sql, alias: str, condition: Sql) -> Sql:
        """Whether an object in the array fulfils the condition."""
        undeclared(fragment)

    def holds(self, writer: Expressions, fragment: Sql, test: Holding, value: Parameter | Null) -> Sql:
        """What is asked of a list, a dict or JSON as a whole."""
        undeclared(test)

    def compare_number(self, writer: Expressions, operator: Operator, fragment: Sql, value: Parameter) -> Sql:
        """A comparison of JSON with a number; not true where it is none."""
        undeclared(value)

    def json_keys(self, fragment: Sql) -> Sequence[Sql]:
        """What JSON values are ordered by, one after the other."""
        undeclared(fragment)

    def with_part(self, writer: Expressions, document: Sql, target: PathInfo, value: Parameter | Null) -> Sql:
        """The document with one part of it set; an error where what it is a part of is NULL."""
        undeclared(target)

    def document_index(self, schema: Schema, table: Table, index: IndexInfo) -> tuple[list[Any], dict[str, Any]] | None:
        """The terms and options of an index over what is within documents; None where the database has none such."""
        return None
