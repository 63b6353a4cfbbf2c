"""Finds or starts the real servers that the tests use, and stops whatever it started.

    python tools/servers.py run [--need postgresql,redis] -- COMMAND...
    python tools/servers.py start --name redis

Each server is looked for in three places: the environment (`POLYSTORE_TEST_REDIS=redis://...`); the
standard port of this machine, where a database of our own is made and dropped again; the programs of this
machine, from which a private server is started in a temporary folder. The user's data is never touched:
MongoDB, which must be a replica set, and Redis, where a shared server has no private corner, are always
private.

POLYSTORE_REQUIRE_SERVERS=1 makes a missing server an error, save for MySQL, which few machines have beside
MariaDB; POLYSTORE_REQUIRE_SERVERS=postgresql,mysql names them. CI=true allows `apt-get install` as root.
"""

from __future__ import annotations

import argparse
import getpass
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

if __name__ == "__main__":  # run as a script, the path starts at this folder instead of the project's
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from tools.private_servers import HOST, STARTERS, Server, answers, private_server
from tools.programs import Unavailable, find_binary, run_tool, succeeds

STANDARD_PORTS = {"postgresql": 5432, "mariadb": 3306, "mysql": 3306, "mongodb": 27017, "redis": 6379}
NAMES = tuple(STANDARD_PORTS)
ALWAYS_OBTAINABLE = tuple(name for name in NAMES if name != "mysql")
STOPPING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def environment_name(name: str) -> str:
    """The environment variable that holds the URL of the server `name`."""
    return f"POLYSTORE_TEST_{name.upper()}"


def required_names(environment: Mapping[str, str] = os.environ) -> frozenset[str]:
    """The servers that POLYSTORE_REQUIRE_SERVERS asks for; raises ValueError for an unknown name."""
    text = environment.get("POLYSTORE_REQUIRE_SERVERS", "").strip()
    if text in ("", "0"):
        return frozenset()
    return frozenset(ALWAYS_OBTAINABLE if text == "1" else parse_names(text))


def parse_names(text: str) -> tuple[str, ...]:
    """Server names from a list with commas; raises ValueError naming what would work."""
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        raise ValueError(f"no server is called {', '.join(unknown)}: use {', '.join(NAMES)}")
    return names


def own_database_name() -> str:
    return f"polystore_test_{os.getpid()}"


@contextmanager
def found_postgresql() -> Iterator[Server | None]:
    """Our own database on the machine's PostgreSQL; None where it does not let us in without a password."""
    client, port, database = find_binary("psql"), STANDARD_PORTS["postgresql"], own_database_name()
    logins = [
        (client, "-X", "-w", "-At", "-h", HOST, "-p", str(port), "-U", user, "-d", "postgres", "-c")
        for user in dict.fromkeys(("postgres", getpass.getuser()))
        if client is not None and answers(HOST, port)
    ]
    login = next((login for login in logins if succeeds(*login, f"CREATE DATABASE {database}")), None)
    if login is None:
        yield None
        return
    try:
        user = login[login.index("-U") + 1]
        url = f"postgresql+psycopg://{user}@{HOST}:{port}/{database}"
        yield Server(url, f"found on port {port}, using our own database {database}")
    finally:
        run_tool(*login, f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")


@contextmanager
def found_mysql(name: str) -> Iterator[Server | None]:
    """Our own database on the machine's MariaDB or MySQL; None if it is the other or wants a password."""
    client, port, database = find_binary("mariadb", "mysql"), STANDARD_PORTS[name], own_database_name()
    login = (client or "mariadb", "--no-defaults", "-N", "-h", HOST, "-P", str(port), "-u", "root", "-e")
    try:
        is_mariadb = "mariadb" in run_tool(*login, "SELECT VERSION()").lower()
    except Unavailable:
        is_mariadb = None
    if is_mariadb is not (name == "mariadb"):
        yield None
        return
    run_tool(*login, f"CREATE DATABASE {database} CHARACTER SET utf8mb4")
    try:
        url = f"{name}+pymysql://root@{HOST}:{port}/{database}"
        yield Server(url, f"found on port {port}, using our own database {database}")
    finally:
        run_tool(*login, f"DROP DATABASE IF EXISTS {database}")


FINDERS: dict[str, Callable[[], AbstractContextManager[Server | None]]] = {
    "postgresql": found_postgresql,
    "mariadb": lambda: found_mysql("mariadb"),
    "mysql": lambda: found_mysql("mysql"),
}


def obtain(name: str, stack: ExitStack) -> Server:
    """A server by the first way that works, to be given back when the stack closes; raises Unavailable."""
    if url := os.environ.get(environment_name(name)):
        return named_by_environment(name, url)
    if name in FINDERS and (found := stack.enter_context(FINDERS[name]())) is not None:
        return found
    return stack.enter_context(private_server(name))


def named_by_environment(name: str, url: str) -> Server:
    first_host = urlsplit(url).netloc.rpartition("@")[2].split(",")[0]
    address = urlsplit(f"//{first_host}")
    host, port = address.hostname or "localhost", address.port or STANDARD_PORTS[name]
    if not answers(host, port):
        raise Unavailable(f"{environment_name(name)} names {host}:{port}, where nothing answers")
    return Server(url, f"from {environment_name(name)}, at {host}:{port}")


def say(name: str, text: str) -> None:
    print(f"servers: {name:<10} {text}", file=sys.stderr, flush=True)


def stop_by_signal(number: int, frame: FrameType | None) -> None:
    """Leave by unwinding, so that every server is stopped, and let no further signal disturb that."""
    handle_signals(signal.SIG_IGN)
    raise SystemExit(128 + number)


def handle_signals(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    for number in STOPPING_SIGNALS:
        signal.signal(number, handler)


def run_with_servers(names: Sequence[str], required: frozenset[str], command: Sequence[str]) -> int:
    """Run the command with the servers' URLs set; returns its exit code, or 1 without a required server."""
    environment, missing = dict(os.environ), set[str]()
    handle_signals(stop_by_signal)
    with ExitStack() as stack:
        for name in names:
            try:
                server = obtain(name, stack)
            except Unavailable as reason:
                environment.pop(environment_name(name), None)
                missing.add(name)
                say(name, f"missing: {reason}; install it or set {environment_name(name)}")
            else:
                environment[environment_name(name)] = server.url
                say(name, server.how)
        if needed := sorted(missing & required):
            say("required", f"not there: {', '.join(needed)}; nothing was run")
            return 1
        return run_command(command, environment)


def run_command(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Wait for the command, whatever signal comes: the terminal sends it Ctrl-C, we pass on the others."""
    signal.signal(signal.SIGINT, lambda number, frame: None)
    child = subprocess.Popen(command, env=environment)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: child.send_signal(number))
    code = child.wait()
    handle_signals(signal.SIG_IGN)
    return code if code >= 0 else 128 - code


def keep_running(name: str) -> int:
    """Start one private server, print its URL and wait for a signal."""
    handle_signals(stop_by_signal)
    with private_server(name) as server:
        say(name, f"{server.how}; Ctrl-C stops it")
        print(server.url, flush=True)
        return server.process.wait() if server.process is not None else 0


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="servers.py", description="Find or start real servers for the tests.")
    actions = parser.add_subparsers(dest="action", required=True)
    run = actions.add_parser("run", help="run a command with the servers' URLs in its environment")
    run.add_argument("--need", default=",".join(NAMES), metavar="NAMES", help="of %(default)s")
    run.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    start = actions.add_parser("start", help="start a private server and wait")
    start.add_argument("--name", choices=tuple(STARTERS), required=True)
    options = parser.parse_args(arguments)
    if options.action == "run":
        options.command = options.command[1:] if options.command[:1] == ["--"] else options.command
        if not options.command:
            parser.error("nothing to run: write the command after --")
    return options


def main(arguments: Sequence[str]) -> int:
    options = parse_arguments(arguments)
    try:
        if options.action == "start":
            return keep_running(options.name)
        return run_with_servers(parse_names(options.need), required_names(), options.command)
    except (Unavailable, ValueError) as reason:
        say("error", str(reason))
    except FileNotFoundError as error:
        say("error", f"cannot run {shlex.join(options.command)}: {error}")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
