# Generated from polystore/adapters/redis/link/_async.py by tools/twins.py. Do not edit.
"""Running scripts on one server, and defining models there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from secrets import token_hex
from typing import Any

from redis.exceptions import ResponseError

from polystore.adapters.redis import definitions
from polystore.adapters.redis.channel.synchronous import Channel
from polystore.adapters.redis.definitions import Duplicates, RowReader
from polystore.adapters.redis.errors import is_missing_script, refusal
from polystore.adapters.redis.layout import Layout
from polystore.adapters.redis.target import Target
from polystore.adapters.redis.wire import load_scripts, pack
from polystore.errors import UniqueViolation


class Link:
    """The scripts of this package on one server; a script that the server does not know is loaded there."""

    def __init__(self, target: Target) -> None:
        self.channel = Channel(target)

    def ask(self, layout: Layout, packed: bytes) -> Any:
        """The reply of a script that only reads; sent again when its connection turns out to be dead.

        Raises:
            PolystoreError: the model's indexes are not those that the server keeps.
        """
        while True:
            try:
                reply = self.channel.call(packed)
            except ResponseError as error:
                if not is_missing_script(error):
                    raise
                self._load()
                continue
            if not self._is_undefined(layout, reply):
                return reply

    def ask_all(self, layout: Layout, packed: Sequence[bytes]) -> list[Any]:
        """The replies of some scripts that only read, all of one moment.

        Raises:
            PolystoreError: the model's indexes are not those that the server keeps.
        """
        if len(packed) == 1:
            return [self.ask(layout, packed[0])]
        block = b"".join([pack(b"MULTI"), *packed, pack(b"EXEC")])
        while True:
            replies = self.transact(block, len(packed))
            if not self._is_undefined(layout, replies[0]):
                return replies

    def tell(self, layout: Layout, packed: bytes) -> Any:
        """The reply of a script that writes; never sent twice, but to a server that did not run it."""
        while True:
            (reply,) = self.channel.send(packed)
            if is_missing_script(reply):
                self._load()
                continue
            if isinstance(reply, ResponseError):
                raise reply
            if not self._is_undefined(layout, reply):
                return reply

    def send_all(self, packed: bytes, count: int) -> list[Any]:
        """The replies to some commands.

        Raises:
            redis.exceptions.ResponseError: the first error among them.
        """
        replies = self.channel.send(packed, count)
        for reply in replies:
            if isinstance(reply, ResponseError):
                raise reply
        return replies

    def transact(self, packed: bytes, count: int) -> list[Any]:
        """The replies to the ``count`` commands between MULTI and EXEC."""
        while True:
            replies = (self.send_all(packed, count + 2))[-1]
            if not any(is_missing_script(reply) for reply in replies):
                break
            self._load()
        for reply in replies:
            if isinstance(reply, ResponseError):
                raise reply
        return list(replies)

    def _load(self) -> None:
        self.send_all(*load_scripts())

    def _is_undefined(self, layout: Layout, reply: Any) -> bool:
        """Whether the script found no definition of the model; then it is defined now.

        Raises:
            PolystoreError: it found another definition.
        """
        if reply[0] != b"LAYOUT":
            return False
        if not reply[1]:
            self.define(layout)
            return True
        error = refusal(layout, reply)
        assert error is not None
        raise error

    # ---- definitions

    def define(self, layout: Layout) -> None:
        """Makes the server keep the model's indexes, and builds them for rows that are there.

        Raises:
            UniqueViolation: rows share a value that is now to be unique; nothing has changed.
            ConcurrencyError: another process is building the indexes.
        """
        reply = self._definition(layout, "define")
        if reply[0] != b"READY":
            self._build(layout)

    def _build(self, layout: Layout) -> None:
        token = token_hex(8).encode()
        reply = self._definition(layout, "begin", token)
        if reply[0] == b"READY":
            return
        former = reply[1]
        reader = RowReader(layout)
        duplicates = Duplicates(reader)
        try:
            for identifiers, rows in self._rows(reader):
                duplicates.refuse(identifiers, rows)
        except UniqueViolation:
            self._definition(layout, "abort", token)
            raise
        self._definition(layout, "remove", token)
        self.send_all(definitions.pack_removal(layout, former), 1)
        for identifiers, rows in self._rows(reader):
            if not layout.lifetime:
                self.send_all(definitions.pack_persist(layout, identifiers), len(identifiers))
            (reply,) = self.send_all(reader.pack_rebuild(token, identifiers, rows), 1)
            if (error := refusal(layout, reply)) is not None:
                raise error
        self._definition(layout, "finish", token)

    def _definition(self, layout: Layout, action: str, token: bytes = b"") -> Any:
        packed = definitions.pack_definition(layout, action, token)
        (reply,) = self.channel.send(packed)
        if is_missing_script(reply):
            self._load()
            (reply,) = self.channel.send(packed)
        if isinstance(reply, ResponseError):
            raise reply
        if (error := refusal(layout, reply)) is not None:
            raise error
        return reply

    def _pages(self, layout: Layout) -> Iterator[list[bytes]]:
        last = b""
        while True:
            (members,) = self.send_all(definitions.pack_page(layout, last), 1)
            if not members:
                return
            last = members[-1]
            yield definitions.read_page(members)

    def _rows(self, reader: RowReader) -> Iterator[tuple[list[bytes], Sequence[Any]]]:
        for identifiers in self._pages(reader.layout):
            yield identifiers, self.send_all(reader.pack_fetches(identifiers), len(identifiers))

    def drop(self, layout: Layout) -> None:
        """Removes all keys of a model; two round trips for every 200 rows."""
        for identifiers in self._pages(layout):
            self.send_all(definitions.pack_unlink(layout, identifiers), 1)
        (former,) = self.send_all(definitions.pack_read_definition(layout), 1)
        self.send_all(definitions.pack_drop(layout, former or b""), 1)
