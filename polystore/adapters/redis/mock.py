"""``fakeredis://name``: a store inside this process, one for each name, for tests and trials.

Its rows live as long as the process; both colours and all stores of one name share them.
"""

from __future__ import annotations

from threading import Lock
from typing import Any

from polystore.errors import MissingDriver

_servers: dict[str, Any] = {}
_lock = Lock()


def _package() -> Any:
    try:
        import fakeredis  # optional driver
        import lupa  # type: ignore[import-untyped]  # noqa: F401  # ships no types; fakeredis runs scripts with it
    except ImportError as error:
        raise MissingDriver("fakeredis:// needs fakeredis with Lua; pip install 'polystore[embedded]'") from error
    return fakeredis


def find_server(url: str) -> Any:
    """The server of that URL; made at first use."""
    package = _package()
    with _lock:
        if url not in _servers:
            _servers[url] = package.FakeServer(version=(7, 0))
        return _servers[url]


def make_client(url: str) -> Any:
    """The client of fakeredis itself."""
    return _package().FakeRedis(server=find_server(url))


def make_connection(url: str) -> Any:
    """A connection to the server of that URL."""
    server = find_server(url)
    return _package().FakeRedisConnection(server=server, protocol=2)


def make_async_connection(url: str) -> Any:
    """The same in the other colour."""
    server = find_server(url)
    return _package().FakeAsyncRedisConnection(server=server, protocol=2)
