"""Models on Redis: bodies as hashes, one sorted set for each index, everything changed by scripts in one step.

URLs: ``redis://host:port/0``, ``rediss://...``, ``unix:///path?db=0``, and ``fakeredis://name`` for a store inside the
process. Any Redis from 6.2 on will do; no module is needed.

What to know:

- Conditions and orderings are answered from declared indexes, else refused with the index to declare. A unique
  constraint answers equality only; give the field ``index=True`` as well for ranges and order.
- A row, its index entries and its unique values change in one atomic step; so do up to 64 rows of one call. Larger
  batches are written 64 rows at a time.
- An update that computes reads each row, computes, and writes only if the row is still what was read; else anew.
- A row that was found is returned only if it still fulfils the condition when its body is read.
- ``Meta.ttl`` counts from the last write of a row. Expired rows are gone from every answer, counts included.
- A row whose body was deleted by hand or evicted is left out and mended when it is met; until then counts include it.
- ``create_all`` builds indexes that are new for rows that are there; meanwhile other writers are refused, and processes
  that know the former indexes are refused until they are restarted.
"""

from __future__ import annotations

from typing import Any

from polystore.adapters.redis.adapter import RedisAdapter
from polystore.adapters.redis.target import find_target

__all__ = ["RedisAdapter", "open"]


def open(url: str, settings: dict[str, Any]) -> RedisAdapter:
    """The adapter of a URL, without any I/O.

    Args:
        url: the server.
        settings: see ``polystore.adapters.redis.target.Settings``.

    Raises:
        ConfigurationError: a URL or a setting that cannot work.
    """
    return RedisAdapter(find_target(url, settings))
