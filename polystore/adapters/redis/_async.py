"""The open store: sends what was bound, reads what comes back, and tries again where another writer was faster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, assert_never

from redis.exceptions import RedisError

from polystore.adapters.key_blocks import KeyBlocks
from polystore.adapters.redis import outcomes
from polystore.adapters.redis.commands import (
    Add,
    Answer,
    Change,
    ChangeEach,
    Command,
    CountKeys,
    Find,
    Get,
    GetMany,
    Merge,
    Summary,
    Tally,
)
from polystore.adapters.redis.errors import translate
from polystore.adapters.redis.layout import Layout
from polystore.adapters.redis.link._async import AsyncLink
from polystore.adapters.redis.merges import Candidate, Holder, MergeWriter, each_conditions
from polystore.adapters.redis.requests import Scan, identifier_of
from polystore.adapters.redis.target import Target
from polystore.adapters.redis.wire import pack, pack_fetch, pack_fetches
from polystore.adapters.redis.writes import (
    NewRow,
    RowChange,
    batches,
    pack_changes,
    pack_counter,
    pack_forget,
    pack_probe,
)
from polystore.errors import ConcurrencyError
from polystore.schema.model import Schema

FindLayout: TypeAlias = Callable[[Schema], Layout]
Fetched: TypeAlias = Sequence[bytes | None]

MAX_ATTEMPTS = 20
FETCH_SIZE = 1000


class AsyncRedisBackend:
    """Redis, open. A row, its indexes and its unique keys change together, in one script."""

    def __init__(self, target: Target, find_layout: FindLayout) -> None:
        self._target = target
        self._find_layout = find_layout
        self._link = AsyncLink(target)
        self._call = self._link.channel.call
        self._blocks = KeyBlocks()

    async def execute(self, command: Command) -> Any:
        """Runs a bound operation.

        Raises:
            UniqueViolation: a row would collide; nothing was written.
            BulkWriteError: a row would collide after earlier batches of 64 were written.
            ConcurrencyError: other writers were faster again and again.
            StoreUnavailable: the server cannot be reached.
        """
        try:
            if command.__class__ is Get:
                reply = await self._call(command.packed)
                return () if reply[0] is None else (reply,)
            return await self._run(command)
        except (RedisError, OSError) as error:
            raise translate(error, self._target.place) from error

    async def ping(self) -> None:
        """Asks the server for a sign of life."""
        try:
            await self._call(pack(b"PING"))
        except (RedisError, OSError) as error:
            raise translate(error, self._target.place) from error

    async def create_all(self, schemas: Sequence[Schema]) -> None:
        """Defines the models' indexes; builds them where rows are there already, while writers are refused.

        Raises:
            UniqueViolation: rows share a value that is now to be unique; nothing has changed.
            ConcurrencyError: another process is building.
        """
        try:
            for schema in schemas:
                await self._link.define(self._find_layout(schema))
        except (RedisError, OSError) as error:
            raise translate(error, self._target.place) from error

    async def drop_all(self, schemas: Sequence[Schema]) -> None:
        """Removes the models' rows and indexes, and nothing else."""
        try:
            for schema in schemas:
                layout = self._find_layout(schema)
                self._blocks.discard(layout.state_key)
                await self._link.drop(layout)
        except (RedisError, OSError) as error:
            raise translate(error, self._target.place) from error

    async def close(self) -> None:
        """Closes all connections; the next use opens new ones."""
        await self._link.channel.close()

    async def _run(self, command: Command) -> Any:
        match command:
            case Get():
                raise AssertionError("execute answers it")
            case GetMany():
                replies = await self._link.send_all(command.packed, command.count)
                return [row for row in replies if row[0] is not None][command.rows]
            case CountKeys():
                return command.answer(sum(await self._link.send_all(command.packed, command.count)))
            case Answer():
                return command.answer
            case Find():
                return await self._find(command)
            case Tally():
                await self._finish(command.layout, command.scan)
                return command.answer(command.scan.number)
            case Summary():
                while left := [question for question in command.questions if not question.done]:
                    replies = await self._link.ask_all(command.layout, [question.packed for question in left])
                    for question, reply in zip(left, replies, strict=True):
                        question.read(reply)
                return command.answer()
            case Add():
                return await self._add(command)
            case Merge():
                return await self._merge(command)
            case ChangeEach():
                return await self._change_each(command)
            case Change():
                return await self._change(command)
        assert_never(command)

    # ---- reading

    async def _finish(self, layout: Layout, scan: Scan) -> None:
        while not scan.done:
            scan.read(await self._link.ask(layout, scan.packed))

    async def _find(self, command: Find) -> list[Fetched]:
        scan = command.scan
        for _ in range(MAX_ATTEMPTS):
            await self._finish(command.layout, scan)
            rows = await self._fetch(command, scan, scan.window())
            if rows is not None:
                return rows
            scan = scan.again()
        raise ConcurrencyError(
            f"{command.layout.schema.name}: rows changed under {MAX_ATTEMPTS} readings of this page; try again"
        )

    async def _fetch(self, command: Find, scan: Scan, found: list[bytes]) -> list[Fetched] | None:
        """The rows found; None when some are gone and others may take their places."""
        layout, fetch = command.layout, command.fetch
        descending = scan.descending
        identifiers = [identifier_of(sort_key, descending) for sort_key in found]
        rows: list[Fetched] = []
        for part in batches(identifiers, FETCH_SIZE):
            bodies = [layout.body_key_of(identifier) for identifier in part]
            rows += await self._link.send_all(pack_fetches(bodies, *fetch), len(part))
        changed = scan.changed(rows)
        if not changed:
            return rows
        now = await self._look_again(layout, scan.conditions, scan.sort_key, [identifiers[at] for at in changed], fetch)
        fresh = {place: row for place, row in zip(changed, now, strict=True) if row is not None}
        if len(fresh) < len(changed) and (scan.want is not None or scan.skip):
            return None
        return scan.settle(found, rows, changed, fresh)

    async def _look_again(
        self,
        layout: Layout,
        conditions: list[bytes],
        sort_key: bytes,
        identifiers: Sequence[bytes],
        fetch: tuple[bytes, bytes],
    ) -> list[tuple[bytes, Fetched] | None]:
        """For each row its sort key and itself, read at one moment; None when it no longer fulfils the conditions."""
        answers: list[tuple[bytes, Fetched] | None] = []
        for part in batches(identifiers, FETCH_SIZE):
            packed = pack_probe(layout, conditions, sort_key, part, fetch)
            probed, *rows = await self._link.transact(packed, len(part) + 1)
            lost = []
            for identifier, (version, key), row in zip(part, probed[1:], rows, strict=True):
                if version and row[0] is None:
                    lost.append(identifier)
                answers.append((key, row) if version and row[0] is not None else None)
            await self._forget(layout, lost)
        return answers

    async def _forget(self, layout: Layout, identifiers: Sequence[bytes]) -> None:
        for part in batches(identifiers):
            await self._link.tell(layout, pack_forget(layout, part))

    async def _forget_lost(self, layout: Layout, identifiers: Sequence[bytes]) -> bool:
        """Removes what is left of those rows whose bodies are gone; true when there was any."""
        checks = [pack(b"HEXISTS", layout.body_key_of(each), b"_v") for each in identifiers]
        alive = await self._link.send_all(b"".join(checks), len(checks))
        lost = [identifier for identifier, there in zip(identifiers, alive, strict=True) if not there]
        await self._forget(layout, lost)
        return bool(lost)

    async def _forget_holder(self, layout: Layout, reply: Sequence[Any]) -> bool:
        """Whether a write was refused because of a row whose body is gone, of which then nothing is left."""
        holder = outcomes.conflict_holder(reply)
        return holder is not None and await self._forget_lost(layout, [holder])

    # ---- inserting

    async def _add(self, command: Add) -> list[Any]:
        layout, rows = command.layout, command.rows
        given = command.writer.key_place is not None
        keys = [key for key, _ in rows] if given else await self._allocate(layout, len(rows))
        done = 0
        for part in batches(rows):
            own = keys[done : done + len(part)]
            await self._add_batch(command, part, own, done)
            keys[done : done + len(part)] = own
            done += len(part)
        return [] if given else keys

    async def _add_batch(self, command: Add, rows: Sequence[NewRow], keys: list[Any], done: int) -> None:
        """Inserts one batch; where the store gives the keys, those that are taken are replaced in ``keys``."""
        layout, writer = command.layout, command.writer
        given = writer.key_place is not None
        left = list(range(len(rows)))
        while left:
            packed = writer.packed([rows[at] for at in left], [keys[at] for at in left], not given)
            reply = await self._link.tell(layout, packed)
            if reply[0] == b"OK":
                if not reply[2] or not await self._forget_lost(layout, reply[2]):
                    return
                left = [at for at, status in zip(left, reply[1], strict=True) if status == outcomes.LEFT_OUT]
                continue
            if reply[0] == b"EXISTS" and not given:
                (keys[left[reply[1] - 1]],) = await self._allocate(layout, 1)
                continue
            if not await self._forget_holder(layout, reply):
                raise outcomes.insert_error(layout, reply, done, len(command.rows))

    async def _allocate(self, layout: Layout, count: int) -> list[int]:
        """Keys that no other process is given."""
        keys = self._blocks.take(layout.state_key, count)
        while len(keys) < count:
            size = max(count - len(keys), self._target.settings.key_block)
            (last,) = await self._link.send_all(pack_counter(layout, size), 1)
            self._blocks.add(layout.state_key, range(last - size + 1, last + 1))
            keys += self._blocks.take(layout.state_key, count - len(keys))
        return keys

    # ---- inserting or changing

    async def _merge(self, command: Merge) -> list[tuple[Any, ...]]:
        told, done = list[tuple[Any, ...]](), 0
        for part in command.writer.parts(command.rows):
            told += await self._merge_part(command, part, done)
            done += len(part)
        return told

    async def _merge_part(self, command: Merge, part: Sequence[Candidate], done: int) -> list[tuple[Any, ...]]:
        """Changes the rows that have the targets, inserts the others; anew where another writer came between."""
        layout, writer = command.layout, command.writer
        given = writer.key_place is not None
        for _ in range(MAX_ATTEMPTS * MAX_ATTEMPTS):
            holders = await self._holders(layout, writer, part)
            missing = [each for each, holder in zip(part, holders, strict=True) if holder is None and each.key is None]
            for each, key in zip(missing, await self._allocate(layout, len(missing)), strict=True):
                each.key = key
            reply = await self._link.tell(layout, writer.packed_merge(part, holders, not given))
            if reply[0] == b"OK":
                return writer.tell(part, holders)
            if reply[0] == b"EXISTS" and not given:
                part[reply[1] - 1].key = None
            elif not await self._forget_holder(layout, reply) and not outcomes.lost_race(reply, writer.constraint):
                raise outcomes.insert_error(layout, reply, done, len(command.rows))
        name = layout.schema.name
        raise ConcurrencyError(f"{name}: {len(part)} rows changed again and again while they were written")

    async def _holders(self, layout: Layout, writer: MergeWriter, part: Sequence[Candidate]) -> list[Holder | None]:
        """The row that has each candidate's target, as far as it must be known."""
        found: Sequence[bytes | None] = [each.target for each in part]
        if not writer.by_key:
            (found,) = await self._link.send_all(writer.pack_search(part), 1)
        there = [identifier for identifier in found if identifier is not None]
        if not writer.looks or not there:
            return [None if identifier is None else Holder(identifier) for identifier in found]
        bodies = iter(await self._link.send_all(writer.pack_look(there), len(there)))
        return [None if identifier is None else writer.holder(identifier, next(bodies)) for identifier in found]

    # ---- changing

    async def _change_each(self, command: ChangeEach) -> list[bool]:
        layout = command.layout
        statuses: list[int] = []
        for part in batches(command.changes, command.size):
            changes, conditions = [each.change for each in part], each_conditions(layout, part)
            while True:
                reply = await self._link.tell(layout, pack_changes(layout, conditions, changes))
                if reply[0] == b"OK":
                    statuses += reply[1]
                    break
                if not await self._forget_holder(layout, reply):
                    raise outcomes.insert_error(layout, reply, len(statuses), len(command.changes))
        return [status == outcomes.WRITTEN for status in statuses]

    async def _change(self, command: Change) -> int:
        layout, identifiers = command.layout, command.identifiers
        if command.scan is not None:
            await self._finish(layout, command.scan)
            descending = command.scan.descending
            identifiers = list(dict.fromkeys(identifier_of(key, descending) for key in command.scan.found))
        if command.maker is not None:
            return await self._compute(command, identifiers)
        changes = [RowChange(identifier, b"", command.patch) for identifier in identifiers]
        return sum(status == outcomes.WRITTEN for status in await self._apply(command, changes))

    async def _compute(self, command: Change, identifiers: Sequence[bytes]) -> int:
        """Computes each row's new values from those it has, and writes them if it still has them; else anew."""
        maker, matched = command.maker, 0
        assert maker is not None
        fetch = pack_fetch(maker.columns)
        for _ in range(MAX_ATTEMPTS * MAX_ATTEMPTS):
            now = await self._look_again(command.layout, command.conditions, b"", identifiers, fetch)
            changes = [
                RowChange(identifier, row[1][0] or b"", maker.make(row[1][1:], command.values))
                for identifier, row in zip(identifiers, now, strict=True)
                if row is not None
            ]
            statuses = await self._apply(command, changes)
            matched += statuses.count(outcomes.WRITTEN)
            identifiers = [
                change.identifier for change, status in zip(changes, statuses, strict=True) if status == outcomes.STALE
            ]
            if not identifiers:
                return matched
        raise ConcurrencyError(
            f"{command.layout.schema.name}: {len(identifiers)} rows changed again and again while they were updated"
        )

    async def _apply(self, command: Change, changes: Sequence[RowChange]) -> list[int]:
        """Writes changes, 64 rows in one step; the status of each."""
        layout = command.layout
        statuses: list[int] = []
        for part in batches(changes):
            while True:
                reply = await self._link.tell(layout, pack_changes(layout, command.conditions, part))
                if reply[0] == b"OK":
                    statuses += reply[1]
                    break
                if not await self._forget_holder(layout, reply):
                    raise outcomes.update_error(layout, reply, statuses.count(outcomes.WRITTEN))
        return statuses
