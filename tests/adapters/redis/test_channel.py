"""Connections: lost, slow, refused, shared; in both colours."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from redis.exceptions import ResponseError

from polystore.adapters.redis import open as open_redis
from polystore.adapters.redis.adapter import RedisAdapter
from polystore.adapters.redis.channel import asynchronous, lines
from polystore.adapters.redis.channel.asynchronous import AsyncChannel, PooledStream, SharedStream
from polystore.adapters.redis.wire import pack
from polystore.errors import ConfigurationError, StoreUnavailable
from tests.adapters.redis.conftest import driver
from tools.private_servers import Server, private_server

PRIVATE = pytest.mark.server("redis", private=True)
REAL = pytest.mark.server("redis")
UNREACHABLE = "redis://user:secret@127.0.0.1:1/0"
ECHO = pack(b"ECHO", b"hello")


@pytest.fixture
def own_server() -> Iterator[Server]:
    with private_server("redis") as server:
        yield server


def send(adapter: RedisAdapter, *arguments: Any) -> Any:
    raw = driver(adapter)
    try:
        return raw(*arguments)
    finally:
        raw.close()


def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    started = time.monotonic()
    with pytest.raises(StoreUnavailable, match=r"redis://user:\*\*\*@127\.0\.0\.1:1/0 cannot be reached") as caught:
        open_redis(UNREACHABLE, {}).connect().ping()
    assert time.monotonic() - started < 1
    assert caught.value.__cause__ is not None
    assert "secret" not in str(caught.value)


async def test_a_server_that_is_not_there_is_named_to_tasks_too() -> None:
    backend = open_redis(UNREACHABLE, {}).connect_async()
    with pytest.raises(StoreUnavailable, match=r"redis://user:\*\*\*@127\.0\.0\.1:1/0 cannot be reached"):
        await backend.ping()
    await backend.close()


@PRIVATE
def test_connections_that_the_server_closed_are_replaced(own_server: Server) -> None:
    adapter = open_redis(own_server.url, {})
    channel = adapter.connect()._link.channel
    for ask in (lambda: channel.call(ECHO), lambda: channel.send(ECHO)[0]):
        assert ask() == b"hello"
        send(adapter, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        assert ask() == b"hello"
    assert len(channel._free) == channel._count == 1
    channel.close()


@PRIVATE
async def test_a_connection_that_the_server_closed_is_replaced_for_tasks(own_server: Server) -> None:
    adapter = open_redis(own_server.url, {})
    channel = AsyncChannel(adapter._target)
    assert await channel.call(ECHO) == b"hello"
    send(adapter, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    assert await channel.call(ECHO) == b"hello"
    send(adapter, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    await asyncio.sleep(0.05)
    assert await channel.send(ECHO) == [b"hello"]
    await channel.close()


@PRIVATE
def test_a_server_that_hangs_is_given_up_and_used_again_when_it_answers(own_server: Server) -> None:
    backend = open_redis(own_server.url, {"socket_timeout": 0.3}).connect()
    backend.ping()
    own_server.send_signal(signal.SIGSTOP)
    with pytest.raises(StoreUnavailable, match="did not answer in time"):
        backend.ping()
    own_server.send_signal(signal.SIGCONT)
    time.sleep(0.1)
    for _ in range(3):
        backend.ping()
    backend.close()


@PRIVATE
async def test_a_server_that_hangs_is_given_up_by_all_tasks(own_server: Server) -> None:
    backend = open_redis(own_server.url, {"socket_timeout": 0.3}).connect_async()
    await backend.ping()
    own_server.send_signal(signal.SIGSTOP)
    started = time.monotonic()
    outcomes = await asyncio.gather(*(backend.ping() for _ in range(5)), return_exceptions=True)
    assert time.monotonic() - started < 1.5
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 5
    own_server.send_signal(signal.SIGCONT)
    await asyncio.sleep(0.1)
    await backend.ping()
    await backend.close()


@PRIVATE
def test_a_server_that_evicts_any_key_is_refused(own_server: Server) -> None:
    adapter = open_redis(own_server.url, {})
    send(adapter, "CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    with pytest.raises(ConfigurationError, match=r"allkeys-lru, which throws away indexes .* set it to noeviction"):
        adapter.connect().ping()
    send(adapter, "CONFIG", "SET", "maxmemory-policy", "volatile-ttl")
    adapter.connect().ping()


@PRIVATE
async def test_a_server_that_evicts_any_key_is_refused_to_tasks_too(own_server: Server) -> None:
    adapter = open_redis(own_server.url, {})
    send(adapter, "CONFIG", "SET", "maxmemory-policy", "allkeys-random")
    with pytest.raises(ConfigurationError, match="allkeys-random"):
        await adapter.connect_async().ping()


@PRIVATE
def test_a_server_that_does_not_tell_its_policy_is_warned_about(own_server: Server) -> None:
    send(open_redis(own_server.url, {}), "ACL", "SETUSER", "me", "on", ">pw", "~*", "+@all", "-config")
    url = own_server.url.replace("redis://", "redis://me:pw@")
    backend = open_redis(url, {}).connect()
    with pytest.warns(UserWarning, match="does not tell its maxmemory-policy"):
        backend.ping()
    backend.ping()
    backend.close()


@PRIVATE
async def test_a_wrong_password_is_a_matter_of_configuration(own_server: Server) -> None:
    url = own_server.url.replace("redis://", "redis://me:wrong@")
    with pytest.raises(ConfigurationError, match="refused the user"):
        open_redis(url, {}).connect().ping()
    with pytest.raises(ConfigurationError, match="refused the user"):
        await open_redis(url, {}).connect_async().ping()


@REAL
def test_no_more_connections_are_made_than_allowed(available_servers: Mapping[str, str]) -> None:
    adapter = open_redis(available_servers["redis"], {"max_connections": 3})
    channel = adapter.connect()._link.channel
    most = 0
    start = threading.Barrier(12)

    def ask(_: int) -> list[Any]:
        nonlocal most
        start.wait()
        answers = [channel.call(ECHO) for _ in range(100)]
        most = max(most, channel._count)
        return answers

    with ThreadPoolExecutor(12) as pool:
        assert all(answers == [b"hello"] * 100 for answers in pool.map(ask, range(12)))
    assert 1 <= most <= 3
    assert len(channel._free) == channel._count
    channel.close()


@REAL
def test_a_pool_that_stays_empty_is_told(available_servers: Mapping[str, str]) -> None:
    adapter = open_redis(available_servers["redis"], {"max_connections": 1, "socket_timeout": 0.2})
    channel = adapter.connect()._link.channel
    taken = channel._open()
    with pytest.raises(StoreUnavailable, match="all 1 connections are in use"):
        channel.call(ECHO)
    channel._free.append(taken)
    assert channel.call(ECHO) == b"hello"
    channel.close()


def test_a_closed_backend_opens_again(adapter: RedisAdapter) -> None:
    backend = adapter.connect()
    for _ in range(2):
        backend.ping()
        backend.close()
        assert backend._link.channel._free == []


async def test_a_closed_backend_opens_again_for_tasks(adapter: RedisAdapter) -> None:
    backend = adapter.connect_async()
    for _ in range(2):
        await backend.ping()
        await backend.close()


@REAL
async def test_tasks_get_their_own_replies_over_one_connection(available_servers: Mapping[str, str]) -> None:
    channel = AsyncChannel(open_redis(available_servers["redis"], {})._target)

    async def ask(number: int) -> bool:
        text = b"%d" % number
        if number % 3 == 0:
            return await channel.send(pack(b"ECHO", text) * 5, 5) == [text] * 5
        return bool(await channel.call(pack(b"ECHO", text)) == text)

    assert all(await asyncio.gather(*(ask(number) for number in range(300))))
    assert isinstance(channel._stream, SharedStream)
    await channel.close()


@REAL
async def test_a_cancelled_task_does_not_disturb_the_others(available_servers: Mapping[str, str]) -> None:
    channel = AsyncChannel(open_redis(available_servers["redis"], {})._target)
    await channel.call(ECHO)
    tasks = [asyncio.ensure_future(channel.call(pack(b"ECHO", b"%d" % number))) for number in range(100)]
    await asyncio.sleep(0)
    for task in tasks[::3]:
        task.cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    for number, answer in enumerate(answers):
        assert isinstance(answer, asyncio.CancelledError) if number % 3 == 0 else answer == b"%d" % number
    assert await channel.call(ECHO) == b"hello"
    await channel.close()


@REAL
async def test_large_messages_pass_in_both_directions(available_servers: Mapping[str, str]) -> None:
    channel = AsyncChannel(open_redis(available_servers["redis"], {})._target)
    large = uuid4().bytes * 400_000
    answers = await asyncio.gather(*(channel.call(pack(b"ECHO", large)) for _ in range(4)))
    assert all(answer == large for answer in answers)
    await channel.close()


@REAL
def test_a_channel_moves_to_the_running_loop(available_servers: Mapping[str, str]) -> None:
    channel = AsyncChannel(open_redis(available_servers["redis"], {})._target)

    async def ask(close: bool) -> Any:
        answer = await channel.call(ECHO)
        if close:
            await channel.close()
        return answer

    assert asyncio.run(ask(True)) == b"hello"
    assert asyncio.run(ask(True)) == b"hello"


@REAL
def test_without_hiredis_the_driver_reads_for_threads(
    available_servers: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "hiredis", None)
    channel = open_redis(available_servers["redis"], {}).connect()._link.channel
    assert channel.call(ECHO) == b"hello"
    assert channel.send(ECHO * 3, 3) == [b"hello"] * 3
    assert isinstance(channel.send(pack(b"NONSENSE"))[0], ResponseError)
    assert isinstance(channel._free[0], lines.DriverLine)
    channel.close()


@REAL
async def test_without_hiredis_the_driver_reads(
    available_servers: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asynchronous, "hiredis", None)
    channel = AsyncChannel(open_redis(available_servers["redis"], {"max_connections": 2})._target)
    assert await asyncio.gather(*(channel.call(ECHO) for _ in range(20))) == [b"hello"] * 20
    assert isinstance(channel._stream, PooledStream)
    await channel.close()
