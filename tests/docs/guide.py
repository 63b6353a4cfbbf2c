"""Reads the guide: the Python blocks of a Markdown file as one program, and the output that it promises."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
FILES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").glob("*.md"))]
_PROMISE = re.compile(r"#\s->\s(.*)$")
_LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")


class Program(NamedTuple):
    """The blocks of one file, each line where it stands in the file, and the lines that it says it prints."""

    text: str
    promised: tuple[str, ...]


def program_of(file: Path) -> Program:
    """All Python blocks of a file; everything else is left blank, so that errors name the file's own lines."""
    kept = [line if inside else "" for line, inside in _lines(file)]
    promised = (found.group(1).rstrip() for line in kept if (found := _PROMISE.search(line)))
    return Program("\n".join(kept) + "\n", tuple(promised))


def _lines(file: Path) -> Iterator[tuple[str, bool]]:
    inside = False
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            inside = line == "```python"
            yield line, False
        else:
            yield line, inside


def links_of(file: Path) -> list[str]:
    """The targets of a file's links."""
    return _LINK.findall(file.read_text(encoding="utf-8"))


def anchors_of(file: Path) -> set[str]:
    """The anchors of a file's headings."""
    headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
