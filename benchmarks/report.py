"""The results as data and as Markdown tables."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import polystore
from benchmarks.contender import OPERATIONS
from benchmarks.harness import Timing

_PACKAGES = (
    "pydantic",
    "msgspec",
    "SQLAlchemy",
    "psycopg",
    "pymongo",
    "redis",
    "hiredis",
    "aiosqlite",
    "Django",
    "mongoengine",
    "beanie",
    "redis-om",
)
_TITLES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mongodb": "MongoDB", "redis": "Redis"}

Tables = dict[tuple[str, str], dict[str, dict[str, Timing]]]
"""Timings by store and colour, by operation, by contender."""


def environment() -> dict[str, Any]:
    """When, where and with which versions the run took place."""
    return {
        "date": date.today().isoformat(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "sqlite": sqlite3.sqlite_version,
        "import_seconds": round(import_seconds(), 3),
        "packages": {"polystore": polystore.__version__}
        | {name: found for name in _PACKAGES if (found := _version(name)) is not None},
    }


@lru_cache(maxsize=1)
def import_seconds() -> float:
    """The CPU time of ``import polystore`` in a new process, with its bytecode already compiled."""
    measure = "import time\nstart = time.process_time()\nimport polystore\nprint(time.process_time() - start)"
    with tempfile.TemporaryDirectory() as folder:
        given = os.environ | {"PYTHONPYCACHEPREFIX": folder, "PYTHONDONTWRITEBYTECODE": ""}
        return min(
            float(subprocess.run([sys.executable, "-c", measure], capture_output=True, check=True, env=given).stdout)
            for _ in range(6)
        )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def as_markdown(tables: Tables, unmeasured: Mapping[str, str], rounds: int) -> str:
    """All tables with what a reader needs to judge them."""
    about = environment()
    packages = ", ".join(f"{name} {number}" for name, number in about["packages"].items())
    lines = [
        "# Benchmarks",
        "",
        f"Measured on {about['date']}: Python {about['python']}, {about['cores']} cores, SQLite {about['sqlite']}; "
        f"{packages}.",
        "",
        "Each cell is the time of a contender divided by that of the bare driver (raw) doing the same work in the same "
        f"run: the best of {rounds} rounds, and in brackets the median one. Smaller is faster. All contenders take "
        "their turn in every round, on tables of 10,000 equal rows, after their answers were compared. "
        "A dash: no equal exists.",
        "",
        f"`import polystore` takes {about['import_seconds'] * 1000:.0f} ms of CPU time.",
    ]
    for (store, colour), timings in tables.items():
        lines += ["", f"## {_TITLES[store]}, {colour}", "", *_table(timings)]
    for store, reason in unmeasured.items():
        lines += ["", f"## {_TITLES[store]}", "", f"Not measured: {reason}."]
    return "\n".join(lines) + "\n"


def _table(timings: Mapping[str, Mapping[str, Timing]]) -> list[str]:
    names = list(dict.fromkeys(name for row in timings.values() for name in row))
    rest = names[1:]
    lines = [f"| | raw µs | {' | '.join(rest)} |", f"|---|--:|{'--:|' * len(rest)}"]
    for operation, row in timings.items():
        raw = row[names[0]]
        cells = [_cell(row.get(name), raw) for name in rest]
        lines.append(f"| {OPERATIONS[operation].title} | {raw.best * 1e6:.3g} | {' | '.join(cells)} |")
    return lines


def _cell(timing: Timing | None, raw: Timing) -> str:
    return "-" if timing is None else f"{timing.best / raw.best:.2f} ({timing.median / raw.median:.2f})"


def as_json(tables: Tables, unmeasured: Mapping[str, str], rounds: int) -> str:
    """The same as data: seconds for a call, or for a row of it."""
    results = [
        {
            "store": store,
            "colour": colour,
            "operation": operation,
            "contender": name,
            "best": timing.best,
            "median": timing.median,
        }
        for (store, colour), timings in tables.items()
        for operation, row in timings.items()
        for name, timing in row.items()
    ]
    document = environment() | {"rounds": rounds, "unmeasured": dict(unmeasured), "results": results}
    return json.dumps(document, indent=1) + "\n"


def write(folder: Path, tables: Tables, unmeasured: Mapping[str, str], rounds: int) -> Sequence[Path]:
    """Writes both files; answers their paths."""
    texts = {"results.md": as_markdown(tables, unmeasured, rounds), "results.json": as_json(tables, unmeasured, rounds)}
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]
