"""Rows that expire: which are alive, and until when a row written now is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from polystore.adapters.mongo.conditions import filter_of
from polystore.adapters.mongo.dialect import EXPIRY, Dialect
from polystore.adapters.mongo.places import Filter
from polystore.adapters.mongo.scope import Scope
from polystore.adapters.mongo.template import Now
from polystore.query.nodes import All
from polystore.schema.model import Schema


def live_filter(schema: Schema, condition: All, dialect: Dialect) -> Filter:
    """The query document of the rows that are alive and fulfil the condition, within which is no query."""
    found = filter_of(condition, Scope(dialect))
    if schema.ttl is None:
        return found
    alive = {EXPIRY: {"$gt": Now(this_moment)}}
    return {"$and": [found, alive]} if EXPIRY in found else {**found, **alive}


def expiry_of(ttl: timedelta) -> Callable[[], datetime]:
    """The function that gives the moment at which a row written now expires."""
    return lambda: this_moment() + ttl


def this_moment() -> datetime:
    """Now as the driver takes it: UTC without saying so."""
    return datetime.now(UTC).replace(tzinfo=None)
