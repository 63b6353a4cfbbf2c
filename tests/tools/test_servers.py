"""The tool that finds or starts real servers: what it gives a command, and that it leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tools import servers
from tools.private_servers import Server, answers, bson, can_start, free_port, private_redis, private_server
from tools.programs import Unavailable
from tools.servers import NAMES, environment_name, main, parse_names, required_names

ROOT = Path(__file__).resolve().parents[2]
TOOL = (sys.executable, str(ROOT / "tools" / "servers.py"))


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server is named by the environment, none is required, and signals are as pytest has them."""
    for name in NAMES:
        monkeypatch.delenv(environment_name(name), raising=False)
    monkeypatch.delenv("POLYSTORE_REQUIRE_SERVERS", raising=False)
    monkeypatch.setattr(servers, "handle_signals", lambda handler: None)
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


def folder_of(server: Server) -> Path:
    """The folder that a Redis says it works in."""
    with socket.create_connection(("127.0.0.1", port_of(server.url)), 5) as connection:
        connection.sendall(b"CONFIG GET dir\r\n")
        return Path(connection.recv(4096).split(b"\r\n")[-2].decode())


def ends_within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_a_free_port_can_be_bound_and_answers_nothing() -> None:
    port = free_port()
    assert not answers("127.0.0.1", port)
    with socket.socket() as mine:
        mine.bind(("127.0.0.1", port))


def test_what_is_required_is_nothing_by_default_and_mysql_only_by_name() -> None:
    assert required_names({}) == required_names({"POLYSTORE_REQUIRE_SERVERS": "0"}) == frozenset()
    assert required_names({"POLYSTORE_REQUIRE_SERVERS": "1"}) == {"postgresql", "mariadb", "mongodb", "redis"}
    assert required_names({"POLYSTORE_REQUIRE_SERVERS": "mysql, redis"}) == {"mysql", "redis"}


def test_an_unknown_server_is_refused_with_the_names_that_exist() -> None:
    with pytest.raises(ValueError, match="no server is called postgres: use postgresql, mariadb"):
        parse_names("redis,postgres")


def test_the_replica_set_command_is_encoded_as_the_bson_standard_says() -> None:
    text = b"\x02b\0" + b"\x02\0\0\0x\0"
    listed = b"\x04d\0" + b"\x0c\0\0\0" + b"\x100\0\x02\0\0\0" + b"\0"
    nested = b"\x03c\0" + b"\x14\0\0\0" + listed + b"\0"
    expected = b"\x2c\0\0\0" + b"\x10a\0\x01\0\0\0" + text + nested + b"\0"
    assert bson({"a": 1, "b": "x", "c": {"d": [2]}}) == expected


@pytest.mark.server("redis", private=True)
class TestPrivateRedis:
    def test_it_answers_inside_the_block_and_is_gone_after_it(self) -> None:
        with private_redis() as url, socket.create_connection(("127.0.0.1", port_of(url)), 5) as connection:
            connection.sendall(b"INFO server\r\n")
            answer = connection.recv(4096)
        assert f"tcp_port:{port_of(url)}".encode() in answer
        assert not answers("127.0.0.1", port_of(url))

    def test_it_is_stopped_and_its_folder_removed_when_the_block_fails(self) -> None:
        seen: list[tuple[Server, Path]] = []

        def fail_in_the_block() -> None:
            with private_server("redis") as server:
                seen.append((server, folder_of(server)))
                raise RuntimeError("in the block")

        with pytest.raises(RuntimeError, match="in the block"):
            fail_in_the_block()
        ((server, folder),) = seen
        assert not answers("127.0.0.1", port_of(server.url))
        assert not folder.exists()

    def test_a_killed_server_is_gone_and_the_block_still_ends_well(self) -> None:
        with private_server("redis") as server:
            server.send_signal(signal.SIGKILL)
            assert ends_within(5, lambda: not answers("127.0.0.1", port_of(server.url)))

    def test_a_paused_server_is_stopped_all_the_same(self) -> None:
        with private_server("redis") as server:
            server.send_signal(signal.SIGSTOP)
        assert server.process is not None
        assert server.process.returncode == 0

    def test_the_command_gets_the_url_and_its_exit_code_is_returned(
        self, alone: None, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        script = "import os, sys; print(os.environ['POLYSTORE_TEST_REDIS']); sys.exit(7)"
        assert main(["run", "--need", "redis", "--", sys.executable, "-c", script]) == 7
        output = capfd.readouterr()
        url = output.out.strip()
        assert f"redis      started privately on port {port_of(url)}" in output.err
        assert not answers("127.0.0.1", port_of(url))

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_a_signal_stops_a_started_server(self, number: signal.Signals) -> None:
        tool = subprocess.Popen([*TOOL, "start", "--name", "redis"], stdout=subprocess.PIPE, text=True)
        with tool:
            assert tool.stdout is not None
            url = tool.stdout.readline().strip()
            assert answers("127.0.0.1", port_of(url))
            tool.send_signal(number)
        assert tool.returncode == 128 + number
        assert not answers("127.0.0.1", port_of(url))

    def test_a_signal_reaches_the_command_and_then_the_servers_are_stopped(self) -> None:
        script = "import os, time; print(os.environ['POLYSTORE_TEST_REDIS'], flush=True); time.sleep(60)"
        environment = {key: value for key, value in os.environ.items() if key != "POLYSTORE_TEST_REDIS"}
        command = [*TOOL, "run", "--need", "redis", "--", sys.executable, "-c", script]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as tool:
            assert tool.stdout is not None
            url = tool.stdout.readline().strip()
            tool.terminate()
        assert tool.returncode == 128 + signal.SIGTERM
        assert not answers("127.0.0.1", port_of(url))


def test_a_server_from_the_environment_is_used_as_it_is(
    alone: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        monkeypatch.setenv("POLYSTORE_TEST_MYSQL", f"mysql+pymysql://me:secret@127.0.0.1:{port}/mine")
        script = "import os; print(os.environ['POLYSTORE_TEST_MYSQL'])"
        assert main(["run", "--need", "mysql", "--", sys.executable, "-c", script]) == 0
    output = capfd.readouterr()
    assert output.out.strip() == f"mysql+pymysql://me:secret@127.0.0.1:{port}/mine"
    assert f"from POLYSTORE_TEST_MYSQL, at 127.0.0.1:{port}" in output.err
    assert "secret" not in output.err


def test_a_server_from_the_environment_that_does_not_answer_is_missing_for_the_command(
    alone: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POLYSTORE_TEST_REDIS", f"redis://127.0.0.1:{free_port()}/0")
    script = "import os, sys; sys.exit('POLYSTORE_TEST_REDIS' in os.environ)"
    assert main(["run", "--need", "redis", "--", sys.executable, "-c", script]) == 0
    assert "where nothing answers" in capfd.readouterr().err


def test_nothing_is_run_without_a_required_server(
    alone: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("POLYSTORE_TEST_REDIS", f"redis://127.0.0.1:{free_port()}/0")
    monkeypatch.setenv("POLYSTORE_REQUIRE_SERVERS", "1")
    assert main(["run", "--need", "redis", "--", "touch", str(tmp_path / "was-run")]) == 1
    assert "not there: redis; nothing was run" in capfd.readouterr().err
    assert not (tmp_path / "was-run").exists()


def test_no_private_mysql_is_promised() -> None:
    assert not can_start("mysql")
    with (
        pytest.raises(Unavailable, match="started of postgresql, mariadb, mongodb, redis only"),
        private_server("mysql"),
    ):
        raise AssertionError("a MySQL was started")


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.server(name, private=True)) for name in ("postgresql", "mariadb", "mongodb")],
)
def test_a_private_server_is_gone_after_its_block(name: str) -> None:
    with private_server(name) as server:
        assert answers("127.0.0.1", port_of(server.url))
    assert not answers("127.0.0.1", port_of(server.url))
