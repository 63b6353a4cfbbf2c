"""SQL databases: SQLite, PostgreSQL, MySQL and MariaDB.

SQLAlchemy Core writes the SQL, once for each shape of a query; at run time the text goes straight to the driver.
"""

from __future__ import annotations

from polystore.adapters.sql.adapter import SqlAdapter, open

__all__ = ["SqlAdapter", "open"]
