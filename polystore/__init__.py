"""polystore: one repository and one lazy query API over SQL databases, MongoDB and Redis."""

from polystore.api.fields import Field, field
from polystore.api.keyset import Page
from polystore.api.model import EmbeddedModel, Model
from polystore.api.queryset import QuerySet
from polystore.api.repository import Repository
from polystore.api.store import Store
from polystore.query.capabilities import Capabilities, Feature
from polystore.query.functions import F, Q
from polystore.schema.build import Index, UniqueConstraint

__version__ = "0.1.0"

__all__ = [
    "Capabilities",
    "EmbeddedModel",
    "F",
    "Feature",
    "Field",
    "Index",
    "Model",
    "Page",
    "Q",
    "QuerySet",
    "Repository",
    "Store",
    "UniqueConstraint",
    "field",
]
