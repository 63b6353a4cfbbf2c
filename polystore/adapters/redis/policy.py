"""Whether the server may throw keys away: a store of rows cannot live with that."""

from __future__ import annotations

import warnings
from typing import Any

from polystore.adapters.redis.wire import pack
from polystore.errors import ConfigurationError

POLICY_COMMAND = pack(b"CONFIG", b"GET", b"maxmemory-policy")


def check_policy(reply: Any, place: str) -> None:
    """Reads the reply to ``POLICY_COMMAND``; warns when the server does not tell.

    Raises:
        ConfigurationError: a policy that evicts any key, indexes among them.
    """
    if not isinstance(reply, list) or len(reply) < 2:
        warnings.warn(
            f"{place} does not tell its maxmemory-policy; make sure that it is noeviction or volatile-*, since "
            "allkeys-* would throw away indexes",
            stacklevel=2,
        )
        return
    policy = reply[1].decode()
    if policy.startswith("allkeys"):
        raise ConfigurationError(
            f"{place} has maxmemory-policy {policy}, which throws away indexes when memory is short; "
            "set it to noeviction"
        )
