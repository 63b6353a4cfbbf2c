"""What is likely a mistake and no error is told once, for the user's own line."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest

from polystore import Repository
from polystore.errors import NullInListWarning, UniquenessWarning
from polystore.query.warned import warn_once
from tests.api.shop import Album, Track


@pytest.fixture(autouse=True)
def nothing_was_said(sent: list[str]) -> Iterator[None]:
    warn_once.cache_clear()
    yield
    warn_once.cache_clear()


@pytest.mark.parametrize("verb", ["get_or_create", "update_or_create"])
def test_finding_by_fields_without_a_constraint_is_told_once(verb: str) -> None:
    """Rule F25."""
    with pytest.warns(UniquenessWarning, match=rf"Track: {verb}\(\) finds a row by name, which no unique") as caught:
        getattr(Track.objects, verb)(name="a", plays__gte=0)
    assert caught[0].filename == __file__
    with warnings.catch_warnings(record=True) as again:
        getattr(Track.objects, verb)(name="b")
    assert again == []
    with pytest.warns(UniquenessWarning, match="by name, plays"):
        getattr(Track.objects, verb)(name="a", plays=1)


async def test_the_async_colour_tells_the_same() -> None:
    with pytest.warns(UniquenessWarning, match="Track") as caught:
        await Track.objects.aget_or_create(name="a")
    assert caught[0].filename == __file__


def test_a_repository_tells_the_same() -> None:
    with pytest.warns(UniquenessWarning, match=r"Track: get_or_upsert\(\).*name") as caught:
        Repository(model=Track).get_or_upsert(["name"], name="a")
    assert caught[0].filename == __file__


def test_fields_that_a_constraint_covers_are_not_told() -> None:
    """Rule F25: a NULL is in no constraint."""
    Album.objects.get_or_create(title="a", year=1990)
    Album.objects.update_or_create(pk=7, defaults={"title": "b"})
    Repository(model=Album).get_or_upsert(["title"], title="a")
    with pytest.warns(UniquenessWarning, match="Album: .*finds a row by nothing"):
        Album.objects.get_or_create(year=None, defaults={"title": "c"})


def test_none_in_a_list_is_told_once() -> None:
    """Rule A8."""
    with pytest.warns(NullInListWarning, match="Album: None in the list of year__in.*year__isnull=True") as caught:
        assert Album.objects.filter(year__in=[1, None]).count() == 0
    assert caught[0].filename == __file__
    with warnings.catch_warnings(record=True) as again:
        Album.objects.exclude(year__in=[None])
    assert again == []
