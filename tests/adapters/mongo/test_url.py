"""URLs and settings are understood without any I/O, and refused with what would work."""

from __future__ import annotations

import pytest

from polystore.adapters.mongo import open as open_mongo
from polystore.adapters.mongo.url import read_settings
from polystore.errors import ConfigurationError
from polystore.query.capabilities import Feature


def test_a_replica_set_writes_batches_whole() -> None:
    assert Feature.ATOMIC_BATCH in open_mongo("mongodb://h/db?replicaSet=rs0", {}).capabilities.features
    assert Feature.ATOMIC_BATCH in open_mongo("mongodb+srv://cluster.example.org/db", {}).capabilities.features
    assert Feature.ATOMIC_BATCH in open_mongo("mongodb://h/db", {"transactions": True}).capabilities.features


def test_a_single_server_does_not() -> None:
    assert Feature.ATOMIC_BATCH not in open_mongo("mongodb://h/db", {}).capabilities.features
    settings = {"transactions": False}
    assert Feature.ATOMIC_BATCH not in open_mongo("mongodb://h/db?replicaSet=rs0", settings).capabilities.features


@pytest.mark.parametrize("url", ["mongodb://localhost", "mongodb://localhost/", "mongodb://a,b/?replicaSet=x"])
def test_a_url_without_a_database_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="must name a database"):
        open_mongo(url, {})


def test_passwords_never_show() -> None:
    settings = read_settings("mongodb://ann:s%40cret@h1:1,h2:2/shop?replicaSet=r", {})
    assert settings.label == "mongodb://ann:***@h1:1,h2:2/shop"
    assert "cret" not in repr(settings)
    with pytest.raises(ConfigurationError) as caught:
        open_mongo("mongodb://ann:s%40cret@h1/", {})
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "settings", "reason"),
    [
        ("mongodb://h/db?w=majority&connectTimeoutMS=x", {}, "connecttimeoutms"),
        ("mongodb://h/db", {"pool": 5}, "no setting pool"),
        ("mongodb://h/db", {"key_block": 0}, "key_block"),
        ("mongodb://h/db", {"transactions": "yes"}, "transactions"),
        ("mongomock://x", {"key_block": 5}, "takes no settings"),
    ],
)
def test_wrong_configuration_is_refused_at_once(url: str, settings: dict[str, object], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        open_mongo(url, settings)
