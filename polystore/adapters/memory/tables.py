"""Tables as dicts, their expiry, and the databases that stores share by name."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from polystore.schema.model import Schema


@dataclass(slots=True)
class Table:
    """The rows of one model by key, their expiry, and the next key to allocate."""

    rows: dict[Any, dict[str, Any]] = field(default_factory=dict)
    expiry: dict[Any, datetime] = field(default_factory=dict)
    next_key: int = 1


@dataclass(slots=True)
class Tables:
    """One named database."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    tables: dict[str, Table] = field(default_factory=dict)

    def of(self, schema: Schema) -> Table:
        """The model's table without its expired rows."""
        table = self.tables.setdefault(schema.table, Table())
        if table.expiry:
            now = datetime.now(UTC)
            for key in [key for key, moment in table.expiry.items() if moment <= now]:
                del table.expiry[key]
                table.rows.pop(key, None)
        return table


_databases: dict[str, Tables] = {}


def database(name: str) -> Tables:
    """The database of that name, shared by all who open it; without a name a new one."""
    return _databases.setdefault(name, Tables()) if name else Tables()


def set_expiry(schema: Schema, table: Table, keys: Iterable[Any]) -> None:
    """Gives rows that were written just now their time to live."""
    if schema.ttl is not None:
        table.expiry.update(dict.fromkeys(keys, datetime.now(UTC) + schema.ttl))
