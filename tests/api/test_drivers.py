"""A driver that is not installed is named with the extra that brings it; one that is not used is not imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

EXTRAS = {
    extra: f"pip install 'polystore[{extra}]'"
    for extra in ("sqlite", "postgres", "mysql", "mongo", "redis", "embedded")
}


def printed(code: str) -> str:
    """What code prints in a process of its own, where nothing has been imported yet."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("driver", "url", "text"),
    [
        ("sqlalchemy", "sqlite://", "store 'shop' (sqlite://) needs the package 'sqlalchemy': {sqlite}"),
        ("psycopg", "postgresql://u:pw@h/x", "store 'shop': postgresql://u:***@h/x needs psycopg 3: {postgres}"),
        ("pymysql", "mysql://u:pw@h/x", "store 'shop': mysql://u:***@h/x needs PyMySQL: {mysql}"),
        ("pymongo", "mongodb://u:pw@h/x", "store 'shop' (mongodb://u:***@h/x) needs the package 'pymongo': {mongo}"),
        ("redis", "redis://:pw@h/0", "store 'shop' (redis://:***@h/0) needs the package 'redis': {redis}"),
        ("mongomock", "mongomock://", "store 'shop' (mongomock://) needs the package 'mongomock': {embedded}"),
        ("fakeredis", "fakeredis://", "store 'shop': fakeredis:// needs fakeredis with Lua; {embedded}"),
        ("lupa", "fakeredis://", "store 'shop': fakeredis:// needs fakeredis with Lua; {embedded}"),
    ],
)
def test_a_missing_driver_names_the_extra_that_brings_it(driver: str, url: str, text: str) -> None:
    told = printed(
        f"import sys; sys.modules[{driver!r}] = None\n"
        "from polystore import Store\n"
        "from polystore.errors import MissingDriver\n"
        f"try:\n    Store({{'shop': {url!r}}}).ping()\n"
        "except MissingDriver as error:\n    print(error)"
    )
    assert told.startswith(text.format(**EXTRAS))


def test_a_missing_async_driver_is_named_when_the_async_colour_is_used() -> None:
    told = printed(
        "import asyncio, sys; sys.modules['asyncmy'] = None\n"
        "from polystore import Store\n"
        "from polystore.errors import MissingDriver\n"
        "try:\n    asyncio.run(Store({'shop': 'mysql://u:pw@h/x'}).aping())\n"
        "except MissingDriver as error:\n    print(error)"
    )
    assert told.startswith(f"store 'shop': mysql://u:***@h/x needs asyncmy: {EXTRAS['mysql']}")


def test_a_store_in_memory_needs_no_driver_at_all() -> None:
    drivers = ["sqlalchemy", "psycopg", "pymysql", "asyncmy", "pymongo", "redis", "mongomock", "fakeredis"]
    told = printed(
        f"import sys\nfor name in {drivers}: sys.modules[name] = None\n"
        "from polystore import Model, Store, Field\n"
        "class Song(Model):\n    name: Field[str]\n"
        "Store('memory://')\nSong.objects.create(name='x')\nprint(Song.objects.get().name)"
    )
    assert told == "x"
