"""Lower and upper case on MariaDB: which letters its collation knows, and servers that do not have it."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest

from polystore.adapters.sql import patterns
from polystore.adapters.sql.mysql import _async, _sync
from polystore.adapters.sql.mysql.letters import changed_case, knows_letters, newer_letters
from polystore.errors import NotSupportedError
from polystore.query.nodes import All, Call, Column, Compare, Parameter
from polystore.query.operations import Count
from polystore.query.operators import Function, Operator
from polystore.query.text import simple_lower, simple_upper
from tests.adapters.sql.items import LABEL
from tests.adapters.sql.support import opened

TITLE = LABEL.field("title")
FACTS = "SELECT '10.11.2-MariaDB', @@auto_increment_increment, @@max_allowed_packet"


def _with_lower() -> Count:
    lower = Call(Function.LOWER, (Column(TITLE),), TITLE.kind)
    return Count(LABEL, All((Compare(lower, Operator.EXACT, Parameter(0, TITLE.kind)),)))


def test_a_letter_that_unicode_got_later_is_changed_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "letters_with_cases", lambda: "\xc9\ua7cb\U00010d50")

    def change(text: str) -> str:
        return text.translate({0xA7CB: 0x264, 0x10D50: 0x10D70, 0xC9: 0xE9})

    assert newer_letters(change, "16.0.0") == {"\ua7cb": "\u0264", "\U00010d50": "\U00010d70"}
    assert newer_letters(change, "14.0.0") == {}


@pytest.mark.parametrize("change", [simple_lower, simple_upper])
def test_every_letter_that_unicode_14_had_is_known(change: Any) -> None:
    newer = newer_letters(change, "another version")
    assert (newer == {}) is (unicodedata.unidata_version in ("14.0.0", "15.0.0", "15.1.0"))
    assert all(ord(letter) > 0x17F and letter != other for letter, other in newer.items())


def test_texts_without_letters_to_keep_are_changed_in_one_step() -> None:
    assert changed_case(Function.UPPER).endswith(
        "ELSE (UPPER({0} COLLATE utf8mb4_uca1400_nopad_as_cs) COLLATE utf8mb4_nopad_bin) END)"
    )


@pytest.mark.parametrize(
    ("version", "knows"),
    [
        ("10.11.3-MariaDB", True),
        ("10.11.19-MariaDB-0+deb12u1", True),
        ("5.5.5-10.11.2-MariaDB", False),
        ("10.11.2-MariaDB-log", False),
        ("10.6.21-MariaDB", False),
        ("11.4.2-MariaDB-ubu2404", True),
        ("12.0.1-MariaDB", True),
        ("8.4.0", False),
        ("", False),
    ],
)
def test_letters_are_known_since_a_version_of_mariadb(version: str, knows: bool) -> None:
    assert knows_letters(version) is knows


@pytest.mark.server("mariadb")
def test_an_older_server_is_not_asked_to_change_letters(
    colour: str, available_servers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for session in (_async, _sync):
        monkeypatch.setattr(session, "FACTS", FACTS)
    with opened(available_servers["mariadb"], colour) as db:
        db.reset(LABEL)
        assert db.execute(Count(LABEL, All())) == 0
        with pytest.raises(NotSupportedError, match=r"Lower and Upper need MariaDB 10\.11\.3 or newer"):
            db.execute(_with_lower(), ("a",))
        assert db.execute(Count(LABEL, All())) == 0


@pytest.mark.server("mariadb")
def test_a_server_that_knows_letters_is_asked(colour: str, available_servers: dict[str, str]) -> None:
    with opened(available_servers["mariadb"], colour) as db:
        db.reset(LABEL)
        db.insert(LABEL, ["title", "owner", "rank"], ("ÄÖ", None, None), ("äö", None, None), ("a", None, None))
        assert db.execute(_with_lower(), ("äö",)) == 2
