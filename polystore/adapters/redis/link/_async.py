"""Running scripts on one server, and defining models there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from secrets import token_hex
from typing import Any

from redis.exceptions import ResponseError

from polystore.adapters.redis import definitions
from polystore.adapters.redis.channel.asynchronous import AsyncChannel
from polystore.adapters.redis.definitions import Duplicates, RowReader
from polystore.adapters.redis.errors import is_missing_script, refusal
from polystore.adapters.redis.layout import Layout
from polystore.adapters.redis.target import Target
from polystore.adapters.redis.wire import load_scripts, pack
from polystore.errors import UniqueViolation


class AsyncLink:
    """The scripts of this package on one server; a script that the server does not know is loaded there."""

    def __init__(self, target: Target) -> None:
        self.channel = AsyncChannel(target)

    async def ask(self, layout: Layout, packed: bytes) -> Any:
        """The reply of a script that only reads; sent again when its connection turns out to be dead.

        Raises:
            PolystoreError: the model's indexes are not those that the server keeps.
        """
        while True:
            try:
                reply = await self.channel.call(packed)
            except ResponseError as error:
                if not is_missing_script(error):
                    raise
                await self._load()
                continue
            if not await self._is_undefined(layout, reply):
                return reply

    async def ask_all(self, layout: Layout, packed: Sequence[bytes]) -> list[Any]:
        """The replies of some scripts that only read, all of one moment.

        Raises:
            PolystoreError: the model's indexes are not those that the server keeps.
        """
        if len(packed) == 1:
            return [await self.ask(layout, packed[0])]
        block = b"".join([pack(b"MULTI"), *packed, pack(b"EXEC")])
        while True:
            replies = await self.transact(block, len(packed))
            if not await self._is_undefined(layout, replies[0]):
                return replies

    async def tell(self, layout: Layout, packed: bytes) -> Any:
        """The reply of a script that writes; never sent twice, but to a server that did not run it."""
        while True:
            (reply,) = await self.channel.send(packed)
            if is_missing_script(reply):
                await self._load()
                continue
            if isinstance(reply, ResponseError):
                raise reply
            if not await self._is_undefined(layout, reply):
                return reply

    async def send_all(self, packed: bytes, count: int) -> list[Any]:
        """The replies to some commands.

        Raises:
            redis.exceptions.ResponseError: the first error among them.
        """
        replies = await self.channel.send(packed, count)
        for reply in replies:
            if isinstance(reply, ResponseError):
                raise reply
        return replies

    async def transact(self, packed: bytes, count: int) -> list[Any]:
        """The replies to the ``count`` commands between MULTI and EXEC."""
        while True:
            replies = (await self.send_all(packed, count + 2))[-1]
            if not any(is_missing_script(reply) for reply in replies):
                break
            await self._load()
        for reply in replies:
            if isinstance(reply, ResponseError):
                raise reply
        return list(replies)

    async def _load(self) -> None:
        await self.send_all(*load_scripts())

    async def _is_undefined(self, layout: Layout, reply: Any) -> bool:
        """Whether the script found no definition of the model; then it is defined now.

        Raises:
            PolystoreError: it found another definition.
        """
        if reply[0] != b"LAYOUT":
            return False
        if not reply[1]:
            await self.define(layout)
            return True
        error = refusal(layout, reply)
        assert error is not None
        raise error

    # ---- definitions

    async def define(self, layout: Layout) -> None:
        """Makes the server keep the model's indexes, and builds them for rows that are there.

        Raises:
            UniqueViolation: rows share a value that is now to be unique; nothing has changed.
            ConcurrencyError: another process is building the indexes.
        """
        reply = await self._definition(layout, "define")
        if reply[0] != b"READY":
            await self._build(layout)

    async def _build(self, layout: Layout) -> None:
        token = token_hex(8).encode()
        reply = await self._definition(layout, "begin", token)
        if reply[0] == b"READY":
            return
        former = reply[1]
        reader = RowReader(layout)
        duplicates = Duplicates(reader)
        try:
            async for identifiers, rows in self._rows(reader):
                duplicates.refuse(identifiers, rows)
        except UniqueViolation:
            await self._definition(layout, "abort", token)
            raise
        await self._definition(layout, "remove", token)
        await self.send_all(definitions.pack_removal(layout, former), 1)
        async for identifiers, rows in self._rows(reader):
            if not layout.lifetime:
                await self.send_all(definitions.pack_persist(layout, identifiers), len(identifiers))
            (reply,) = await self.send_all(reader.pack_rebuild(token, identifiers, rows), 1)
            if (error := refusal(layout, reply)) is not None:
                raise error
        await self._definition(layout, "finish", token)

    async def _definition(self, layout: Layout, action: str, token: bytes = b"") -> Any:
        packed = definitions.pack_definition(layout, action, token)
        (reply,) = await self.channel.send(packed)
        if is_missing_script(reply):
            await self._load()
            (reply,) = await self.channel.send(packed)
        if isinstance(reply, ResponseError):
            raise reply
        if (error := refusal(layout, reply)) is not None:
            raise error
        return reply

    async def _pages(self, layout: Layout) -> AsyncIterator[list[bytes]]:
        last = b""
        while True:
            (members,) = await self.send_all(definitions.pack_page(layout, last), 1)
            if not members:
                return
            last = members[-1]
            yield definitions.read_page(members)

    async def _rows(self, reader: RowReader) -> AsyncIterator[tuple[list[bytes], Sequence[Any]]]:
        async for identifiers in self._pages(reader.layout):
            yield identifiers, await self.send_all(reader.pack_fetches(identifiers), len(identifiers))

    async def drop(self, layout: Layout) -> None:
        """Removes all keys of a model; two round trips for every 200 rows."""
        async for identifiers in self._pages(layout):
            await self.send_all(definitions.pack_unlink(layout, identifiers), 1)
        (former,) = await self.send_all(definitions.pack_read_definition(layout), 1)
        await self.send_all(definitions.pack_drop(layout, former or b""), 1)
