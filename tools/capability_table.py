"""Writes what each store can do, as the compliance suite proved it, into the README and docs/capabilities.md.

    python tools/capability_table.py            merge the last full run into docs/capabilities.json, write the tables
    python tools/capability_table.py --check    fail when the tables differ from docs/capabilities.json

Every run of the suite leaves one file a store in .cache/capabilities. A run is full when it proves all that a store
declares; an incomplete one is not taken, and a store that was not run keeps its last results.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

if __name__ == "__main__":  # run as a script, the path starts at this folder instead of the project's
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from polystore.query.capabilities import Feature
from polystore.query.operators import (
    Aggregate,
    ArithmeticOperator,
    DatePart,
    Function,
    Holding,
    Operator,
    WindowFunction,
)
from polystore.testing.compliance.aggregates import OPTION_CASES
from polystore.testing.compliance.capabilities import TESTS
from polystore.testing.compliance.verbs import VERBS

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / ".cache" / "capabilities"
COMMITTED = ROOT / "docs" / "capabilities.json"
PAGE = ROOT / "docs" / "capabilities.md"
README = ROOT / "README.md"
BEGIN, END = "<!-- capabilities:begin -->", "<!-- capabilities:end -->"

STORES = {
    "postgresql": "PostgreSQL",
    "mariadb": "MariaDB",
    "mysql": "MySQL",
    "sqlite": "SQLite",
    "mongodb": "MongoDB",
    "redis": "Redis",
    "mongomock": "mongomock",
    "fakeredis": "fakeredis",
    "memory": "memory",
}
SHORT = ("postgresql", "mariadb", "mysql", "sqlite", "mongodb", "redis")
GROUPS: dict[str, list[Any]] = {
    "Lookups": list(Operator),
    "Lists and JSON": list(Holding),
    "Parts of dates": list(DatePart),
    "Arithmetic": list(ArithmeticOperator),
    "Functions": list(Function),
    "Aggregates": list(Aggregate),
    "Windows": list(WindowFunction),
    "Features": list(Feature),
}
"""What a store declares."""
TESTED: dict[str, list[str]] = {
    "Verbs": [f"Verb:{name}" for name in VERBS],
    "Lookups of several values and of NULL": [f"Lookup:{word}" for word in TESTS],
    "Options of aggregates": [f"AggregateOption:{aggregate.name}:{option}" for aggregate, option in OPTION_CASES],
}
"""What no store declares by itself: tests tell. It stands on the page of all stores only."""
OTHER_GROUPS = {"Query": "Queries within queries", "Kind": "Kinds of value"}
"""Groups of lines that are no capabilities: every store has them, and tests prove them."""

Cells: TypeAlias = dict[str, str]


class Row(NamedTuple):
    """A line of a table: what it is about, and each store's cell."""

    title: str
    cells: tuple[str, ...]


class Incomplete(Exception):
    """Results of a run that did not prove all that a store declares."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the tool; answers the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, fail when something would change")
    if not parser.parse_args(arguments).check:
        COMMITTED.write_text(json.dumps(merged(read_committed(), read_results()), indent=1) + "\n", encoding="utf-8")
    found = read_committed()
    wanted = {PAGE: page(found), README: with_table(README.read_text(encoding="utf-8"), short_table(found))}
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if parser.parse_args(arguments).check:
        for path in stale:
            print(f"{path.relative_to(ROOT)} differs from docs/capabilities.json: run tools/capability_table.py")
        return bool(stale)
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")
    return 0


# ---- results


def read_committed() -> dict[str, Cells]:
    """The cells of each store, as the last full run left them."""
    found: dict[str, Cells] = json.loads(COMMITTED.read_text(encoding="utf-8")) if COMMITTED.exists() else {}
    return found


def read_results() -> Iterator[dict[str, Any]]:
    """What the runs of each store left."""
    for path in sorted(RESULTS.glob("*.json")):
        yield json.loads(path.read_text(encoding="utf-8"))


def merged(committed: Mapping[str, Cells], results: Iterator[dict[str, Any]]) -> dict[str, Cells]:
    """The committed cells with those of the new results; incomplete results are told and left out."""
    found = dict(committed)
    for result in results:
        try:
            found[result["store"]] = cells_of(result)
        except Incomplete as reason:
            print(f"{result['store']}: not taken, {reason}")
    order = list(STORES)
    return dict(sorted(found.items(), key=lambda item: (order.index(item[0]) if item[0] in order else 99, item[0])))


def cells_of(result: Mapping[str, Any]) -> Cells:
    """What a store's run proved, by line.

    Raises:
        Incomplete: a declared capability or a verb without a passed test in each colour, or a failed test.
    """
    verdicts, declared = result["lines"], set(result["declared"])
    cells: Cells = {}
    for line in [f"{type(each).__name__}:{each.name}" for group in GROUPS.values() for each in group]:
        verdict = verdicts.get(line)
        if verdict in ("failed", "gap"):
            cells[line] = verdict
        elif line in declared:
            if verdict != "proven":
                raise Incomplete(f"{line} is declared and no test has proven it")
            cells[line] = "native"
        else:
            cells[line] = "client" if verdicts.get(f"client:{line}") == "proven" else "refused"
    for line in [line for group in TESTED.values() for line in group] + [line for line in verdicts if _is_told(line)]:
        if line not in verdicts:
            raise Incomplete(f"no test has asked for {line}")
        behind_client = verdicts.get(f"client:{line}") == "proven"
        cells[line] = {"proven": "native", "refused": "client" if behind_client else "refused"}.get(
            verdicts[line], verdicts[line]
        )
    if "failed" in cells.values():
        raise Incomplete("tests failed")
    refuse_half_proven(cells, result)
    return cells


def refuse_half_proven(cells: Cells, result: Mapping[str, Any]) -> None:
    """Raises Incomplete where something was asked in one colour, and the store has two."""
    wanted = {"sync", "async"} if "Feature:ASYNC" in result["declared"] else {"sync"}
    for line, cell in cells.items():
        asked = line if cell == "native" else f"client:{line}"
        if cell in ("native", "client") and not wanted.issubset(result["colours"].get(asked, ())):
            raise Incomplete(f"{asked} was not proven in both colours")


def _is_told(line: str) -> bool:
    return line.partition(":")[0] in OTHER_GROUPS


# ---- tables


def title_of(line: str) -> str:
    """A line's name in the words of users."""
    group, name = line.split(":", 1)
    if group in OTHER_GROUPS:
        return name
    match group:
        case "Verb" | "Lookup":
            return f"`{name}`"
        case "AggregateOption":
            aggregate, option = name.split(":")
            name, _, sample = Aggregate[aggregate].value.removesuffix(")").partition("(")
            return f"`{name}({f'{sample}, ' if sample else ''}{option}=)`"
    groups = (Operator, Holding, DatePart, ArithmeticOperator, Function, Aggregate, WindowFunction, Feature)
    member: Any = {each.__name__: each for each in groups}[group][name]
    return str(member.value) if group == "Feature" else f"`{member.value}`"


def lines_of(found: Mapping[str, Cells]) -> dict[str, list[str]]:
    """The lines of each group that a store has results for."""
    groups = {title: [f"{type(each).__name__}:{each.name}" for each in members] for title, members in GROUPS.items()}
    for prefix, title in OTHER_GROUPS.items():
        told = dict.fromkeys(line for cells in found.values() for line in cells if line.startswith(f"{prefix}:"))
        groups |= {title: list(told)} if told else {}
    return groups | TESTED


def short_table(found: Mapping[str, Cells]) -> str:
    """The README's table: one line for all that the same stores can do, a tick for what is proven."""
    stores = [store for store in SHORT if store in found]
    rows: list[Row] = []
    for title, lines in lines_of(found).items():
        if title not in GROUPS:
            continue
        alike: dict[tuple[str, ...], list[str]] = {}
        for line in lines:
            cells = tuple("✓" if found[store].get(line) == "native" else "" for store in stores)
            alike.setdefault(cells, []).append(title_of(line))
        if title == "Features":
            rows += [Row(each, cells) for cells, titles in alike.items() for each in titles]
        else:
            rows += [Row(f"{title}: {' '.join(titles)}", cells) for cells, titles in alike.items()]
    return table("", stores, rows)


def page(found: Mapping[str, Cells]) -> str:
    """docs/capabilities.md: every line, native, client or refused."""
    stores = [store for store in STORES if store in found] + [store for store in found if store not in STORES]
    parts = [
        "# What each store can do\n",
        "Written by `tools/capability_table.py` from runs of the compliance suite. **native**: the store answers, and "
        "tests have proven its answers. **client**: the store refuses before anything is sent, and "
        "`.client(max_rows=...)` before it answers here, in Python. **refused**: this store has no such thing.\n",
    ]
    for title, lines in lines_of(found).items():
        rows = [Row(title_of(line), tuple(found[store].get(line, "") for store in stores)) for line in lines]
        parts += [f"## {title}\n", table("", stores, rows)]
    return "\n".join(parts)


def table(corner: str, stores: Sequence[str], rows: Sequence[Row]) -> str:
    """A Markdown table."""
    lines = [
        Row(corner, tuple(STORES.get(store, store) for store in stores)),
        Row("---", ("---",) * len(stores)),
        *rows,
    ]
    return "".join(f"| {' | '.join([row.title, *row.cells])} |\n" for row in lines)


def with_table(text: str, made: str) -> str:
    """The text with the table between its two markers."""
    if BEGIN not in text or END not in text:
        raise SystemExit(f"the README needs the lines {BEGIN} and {END}, between which the table goes")
    return re.sub(f"{BEGIN}.*?{END}", lambda _: f"{BEGIN}\n\n{made}\n{END}", text, flags=re.DOTALL)


if __name__ == "__main__":
    sys.exit(main())
