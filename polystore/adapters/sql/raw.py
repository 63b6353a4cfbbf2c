"""SQL written by hand around expressions that SQLAlchemy writes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import NullType

from polystore.errors import NotSupportedError

_LONGEST = 2**23


class Raw(ColumnElement[Any]):
    """A template in which ``{0}``, ``{1}``... stand for expressions, each as often as wanted.

    Templates are constants of this package; values are never part of them.
    """

    __visit_name__ = "polystore_raw"
    inherit_cache = False

    def __init__(self, template: str, *parts: ColumnElement[Any]) -> None:
        self.template = template
        self.parts = parts
        self.type = NullType()

    def get_children(self, **_options: Any) -> tuple[ColumnElement[Any], ...]:
        """The expressions within, so that an index knows whose columns it stands on."""
        return self.parts


class Let(Raw):
    """A template of operands that are values of the row: what it repeats may be computed once under a name."""

    inherit_cache = False


class RowCount(Raw):
    """The number of rows of a group; within another select only a column tells which rows are meant."""

    inherit_cache = False

    def __init__(self, column: ColumnElement[Any]) -> None:
        super().__init__("count(*)", column)


@compiles(Raw)
def _write(element: Raw, compiler: Any, **options: Any) -> str:
    return checked(element.template.format(*(compiler.process(part, **options) for part in element.parts)))


def checked(text: str) -> str:
    """A part of a command that is not too long; templates that repeat their operands multiply.

    Raises:
        NotSupportedError: it would be longer than servers take.
    """
    if len(text) > _LONGEST:
        raise NotSupportedError(
            f"computations stand so deeply within each other here that the command would be longer than {_LONGEST:,} "
            "characters; compute less in one query, or put .client(max_rows=...) before it to evaluate it here"
        )
    return text
