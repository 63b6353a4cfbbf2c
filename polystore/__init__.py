"""polystore: one repository and one lazy query API over SQL databases, MongoDB and Redis."""

from polystore.api.fields import Field, field
from polystore.api.keyset import Page
from polystore.api.model import EmbeddedModel, Model
from polystore.api.queryset import QuerySet
from polystore.api.raw import RawQuerySet
from polystore.api.repository import Repository
from polystore.api.store import Store
from polystore.query.aggregates import Avg, Count, Max, Min, StdDev, Sum, Variance
from polystore.query.calls import (
    Abs,
    Cast,
    Ceil,
    Coalesce,
    Concat,
    Extract,
    Floor,
    Greatest,
    Least,
    Left,
    Length,
    Lower,
    LTrim,
    Mod,
    Now,
    NullIf,
    Power,
    Replace,
    Right,
    Round,
    RTrim,
    Sqrt,
    Substr,
    Trim,
    Trunc,
    Upper,
)
from polystore.query.capabilities import Capabilities, Feature
from polystore.query.functions import Case, F, Q, Value, When
from polystore.query.subqueries import Exists, OuterRef, Subquery
from polystore.schema.build import Index, UniqueConstraint

__version__ = "0.1.0"

__all__ = [
    "Abs",
    "Avg",
    "Capabilities",
    "Case",
    "Cast",
    "Ceil",
    "Coalesce",
    "Concat",
    "Count",
    "EmbeddedModel",
    "Exists",
    "Extract",
    "F",
    "Feature",
    "Field",
    "Floor",
    "Greatest",
    "Index",
    "LTrim",
    "Least",
    "Left",
    "Length",
    "Lower",
    "Max",
    "Min",
    "Mod",
    "Model",
    "Now",
    "NullIf",
    "OuterRef",
    "Page",
    "Power",
    "Q",
    "QuerySet",
    "RTrim",
    "RawQuerySet",
    "Replace",
    "Repository",
    "Right",
    "Round",
    "Sqrt",
    "StdDev",
    "Store",
    "Subquery",
    "Substr",
    "Sum",
    "Trim",
    "Trunc",
    "UniqueConstraint",
    "Upper",
    "Value",
    "Variance",
    "When",
    "field",
]
