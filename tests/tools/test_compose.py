"""The compose file: every server that the tests know, pinned, with a health check, bound to this machine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from tools.servers import NAMES, environment_name

TEXT = (Path(__file__).resolve().parents[2] / "docker-compose.yml").read_text()
SERVICES: dict[str, Any] = yaml.safe_load(TEXT)["services"]


def test_it_has_exactly_the_servers_that_the_tests_know() -> None:
    assert set(SERVICES) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_service_is_pinned_checked_and_bound_to_this_machine(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"\w+:\d+\.\d+(\.\d+)?", service["image"])
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["healthcheck"]["retries"] > 0
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])


@pytest.mark.parametrize("name", NAMES)
def test_the_comment_gives_the_url_of_the_port_that_is_bound(name: str) -> None:
    found = re.search(rf"^#   export {environment_name(name)}=\"?([^\s\"]+)", TEXT, re.MULTILINE)
    assert found is not None
    assert f"127.0.0.1:{urlsplit(found[1]).port}" == SERVICES[name]["ports"][0].rpartition(":")[0]


def test_the_replica_set_names_its_member_by_the_port_that_is_bound() -> None:
    script = SERVICES["mongodb"]["healthcheck"]["test"][-1]
    assert 'host: "127.0.0.1:17017"' in script
    assert SERVICES["mongodb"]["ports"] == ["127.0.0.1:17017:17017"]
