"""Starts private servers in temporary folders and stops them when their block ends.

A private server may be filled, paused and killed: its data is thrown away with its folder. All are tuned for
tests: nothing waits for the disk.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.programs import (
    MONGOD_CACHE,
    Unavailable,
    fetch_mongod,
    find_binary,
    install,
    last_line,
    may_install,
    need_binary,
    run_tool,
    succeeds,
)

HOST = "127.0.0.1"
PROGRAMS = {"postgresql": "postgres", "mariadb": "mariadbd", "redis": "redis-server"}
UNICODE_LOCALE = "C.UTF-8" if sys.platform == "linux" else "en_US.UTF-8"  # lower() beyond ASCII
SECONDS_TO_START = 60.0
SECONDS_TO_STOP = 20.0


@dataclass(frozen=True)
class Server:
    """A server that answers: its URL, what was done to have it, and its process if it is a private one."""

    url: str
    how: str
    process: subprocess.Popen[bytes] | None = None

    def send_signal(self, number: signal.Signals) -> None:
        """Signal a private server: SIGKILL for an outage, SIGSTOP and SIGCONT for one that hangs."""
        if self.process is None:
            raise ValueError(f"{self.url} is not a private server: it must not be signalled")
        self.process.send_signal(number)


def free_port() -> int:
    """A TCP port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def answers(host: str, port: int) -> bool:
    """Whether something accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout=2):
            return True
    except OSError:
        return False


@contextmanager
def private_folder(owner: str | None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="polystore-", ignore_cleanup_errors=True) as name:
        if owner is not None:
            shutil.chown(name, owner)
        yield Path(name)


def unprivileged_user(preferred: str) -> str | None:
    """Whom to run a server as that refuses root: nobody in particular when we are not root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(preferred).pw_name
    except KeyError:
        return "nobody"


@contextmanager
def running(
    command: Sequence[str],
    ready: Callable[[], bool],
    folder: Path,
    *,
    user: str | None = None,
    stop: signal.Signals = signal.SIGTERM,
) -> Iterator[subprocess.Popen[bytes]]:
    """A server process that is ready, until the block ends; raises Unavailable if it never is."""
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            user=user,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C in the terminal is for the command, not for its servers
        )
    try:
        wait_until(ready, process, log)
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.send_signal(stop)
        try:
            process.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    program = Path(str(process.args[0] if isinstance(process.args, list | tuple) else process.args)).name
    while not ready():
        if process.poll() is not None:
            raise Unavailable(f"{program} ended at once: {last_line(log.read_text(errors='replace'))}")
        if time.monotonic() > deadline:
            raise Unavailable(f"{program} did not answer within {SECONDS_TO_START:.0f} s")
        time.sleep(0.05)


@contextmanager
def start_postgresql() -> Iterator[Server]:
    binaries = Path(need_binary("postgresql", PROGRAMS["postgresql"])).resolve().parent
    user, port = unprivileged_user("postgres"), free_port()
    with private_folder(user) as folder:
        data = str(folder / "data")
        encoding = ("--encoding=UTF8", f"--locale={UNICODE_LOCALE}")
        run_tool(
            str(binaries / "initdb"),
            "-D",
            data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "--no-sync",
            *encoding,
            user=user,
        )
        fast = (
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
            f"unix_socket_directories={folder}",
        )
        options = [part for setting in fast for part in ("-c", setting)]
        command = [str(binaries / "postgres"), "-D", data, "-h", HOST, "-p", str(port), *options]
        client = (str(binaries / "psql"), "-X", "-w", "-h", HOST, "-p", str(port), "-U", "postgres", "-c")
        with running(command, lambda: succeeds(*client, "SELECT 1"), folder, user=user, stop=signal.SIGINT) as process:
            run_tool(*client, "CREATE DATABASE polystore_test")
            url = f"postgresql+psycopg://postgres@{HOST}:{port}/polystore_test"
            yield Server(url, f"started privately on port {port}", process)


@contextmanager
def start_mariadb() -> Iterator[Server]:
    server = need_binary("mariadb", PROGRAMS["mariadb"])
    prepare = need_binary("mariadb", "mariadb-install-db")
    client = need_binary("mariadb", "mariadb")
    user, port = unprivileged_user("mysql"), free_port()
    with private_folder(user) as folder:
        data = f"--datadir={folder / 'data'}"
        run_tool(
            prepare,
            "--no-defaults",
            data,
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            user=user,
        )
        network = (f"--port={port}", f"--bind-address={HOST}", f"--socket={folder / 'socket'}")
        fast = ("--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=OFF", "--skip-log-bin")
        files = (f"--pid-file={folder / 'pid'}", "--character-set-server=utf8mb4")
        login = (client, "--no-defaults", "-h", HOST, "-P", str(port), "-u", "root", "-e")
        with running(
            [server, "--no-defaults", data, *network, *fast, *files],
            lambda: succeeds(*login, "SELECT 1"),
            folder,
            user=user,
        ) as process:
            run_tool(*login, "CREATE DATABASE polystore_test")
            url = f"mariadb+pymysql://root@{HOST}:{port}/polystore_test"
            yield Server(url, f"started privately on port {port}", process)


@contextmanager
def start_redis() -> Iterator[Server]:
    binary, port = need_binary("redis", PROGRAMS["redis"]), free_port()
    with private_folder(None) as folder:
        command = [
            binary,
            "--port",
            str(port),
            "--bind",
            HOST,
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
            str(folder),
        ]
        with running(command, lambda: answers_ping(port), folder) as process:
            yield Server(f"redis://{HOST}:{port}/0", f"started privately on port {port}", process)


def answers_ping(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=2) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(5) == b"+PONG"
    except OSError:
        return False


@contextmanager
def start_mongodb() -> Iterator[Server]:
    binary, port = find_binary("mongod") or str(fetch_mongod()), free_port()
    if may_install() and not succeeds(binary, "--version"):
        install("libcurl4")
    version = run_tool(binary, "--version").splitlines()[0].split()[-1]
    with private_folder(None) as folder:
        where = ("--dbpath", str(folder), "--port", str(port), "--bind_ip", HOST, "--nounixsocket")
        small = ("--wiredTigerCacheSizeGB", "0.25", "--setParameter", "diagnosticDataCollectionEnabled=false")
        command = [binary, *where, *small, "--replSet", "rs0", "--quiet"]
        with running(command, lambda: answers(HOST, port), folder) as process:
            members = [{"_id": 0, "host": f"{HOST}:{port}"}]
            ask_mongod(port, {"replSetInitiate": {"_id": "rs0", "members": members}})
            wait_until(lambda: is_primary(port), process, folder / "server.log")
            url = f"mongodb://{HOST}:{port}/polystore_test?replicaSet=rs0"
            yield Server(url, f"mongod {version} started privately on port {port}", process)


def ask_mongod(port: int, command: Mapping[str, object]) -> bytes:
    """Send one command to a mongod and return its raw answer; raises Unavailable if it breaks off."""
    body = struct.pack("<IB", 0, 0) + bson({**command, "$db": "admin"})
    message = struct.pack("<iiii", 16 + len(body), 1, 0, 2013) + body
    try:
        with socket.create_connection((HOST, port), timeout=10) as connection:
            connection.sendall(message)
            with connection.makefile("rb") as answer:
                (length,) = struct.unpack("<i", answer.read(4))
                return answer.read(length - 4)
    except (OSError, struct.error) as error:
        raise Unavailable(f"mongod on port {port} broke off: {error}") from error


def is_primary(port: int) -> bool:
    return b"\x08isWritablePrimary\0\x01" in ask_mongod(port, {"hello": 1})


def bson(document: Mapping[str, object]) -> bytes:
    """The few kinds of BSON that setting up a replica set needs."""
    elements = b""
    for key, value in document.items():
        name = key.encode() + b"\0"
        match value:
            case str():
                text = value.encode() + b"\0"
                elements += b"\x02" + name + struct.pack("<i", len(text)) + text
            case int():
                elements += b"\x10" + name + struct.pack("<i", value)
            case dict():
                elements += b"\x03" + name + bson(value)
            case list():
                elements += b"\x04" + name + bson({str(index): item for index, item in enumerate(value)})
            case _:
                raise TypeError(f"{key}: {type(value).__name__} is not needed here: use str, int, dict or list")
    return struct.pack("<i", len(elements) + 5) + elements + b"\0"


STARTERS: dict[str, Callable[[], AbstractContextManager[Server]]] = {
    "postgresql": start_postgresql,
    "mariadb": start_mariadb,
    "mongodb": start_mongodb,
    "redis": start_redis,
}


def can_start(name: str) -> bool:
    """Whether the program that `private_server` would start is on this machine already."""
    if name == "mongodb":
        return find_binary("mongod") is not None or MONGOD_CACHE.joinpath("mongod").exists()
    return name in PROGRAMS and find_binary(PROGRAMS[name]) is not None


@contextmanager
def private_server(name: str) -> Iterator[Server]:
    """A server of one's own, which a test may fill, pause or kill; raises Unavailable."""
    if name not in STARTERS:
        raise Unavailable(f"none found, and private ones are started of {', '.join(STARTERS)} only")
    with STARTERS[name]() as server:
        yield server


@contextmanager
def private_redis() -> Iterator[str]:
    """The URL of a Redis of one's own; raises Unavailable."""
    with private_server("redis") as server:
        yield server.url
