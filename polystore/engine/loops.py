"""The running event loop, found without importing asyncio: only programs that run a loop pay for it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop


def running_loop() -> AbstractEventLoop:
    """The event loop that runs in this thread.

    Raises:
        RuntimeError: none does.
    """
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        raise RuntimeError("no running event loop")
    loop: AbstractEventLoop = asyncio.get_running_loop()
    return loop
