"""SQL written by hand around expressions that SQLAlchemy writes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import NullType


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


@compiles(Raw)
def _write(element: Raw, compiler: Any, **options: Any) -> str:
    return element.template.format(*(compiler.process(part, **options) for part in element.parts))
