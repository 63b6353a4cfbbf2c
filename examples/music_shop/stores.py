"""Where the shop's rows live: URLs only; no model and no query knows them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

SERVERS = {"default": "POSTGRESQL", "mariadb": "MARIADB", "documents": "MONGODB", "keys": "REDIS"}
OPTIONAL = {"mariadb"}


def embedded(folder: Path) -> dict[str, str]:
    """Stores inside this process: a SQLite file in ``folder``, MongoDB and Redis played in memory."""
    return {
        "default": f"sqlite:///{folder / 'shop.db'}",
        "documents": "mongomock://music_shop",
        "keys": "fakeredis://music_shop",
    }


def servers(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The real servers named by ``POLYSTORE_TEST_*``; ``python tools/servers.py run -- COMMAND`` names them.

    Raises:
        LookupError: one that the shop needs is not named.
    """
    variables = {name: f"POLYSTORE_TEST_{server}" for name, server in SERVERS.items()}
    missing = [
        variable for name, variable in variables.items() if name not in OPTIONAL and not environment.get(variable)
    ]
    if missing:
        raise LookupError(f"set {', '.join(missing)}, or run this under: python tools/servers.py run --")
    return {name: environment[variable] for name, variable in variables.items() if environment.get(variable)}
