"""README and guide tell the truth: their examples run and print what they say, their links lead somewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.guide import FILES, ROOT, anchors_of, links_of, program_of

WITH_EXAMPLES = [file for file in FILES if program_of(file).text.strip()]


@pytest.mark.parametrize("file", WITH_EXAMPLES, ids=lambda file: file.name)
def test_examples_run_and_print_what_they_say(file: Path, tmp_path: Path) -> None:
    program = program_of(file)
    assert printed(program.text, tmp_path / f"page_{file.stem.lower()}.py") == list(program.promised)


def test_the_readme_prints_the_same_when_its_documents_are_routed_to_redis(tmp_path):
    program = program_of(ROOT / "README.md")
    routed = program.text.replace("Store(URLS)", 'Store(URLS, routes={"Review": "keys"})')
    assert routed != program.text
    assert printed(routed, tmp_path / "routed.py") == list(program.promised)


def printed(text: str, script: Path) -> list[str]:
    """The lines that a program prints, run in a folder of its own."""
    script.write_text(text, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("POLYSTORE_")}
    run = subprocess.run(
        [sys.executable, "-W", "error", script],
        cwd=script.parent,
        env=environment | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()


def test_every_page_of_the_guide_but_its_lists_has_examples_that_run():
    pages = {file.name for file in FILES if file.parent.name == "docs"}
    assert pages - {file.name for file in WITH_EXAMPLES} == {"index.md", "capabilities.md"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_links_lead_somewhere(file: Path) -> None:
    for link in links_of(file):
        if link.startswith("http"):
            continue
        name, _, anchor = link.partition("#")
        target = (file.parent / name).resolve() if name else file
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link
