"""Which server a URL and its settings name, and how a connection to it is made. Nothing here connects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from redis import Redis
from redis import connection as blocking
from redis.asyncio import connection as asynchronous
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from polystore.adapters.redaction import redacted
from polystore.adapters.redis import mock
from polystore.errors import ConfigurationError, suggestion

SCHEMES = ("redis", "rediss", "unix", "fakeredis")
EXAMPLES = (
    "redis://localhost:6379/0, rediss://user:password@host:6379/0, unix:///run/redis.sock?db=0 or fakeredis://name"
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a store on Redis.

    Args:
        namespace: what all keys begin with.
        app: a name within the namespace, for several applications on one server.
        socket_timeout: seconds to wait for an answer.
        connect_timeout: seconds to wait for a connection.
        max_connections: how many connections threads share at most.
        key_block: how many auto-incremented keys are taken from the server at a time.
    """

    namespace: str = "ps"
    app: str = ""
    socket_timeout: float = 10.0
    connect_timeout: float = 2.0
    max_connections: int = 64
    key_block: int = 16


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """A server; ``place`` is its URL without secrets."""

    url: str = field(repr=False)
    place: str
    settings: Settings
    fake: bool
    options: Mapping[str, Any] = field(repr=False)

    def make_connection(self) -> Any:
        """A connection of the driver, not yet connected."""
        if self.fake:
            return mock.make_connection(self.url)
        options = blocking.parse_url(self.url)  # type: ignore[no-untyped-call]  # the driver's own
        kind = options.pop("connection_class", blocking.Connection)
        return kind(retry=Retry(NoBackoff(), 0), **{**self.options, **options})

    def make_client(self) -> Redis:
        """The driver's own client, for what polystore does not do."""
        if self.fake:
            client: Redis = mock.make_client(self.url)
            return client
        return Redis.from_url(self.url)

    def make_async_connection(self, *, timeout: bool = True) -> Any:
        """The same in the other colour; without ``timeout`` the caller watches the time."""
        if self.fake:
            return mock.make_async_connection(self.url)
        options: dict[str, Any] = {**asynchronous.parse_url(self.url)}
        kind: Any = options.pop("connection_class", asynchronous.Connection)
        known = dict(self.options) if timeout else {**self.options, "socket_timeout": None}
        return kind(retry=AsyncRetry(NoBackoff(), 0), **{**known, **options})


def find_target(url: str, settings: Mapping[str, Any]) -> Target:
    """The server of a URL.

    Raises:
        ConfigurationError: a URL or a setting that cannot work; the message says what would.
    """
    scheme = urlsplit(url).scheme
    if scheme not in SCHEMES:
        raise ConfigurationError(f"{redacted(url)!r} is no URL of Redis; use {EXAMPLES}")
    known = _read_settings(url, settings)
    options = {
        "protocol": 2,
        "socket_timeout": known.socket_timeout,
        "socket_connect_timeout": known.connect_timeout,
    }
    if scheme == "fakeredis":
        mock.find_server(url)
        return Target(url, redacted(url), known, True, options)
    mistake = _find_mistake(urlsplit(url))
    if mistake is not None:
        raise ConfigurationError(f"{redacted(url)!r} {mistake}; use {EXAMPLES}")
    target = Target(url, redacted(url), known, False, options)
    try:
        target.make_connection()
    except (ValueError, TypeError, RedisError) as error:
        raise ConfigurationError(f"{redacted(url)!r} cannot be read: {error}; use {EXAMPLES}") from error
    return target


def _find_mistake(url: SplitResult) -> str | None:
    """What the driver would pass over or read as something else."""
    database = unquote(url.path).strip("/")
    if any("@" in part for part in (url.path, url.query, url.fragment)) and "@" not in url.netloc:
        return "has a user or password whose special characters are not escaped (urllib.parse.quote)"
    if url.scheme == "unix":
        return None if database else "names no socket"
    if not url.hostname:
        return "names no host"
    if database and not database.isdecimal():
        return f"names the database {database!r}, but Redis has numbers for them"
    return None


def _read_settings(url: str, settings: Mapping[str, Any]) -> Settings:
    names = Settings.__dataclass_fields__
    for name, value in settings.items():
        if name not in names:
            known, near = ", ".join(names), suggestion(name, names)
            raise ConfigurationError(f"{redacted(url)!r}: no setting {name!r}; the settings are {known}{near}")
        example = names[name].default
        if not _is_like(example, value):
            raise ConfigurationError(f"{redacted(url)!r}: {name}={value!r} does not work; it is like {example!r}")
    return Settings(**settings)


def _is_like(example: Any, value: Any) -> bool:
    match example:
        case str():
            return isinstance(value, str)
        case int():
            return type(value) is int and value > 0
        case _:
            return isinstance(value, int | float) and not isinstance(value, bool) and value > 0
