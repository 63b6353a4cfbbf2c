"""What a test run says and does about tests whose real server is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.servers import NAMES, environment_name

ROOT = Path(__file__).resolve().parents[2]
TESTS = """
    import pytest

    @pytest.mark.server("mongodb")
    class TestDocuments:
        def test_one(self): pass
        @pytest.mark.parametrize("x", ["a::b", "c"])
        def test_two(self, x): pass

    @pytest.mark.parametrize("name", [
        pytest.param("redis", marks=pytest.mark.server("redis")),
        pytest.param("memory"),
    ])
    def test_each(name): pass

    @pytest.mark.server("redis", "mongodb")
    def test_across(): pass

    @pytest.mark.server("redis")
    def test_url(server_url): assert server_url == "redis://here/0"
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    for name in NAMES:
        monkeypatch.delenv(environment_name(name), raising=False)
    monkeypatch.delenv("POLYSTORE_REQUIRE_SERVERS", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeconftest((ROOT / "tests" / "conftest.py").read_text())
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function")
    pytester.makepyfile(test_stores=TESTS)
    return pytester


def run(suite: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return suite.runpytest_inprocess("-p", "no:cacheprovider", *arguments)


def test_tests_without_their_server_are_not_run_and_named_by_class(suite: pytest.Pytester) -> None:
    result = run(suite)
    result.assert_outcomes(passed=1, deselected=6)
    result.stdout.fnmatch_lines(
        [
            "not run (no mongodb): 3 tests: test_stores.py::TestDocuments (3)",
            "not run (no mongodb and no redis): 1 test: test_stores.py (1)",
            "not run (no redis): 2 tests: test_stores.py (2)",
        ]
    )


def test_tests_run_with_the_server_that_the_environment_names(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYSTORE_TEST_REDIS", "redis://here/0")
    result = run(suite)
    result.assert_outcomes(passed=3, deselected=4)
    result.stdout.no_fnmatch_line("*no redis*")


def test_nothing_is_said_when_every_server_is_there(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYSTORE_TEST_REDIS", "redis://here/0")
    monkeypatch.setenv("POLYSTORE_TEST_MONGODB", "mongodb://here/x")
    result = run(suite)
    result.assert_outcomes(passed=7)
    result.stdout.no_fnmatch_line("not run*")


def test_a_required_server_that_is_missing_fails_its_tests(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYSTORE_REQUIRE_SERVERS", "1")
    result = run(suite)
    result.assert_outcomes(passed=1, errors=6)
    result.stdout.fnmatch_lines(["*no redis, but it is required: set POLYSTORE_TEST_REDIS"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_only_the_servers_that_are_required_by_name_fail_their_tests(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYSTORE_REQUIRE_SERVERS", "redis")
    result = run(suite)
    result.assert_outcomes(passed=1, errors=3, deselected=3)


def test_tests_that_were_not_asked_for_are_not_named(suite: pytest.Pytester) -> None:
    result = run(suite, "-k", "TestDocuments")
    result.stdout.fnmatch_lines(["not run (no mongodb): 3 tests: *"])
    result.stdout.no_fnmatch_line("*no redis*")


def test_several_worker_processes_name_each_test_once(suite: pytest.Pytester) -> None:
    result = run(suite, "-n", "2")
    result.stdout.fnmatch_lines(["not run (no mongodb): 3 tests: test_stores.py::TestDocuments (3)"])
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize("arguments", ["'postgres'", ""])
def test_a_mark_that_names_no_known_server_stops_the_run(suite: pytest.Pytester, arguments: str) -> None:
    suite.makepyfile(test_wrong=f"import pytest\n@pytest.mark.server({arguments})\ndef test_x(): pass")
    result = run(suite)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*test_wrong.py::test_x: no server is called *, use postgresql, mariadb,*"])


def test_a_test_with_a_server_of_its_own_needs_the_program_and_not_the_url(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite.makepyfile(
        test_stores="""
            import pytest
            @pytest.mark.server("redis", private=True)
            def test_redis(): pass
            @pytest.mark.server("mysql", private=True)
            def test_mysql(): pass
        """
    )
    monkeypatch.setattr("tools.private_servers.find_binary", lambda name: f"/here/{name}")
    result = run(suite)
    result.assert_outcomes(passed=1, deselected=1)
    result.stdout.fnmatch_lines(["not run (no private mysql): 1 test: test_stores.py (1)"])
