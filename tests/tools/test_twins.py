"""The generator of sync twins: what it rewrites, what it refuses, and that no twin can go stale unseen."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.twins import TwinError, formatted, main, orphans, problems, to_sync, write

SOURCE = '''"""The AsyncBackend talks to its store; see _async for the other half."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager


class AsyncBackend:
    """Holds one AsyncConnection."""

    def __init__(self, opener: Callable[[str], Awaitable[dict[str, int]]]) -> None:
        self.opener = opener

    async def __aenter__(self) -> "AsyncBackend":
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await asyncio.sleep(0.1)  # let the AsyncConnection drain

    @asynccontextmanager
    async def lock(self) -> AsyncIterator[None]:
        async with self:
            yield

    async def rows(self) -> list[int]:
        found = [row async for row in self.astream() if await row.ready]
        async with aclosing(self.astream()) as stream:
            async for row in stream:
                found.append(await anext(row))
        return found

    async def text(self) -> str:
        return f"{{await}} {await self.name()!r:>{await self.width()}} await"
'''
TWIN = '''# Generated from polystore/_async.py by tools/twins.py. Do not edit.
"""The Backend talks to its store; see _sync for the other half."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager


class Backend:
    """Holds one Connection."""

    def __init__(self, opener: Callable[[str], dict[str, int]]) -> None:
        self.opener = opener

    def __enter__(self) -> "Backend":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        time.sleep(0.1)  # let the Connection drain

    @contextmanager
    def lock(self) -> Iterator[None]:
        with self:
            yield

    def rows(self) -> list[int]:
        found = [row for row in self.stream() if row.ready]
        with closing(self.stream()) as stream:
            for row in stream:
                found.append(next(row))
        return found

    def text(self) -> str:
        return f"{{await}} {self.name()!r:>{self.width()}} await"
'''


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "polystore"
    folder.mkdir()
    (folder / "_async.py").write_text(SOURCE)
    return tmp_path


def test_the_whole_language_of_async_becomes_sync_and_the_rest_stays() -> None:
    assert formatted(to_sync(SOURCE, "polystore/_async.py"), Path("polystore/_sync.py")) == TWIN


@pytest.mark.parametrize(
    ("line", "twin"),
    [
        ("from redis.asyncio.client import Redis", "from redis.client import Redis"),
        (
            "from polystore.adapters.sql._async import AsyncRunner",
            "from polystore.adapters.sql._sync import Runner",
        ),
        ("class _AsyncPool: ...", "class _Pool: ..."),
        ("value = 'async with await'", "value = 'async with await'"),
        ("names = ('AsyncPool', 'aexecute')", "names = ('Pool', 'execute')"),
        ("asynchrony = a_sync = is_async = None", "asynchrony = a_sync = is_async = None"),
        ("kinds: dict[str, list[Awaitable[dict[str, int]]]]", "kinds: dict[str, list[dict[str, int]]]"),
        ("lock = asyncio.Lock()", "lock = threading.Lock()"),
        ("text = rf'{x}' f'{\"AsyncPool\"}'", "text = rf'{x}' f'{\"Pool\"}'"),
    ],
)
def test_one_line_and_its_twin(line: str, twin: str) -> None:
    assert to_sync(line + "\n", "x").splitlines()[1:] == [twin]


def test_await_goes_wherever_an_expression_may_stand() -> None:
    source = "async def f():\n    return (await a + (await b), [await c], not await d,\n        await\\\n  e)\n"
    body = to_sync(source, "x").split("\n", 1)[1]
    assert "await" not in body
    compile(body, "x", "exec")


def test_what_has_no_sync_word_is_refused_with_its_line() -> None:
    with pytest.raises(TwinError, match=r"x\.py: no sync word for `asyncio\.gather\(a\)`: add it to"):
        to_sync("async def f():\n    await asyncio.gather(a)\n", "x.py")


def test_writing_makes_every_twin_and_a_second_writing_changes_nothing(project: Path) -> None:
    assert write(project) == [project / "polystore" / "_sync.py"]
    assert (project / "polystore" / "_sync.py").read_text() == TWIN
    assert write(project) == []
    assert main(["--check"], project) == 0


def test_the_check_fails_for_a_missing_twin(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"], project) == 1
    assert "missing: polystore/_sync.py" in capsys.readouterr().out
    assert not (project / "polystore" / "_sync.py").exists()


def test_the_check_fails_for_a_stale_twin(project: Path) -> None:
    write(project)
    (project / "polystore" / "_async.py").write_text(SOURCE.replace("0.1", "0.2"))
    assert problems(project) == ["stale: polystore/_sync.py"]


def test_the_check_fails_for_a_twin_edited_by_hand(project: Path) -> None:
    write(project)
    (project / "polystore" / "_sync.py").write_text(TWIN.replace("0.1", "0.2"))
    assert problems(project) == ["stale: polystore/_sync.py"]


def test_an_orphaned_twin_is_reported_and_then_removed(project: Path) -> None:
    write(project)
    (project / "polystore" / "_async.py").unlink()
    assert problems(project) == ["orphaned: polystore/_sync.py has no async file any more"]
    assert write(project) == [project / "polystore" / "_sync.py"]
    assert orphans(project) == []


def test_a_hand_written_sync_file_is_never_overwritten(project: Path) -> None:
    by_hand = project / "polystore" / "_sync.py"
    by_hand.write_text("mine = 1\n")
    assert main([], project) == 1
    assert by_hand.read_text() == "mine = 1\n"


def test_a_hand_written_sync_file_alone_is_no_orphan(project: Path) -> None:
    (project / "polystore" / "other").mkdir()
    (project / "polystore" / "other" / "_sync.py").write_text("mine = 1\n")
    assert orphans(project) == []


def test_a_test_file_has_a_twin_only_if_it_is_marked(project: Path) -> None:
    write(project)
    folder = project / "tests" / "deep"
    folder.mkdir(parents=True)
    (folder / "test_plain_async.py").write_text("async def test_x():\n    await y()\n")
    (folder / "test_both_async.py").write_text("# twins: generate\nasync def test_x():\n    await y()\n")
    assert write(project) == [folder / "test_both_sync.py"]
    twin = (folder / "test_both_sync.py").read_text()
    assert twin.startswith("# Generated from tests/deep/test_both_async.py")
    assert "def test_x():\n    y()\n" in twin
    assert "twins: generate" not in twin


def test_the_twins_of_this_project_are_up_to_date() -> None:
    assert main(["--check"]) == 0
