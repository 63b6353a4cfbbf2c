"""The driver's errors and the scripts' refusals as errors of polystore."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from polystore.adapters.redis.layout import Layout
from polystore.errors import (
    ConcurrencyError,
    ConfigurationError,
    DataError,
    PolystoreError,
    StoreUnavailable,
    UniqueViolation,
)

CONNECTION_ERRORS = (RedisConnectionError, RedisTimeoutError, OSError)


def is_missing_script(reply: object) -> bool:
    """Whether the server does not know a script (yet, or any more)."""
    return isinstance(reply, NoScriptError) or (isinstance(reply, ResponseError) and str(reply).startswith("NOSCRIPT"))


def translate(error: Exception, place: str) -> PolystoreError:
    """The error of polystore for one of the driver; ``place`` names the server without its password."""
    match error:
        case AuthenticationError() | AuthorizationError() | NoPermissionError():
            return ConfigurationError(f"{place} refused the user or what it may do: {error}; check the URL and the ACL")
        case BusyLoadingError() | ReadOnlyError() | OutOfMemoryError():
            return StoreUnavailable(f"{place} does not take this now: {error}")
        case RedisTimeoutError() | TimeoutError():
            return StoreUnavailable(f"{place} did not answer in time: {error}")
        case RedisConnectionError() | OSError():
            return StoreUnavailable(f"{place} cannot be reached: {error}")
        case ResponseError() if str(error).startswith(("OOM", "LOADING", "READONLY", "MISCONF", "MASTERDOWN")):
            return StoreUnavailable(f"{place} does not take this now: {error}")
        case ResponseError() if "WRONGTYPE" in str(error):
            return DataError(f"{place}: a key of this model holds something else: {error}")
        case RedisError():
            return DataError(f"{place} refused a command: {error}")
        case _:
            return StoreUnavailable(f"{place}: {error}")


def layout_mismatch(layout: Layout, stored: bytes) -> PolystoreError:
    """A model whose stored index definitions are not those of the class."""
    name = layout.schema.name
    if stored.startswith(b"building:"):
        return ConcurrencyError(
            f"{name}: its indexes are being built by create_all(); try again when that has finished"
        )
    return ConfigurationError(
        f"{name}: the indexes stored on Redis are not those that the model declares; run create_all() to build them, "
        "and restart processes that run older code"
    )


def key_exists(layout: Layout) -> UniqueViolation:
    """An insert under a key that has a row."""
    key = layout.schema.primary_key
    return UniqueViolation(
        f"{layout.schema.name}: a row with this {key.name} already exists; update it, or insert under another key",
        model=layout.schema.name,
        fields=(key.name,),
    )


def unique_violation(layout: Layout, number: int) -> UniqueViolation:
    """A row that would take the value of a unique constraint that another row holds."""
    unique = layout.uniques[number - 1]
    return UniqueViolation(
        f"{layout.schema.name}: another row already has this {', '.join(unique.fields)}; it must be unique",
        model=layout.schema.name,
        fields=unique.fields,
        constraint=unique.name,
    )


def refusal(layout: Layout, reply: Sequence[Any]) -> PolystoreError | None:
    """The error of a script's refusal; None for any other reply."""
    match reply:
        case [b"LAYOUT", stored]:
            return layout_mismatch(layout, stored)
        case [b"EXISTS", _]:
            return key_exists(layout)
        case [b"UNIQUE", _, number, _]:
            return unique_violation(layout, number)
        case [b"BUSY"]:
            return ConcurrencyError(
                f"{layout.schema.name}: another process is building its indexes; try again when that has finished"
            )
    return None
