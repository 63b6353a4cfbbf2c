"""Knows which test needs which real server: runs those that can run, and names the others at the end.

`@pytest.mark.server("redis")` on a test, a class or a parameter says what it needs. Without that server the
test is not run and a closing line names it; where POLYSTORE_REQUIRE_SERVERS asks for the server, it fails.
`@pytest.mark.server("redis", private=True)` is for a test that starts its own server, to pause or kill it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import astuple
from typing import Any, NamedTuple

import pytest
from hypothesis import settings

from polystore.testing.tally import Tally, tallies_of, tally_of
from tests.own_databases import use_own_databases
from tools.private_servers import can_start
from tools.servers import NAMES, environment_name, required_names


class Need(NamedTuple):
    """A real server that a test needs: one that runs already, or a private one that it starts itself."""

    name: str
    private: bool = False

    def __str__(self) -> str:
        return f"private {self.name}" if self.private else self.name


NotRun = dict[str, list[str]]  # what was missing -> ids of the tests that needed it
NOT_RUN = pytest.StashKey[NotRun]()

settings.register_profile(
    "tests", settings(), deadline=None, print_blob=True, derandomize=True, database=None, max_examples=25
)
settings.register_profile(
    "fuzz", settings(), deadline=None, max_examples=int(os.environ.get("POLYSTORE_FUZZ_EXAMPLES", "2000"))
)
settings.load_profile("tests")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", f"server(*names, private=False): the test needs these real servers, of {', '.join(NAMES)}"
    )
    config.stash[NOT_RUN] = {}
    if worker := getattr(config, "workerinput", {}).get("workerid"):
        config.add_cleanup(use_own_databases(worker))


@pytest.fixture(scope="session")
def available_servers() -> Mapping[str, str]:
    """The URL of each real server that this run has."""
    return urls()


@pytest.fixture
def server_url(request: pytest.FixtureRequest) -> str:
    """The URL of the one server that the test is marked with."""
    names = [need.name for need in needed(request.node) if not need.private]
    if len(names) != 1:
        marked = ", ".join(names) or "none"
        raise pytest.UsageError(f"{request.node.nodeid}: server_url wants one server, marked are: {marked}")
    return urls()[names[0]]


def urls() -> dict[str, str]:
    found = {name: os.environ.get(environment_name(name), "") for name in NAMES}
    return {name: url for name, url in found.items() if url}


def needed(item: pytest.Item) -> list[Need]:
    """The servers that a test is marked with, each once; raises UsageError for an unknown one."""
    marks = list(item.iter_markers("server"))
    names = [str(name) for mark in marks for name in mark.args or ("",)]
    if unknown := [name for name in names if name not in NAMES]:
        raise pytest.UsageError(f"{item.nodeid}: no server is called {unknown[0]!r}, use {', '.join(NAMES)}")
    return sorted({Need(name, bool(mark.kwargs.get("private"))) for mark in marks for name in mark.args})


def missing(item: pytest.Item) -> list[Need]:
    return [need for need in needed(item) if not (can_start(need.name) if need.private else need.name in urls())]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take out the tests whose server is missing, unless the server is required."""
    required = required_names()
    gone = {item: needs for item in items if (needs := missing(item))}
    out = [item for item, needs in gone.items() if required.isdisjoint(need.name for need in needs)]
    for item in out:
        config.stash[NOT_RUN].setdefault(" and no ".join(map(str, gone[item])), []).append(item.nodeid)
    if out:
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if item not in set(out)]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if gone := missing(item):
        remedies = [f"install {need.name}" if need.private else f"set {environment_name(need.name)}" for need in gone]
        what = " and no ".join(map(str, gone))
        pytest.fail(f"no {what}, but it is required: {', '.join(remedies)}", pytrace=False)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in closing_lines(config.stash[NOT_RUN]):
        terminalreporter.write_line(line, yellow=True)


def closing_lines(not_run: NotRun) -> Iterator[str]:
    """One line for each missing server: how many tests needed it, by class or module."""
    for what, ids in sorted(not_run.items()):
        groups = Counter(test.partition("[")[0].rpartition("::")[0] for test in dict.fromkeys(ids))
        names = ", ".join(f"{group} ({count})" for group, count in sorted(groups.items()))
        tests = "1 test" if groups.total() == 1 else f"{groups.total()} tests"
        yield f"not run (no {what}): {tests}: {names}"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Under pytest-xdist the workers collect and run: each sends what it has to tell to the one that reports."""
    if (output := getattr(session.config, "workeroutput", None)) is not None:
        output["not_run"] = session.config.stash[NOT_RUN]
        output["tallies"] = {store: astuple(tally) for store, tally in tallies_of(session.config).items()}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    config: pytest.Config = node.config  # type: ignore[attr-defined]  # xdist's worker, known only where installed
    output: dict[str, Any] = getattr(node, "workeroutput", {})
    for what, ids in output.get("not_run", {}).items():
        config.stash[NOT_RUN].setdefault(what, []).extend(ids)
    for store, counts in output.get("tallies", {}).items():
        tally_of(config, store).add(Tally(*counts))
