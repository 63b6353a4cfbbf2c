"""The adapter template: small, found by its entry point, safe against crashes and other writers, honest."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from examples.adapter.polystore_jsonlines import open as open_jsonlines
from polystore import EmbeddedModel, F, Field, Model, Store, field
from polystore.errors import ConfigurationError, NotSupportedError, StoreUnavailable, UniqueViolation

FOLDER = Path(__file__).parents[2] / "examples" / "adapter"


class Line(EmbeddedModel):
    article: Field[str]
    price: Field[Decimal] = field(max_digits=8, decimal_places=2)


class Order(Model):
    id: Field[UUID] = field(primary_key=True, default_factory=uuid4)
    number: Field[int] = field(unique=True)
    placed: Field[datetime]
    lines: Field[list[Line]] = field(default_factory=list)

    class Meta:
        table = "orders"


class Fleeting(Model):
    name: Field[str]

    class Meta:
        ttl = timedelta(seconds=1)


def make_store(folder: Path) -> Store:
    store = Store({"default": open_jsonlines(f"jsonlines://{folder}", {})})
    store.create_all([Order])
    return store


def make_order(number: int) -> Order:
    placed = datetime(2024, 2, 29, 23, 59, 59, 123456, tzinfo=UTC)
    return Order(number=number, placed=placed, lines=[Line(article="été", price=Decimal("9.90"))])


def test_the_whole_package_has_less_than_400_lines():
    files = [*FOLDER.rglob("*.py"), FOLDER / "pyproject.toml"]
    assert len(files) == 7
    assert sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files) < 400


def test_its_entry_point_serves_urls_of_its_scheme(tmp_path, monkeypatch):
    declared = tomllib.loads((FOLDER / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]
    installed = tmp_path / "polystore_jsonlines-0.1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: polystore-jsonlines\nVersion: 0.1.0\n")
    lines = [f"{name} = {module}" for name, module in declared["polystore.adapters"].items()]
    (installed / "entry_points.txt").write_text("\n".join(["[polystore.adapters]", *lines, ""]))
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.syspath_prepend(str(tmp_path))
    with Store(f"jsonlines://{tmp_path}/data") as store:
        store.create_all([Order])
        order = make_order(1).save()
        assert Order.objects.get(pk=order.pk) == order
    assert (tmp_path / "data" / "orders.jsonl").read_text().count("\n") == 1


def test_rows_outlive_the_store(tmp_path):
    with make_store(tmp_path):
        order = make_order(7).save()
    with make_store(tmp_path):
        found = Order.objects.get(number=7)
        assert found.model_dump() == order.model_dump()
        assert found.lines == [Line(article="été", price=Decimal("9.90"))]


def test_a_line_torn_by_a_crash_is_no_write(tmp_path):
    with make_store(tmp_path):
        make_order(1).save()
        make_order(2).save()
    path = tmp_path / "orders.jsonl"
    path.write_bytes(path.read_bytes()[:-10])
    with make_store(tmp_path):
        assert list(Order.objects.values_list("number", flat=True)) == [1]
        make_order(3).save()
    with make_store(tmp_path):
        assert sorted(Order.objects.values_list("number", flat=True)) == [1, 3]


def test_two_stores_on_one_folder_see_each_other(tmp_path):
    one, other = make_store(tmp_path), make_store(tmp_path)
    for number in range(1, 6):
        (one if number % 2 else other).repository(Order).add(make_order(number))
    assert one.repository(Order).count() == other.repository(Order).count() == 5
    with pytest.raises(UniqueViolation, match="another row already has this number"):
        other.repository(Order).add(make_order(1))
    one.repository(Order).delete_where(number__lt=4)
    assert other.repository(Order).count() == 2


def test_what_it_does_not_declare_is_refused_with_what_would_work(tmp_path):
    with make_store(tmp_path) as store:
        with pytest.raises(NotSupportedError, match=r"placed__gt.*put \.client\(max_rows=\.\.\.\) before it"):
            Order.objects.filter(placed__gt=F("placed")).count()
        with pytest.raises(NotSupportedError, match=r"update\(number=.*read the row"):
            Order.objects.all().update(number=F("number") + 1)
        with pytest.raises(NotSupportedError, match=r"Fleeting\.Meta\.ttl: rows in files do not expire"):
            store.create_all([Fleeting])


async def test_the_async_colour_is_refused(tmp_path):
    with make_store(tmp_path), pytest.raises(NotSupportedError, match="no async colour; use the blocking calls"):
        await Order.objects.acount()


def test_a_missing_folder_is_named(tmp_path):
    store = Store({"default": open_jsonlines(f"jsonlines://{tmp_path}/nowhere", {})})
    with pytest.raises(StoreUnavailable, match=r"nowhere/orders\.jsonl cannot be read or written") as caught:
        store.repository(Order).count()
    assert isinstance(caught.value.__cause__, FileNotFoundError)


@pytest.mark.parametrize("url", ["jsonlines://host/x", "jsonlines:///", "jsonlines:"])
def test_a_wrong_url_is_refused_with_the_right_form(url):
    with pytest.raises(ConfigurationError, match="write jsonlines:///path/to/folder"):
        open_jsonlines(url, {})
