"""Finding, installing and running the programs that servers are made of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import programs
from tools.programs import Unavailable, find_binary, need_binary, refresh_packages, run_tool


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A machine with nothing on PATH and three versions of PostgreSQL's folder."""
    for version in ("9", "15", "17"):
        (tmp_path / version / "bin").mkdir(parents=True)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setattr(programs, "BINARY_FOLDERS", (f"{tmp_path}/*/bin",))
    monkeypatch.delenv("CI", raising=False)
    refresh_packages.cache_clear()
    yield tmp_path
    refresh_packages.cache_clear()


def add_program(path: Path) -> None:
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)


def pretend_apt(machine: Path, monkeypatch: pytest.MonkeyPatch, *, user: int = 0) -> list[tuple[str, ...]]:
    """Record what would be installed; the installation puts PostgreSQL 17 in its place."""
    ran: list[tuple[str, ...]] = []

    def record(*command: str) -> str:
        ran.append(command)
        if command[1] == "install":
            add_program(machine / "17" / "bin" / "postgres")
        return ""

    monkeypatch.setattr(programs, "run_tool", record)
    monkeypatch.setattr("os.geteuid", lambda: user)
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/apt-get" if name == "apt-get" else None)
    return ran


def test_the_newest_version_of_a_program_beside_the_path_is_found(machine: Path) -> None:
    assert find_binary("postgres") is None
    add_program(machine / "9" / "bin" / "postgres")
    add_program(machine / "15" / "bin" / "postgres")
    assert find_binary("postgres") == str(machine / "15" / "bin" / "postgres")


def test_root_installs_a_missing_program_under_ci_after_one_refresh(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = pretend_apt(machine, monkeypatch)
    monkeypatch.setenv("CI", "true")
    assert need_binary("postgresql", "postgres") == str(machine / "17" / "bin" / "postgres")
    assert [command[1] for command in ran] == ["update", "install"]
    assert ran[1][-1] == "postgresql"
    with pytest.raises(Unavailable):
        need_binary("redis", "redis-server")
    assert [command[1] for command in ran] == ["update", "install", "install"]


@pytest.mark.parametrize(("ci", "user"), [("", 0), ("false", 0), ("true", 1000)])
def test_nothing_is_installed_without_ci_and_root(
    machine: Path, monkeypatch: pytest.MonkeyPatch, ci: str, user: int
) -> None:
    ran = pretend_apt(machine, monkeypatch, user=user)
    monkeypatch.setenv("CI", ci)
    with pytest.raises(Unavailable, match="no postgres on this machine"):
        need_binary("postgresql", "postgres")
    assert ran == []


def test_a_failing_program_is_reported_by_its_last_line() -> None:
    with pytest.raises(Unavailable, match=r"^sh failed: the reason$"):
        run_tool("/bin/sh", "-c", "echo noise >&2; echo 'the reason' >&2; echo >&2; exit 3")


def test_a_program_that_does_not_exist_is_reported_by_name() -> None:
    with pytest.raises(Unavailable, match=r"^no-such-program: "):
        run_tool("/no-such-program")


def test_the_users_own_database_settings_do_not_reach_the_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "secret")
    monkeypatch.setenv("MYSQL_PWD", "secret")
    assert "secret" not in run_tool("/usr/bin/env")
