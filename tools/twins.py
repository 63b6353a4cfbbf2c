"""Writes the sync twin of every hand-written async file, so that what does I/O is written once.

    python tools/twins.py            write the twins, remove orphaned ones
    python tools/twins.py --check    fail for stale, missing and orphaned twins

Every `polystore/**/_async.py` has its twin `_sync.py` beside it, and so has every `tests/**/test_*_async.py`
that holds the line `# twins: generate`. `async` and `await` go; the tables below rename whatever stands in
them, in code, docstrings and comments alike; the rest stays as written. Ruff then sorts the imports, drops
those that the twin does not need, and formats.
"""

from __future__ import annotations

import argparse
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

NAMES = {
    # the language
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
    "StopAsyncIteration": "StopIteration",
    "aiter": "iter",
    "anext": "next",
    # contextlib
    "AbstractAsyncContextManager": "AbstractContextManager",
    "aclosing": "closing",
    "asynccontextmanager": "contextmanager",
    "enter_async_context": "enter_context",
    "push_async_callback": "callback",
    "push_async_exit": "push",
    # ours
    "_async": "_sync",
    "aclose": "close",
    "aexecute": "execute",
    "aopen": "open",
    "async_backend": "backend",
    "astream": "stream",
    # drivers
    "asyncmy": "pymysql",
    "asynchronous": "synchronous",
}
ASYNC_PREFIX = re.compile(r"^(_*)Async(?=[A-Z])")  # AsyncIterator -> Iterator, _AsyncPool -> _Pool
DOTTED_NAMES = {
    "asyncio.Event": "threading.Event",
    "asyncio.Lock": "threading.Lock",
    "asyncio.Semaphore": "threading.Semaphore",
    "asyncio.sleep": "time.sleep",
    "redis.asyncio": "redis",
}
INSTEAD_OF_ASYNCIO = ("threading", "time")  # ruff drops what is not used
UNWRAPPED = ("Awaitable",)  # Awaitable[Row] -> Row

MARK = "# twins: generate\n"
HEADER = "# Generated from {source} by tools/twins.py. Do not edit.\n"
HEADER_PATTERN = re.compile(r"# Generated from \S+ by tools/twins\.py\. Do not edit\.\n")
DOTTED_WORD = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
IMPORT_ASYNCIO = re.compile(r"^( *)import asyncio$", re.MULTILINE)
F_STRING = re.compile(r"[rR]?[fF][rR]?['\"]")
AWAIT_IN_FIELD = re.compile(r"\bawait\s+|\basync\s+(?=for\b)")


class TwinError(Exception):
    """A twin that cannot be made; the text names the file, the line and what would work."""


def to_sync(source: str, path: str) -> str:
    """The sync twin of an async file's text, unformatted; raises TwinError where no sync word is known."""
    text = without_async(source.replace(MARK, "", 1))
    text = IMPORT_ASYNCIO.sub(lambda match: imports_instead(match[1]), text)
    text = DOTTED_WORD.sub(lambda match: sync_name(match[0]), text)
    for token in tokens_of(text):
        if token.type == tokenize.NAME and token.string == "asyncio":
            raise TwinError(f"{path}: no sync word for `{token.line.strip()}`: add it to DOTTED_NAMES")
    return HEADER.format(source=path) + text


def imports_instead(indent: str) -> str:
    return "\n".join(f"{indent}import {module}" for module in INSTEAD_OF_ASYNCIO)


def sync_name(dotted: str) -> str:
    """The sync word for a name or a dotted name; the same word where the tables hold none."""
    for before, after in DOTTED_NAMES.items():
        if f"{dotted}.".startswith(f"{before}."):
            dotted = after + dotted[len(before) :]
    parts = (NAMES.get(part) or ASYNC_PREFIX.sub(r"\1", part) for part in dotted.split("."))
    return ".".join(parts)


def without_async(source: str) -> str:
    """The text without its `async` and `await` keywords and without the wrappers of awaitable types."""
    text = source
    for begin, end, replacement in sorted(edits(source), reverse=True):
        text = text[:begin] + replacement + text[end:]
    return text


def edits(source: str) -> Iterator[tuple[int, int, str]]:
    """What to replace: where it begins, where it ends, what comes instead."""
    line_starts = [0, *(match.end() for match in re.finditer("\n", source))]
    opened: list[bool] = []  # for each open bracket, whether it goes
    tokens = tokens_of(source)
    for before, token, after in zip([tokens[0], *tokens], tokens, [*tokens[1:], tokens[-1]], strict=False):
        begin, end = (line_starts[line - 1] + column for line, column in (token.start, token.end))
        match token.type, token.string:
            case tokenize.NAME, "async" | "await":
                yield begin, end + len(source[end:]) - len(source[end:].lstrip(" ")), ""
            case tokenize.NAME, name if name in UNWRAPPED and after.string == "[":
                yield begin, end, ""
            case tokenize.OP, "(" | "[" | "{":
                opened.append(token.string == "[" and before.string in UNWRAPPED)
                if opened[-1]:
                    yield begin, end, ""
            case tokenize.OP, ")" | "]" | "}":
                if opened.pop():
                    yield begin, end, ""
            case tokenize.STRING, text if F_STRING.match(text):
                yield begin, end, without_await_in_fields(text)


def without_await_in_fields(text: str) -> str:
    """An f-string without the keywords inside its braces: until Python 3.12 it is one token."""
    result, index, depth = "", 0, 0
    while index < len(text):
        if depth == 0 and text[index : index + 2] in ("{{", "}}"):
            result, index = result + text[index : index + 2], index + 2
        elif depth > 0 and (keyword := AWAIT_IN_FIELD.match(text, index)):
            index = keyword.end()
        else:
            depth += {"{": 1, "}": -1}.get(text[index], 0)
            result, index = result + text[index], index + 1
    return result


def tokens_of(source: str) -> list[tokenize.TokenInfo]:
    return list(tokenize.generate_tokens(io.StringIO(source).readline))


def formatted(text: str, path: Path) -> str:
    """The text as ruff would have it, its imports sorted and none of them unused."""
    for arguments in (("check", "--fix-only", "--select", "F401,I001"), ("format",)):
        command = [sys.executable, "-m", "ruff", *arguments, "--quiet", "--stdin-filename", str(path), "-"]
        done = subprocess.run(command, input=text, capture_output=True, text=True, encoding="utf-8")
        if done.returncode != 0:
            raise TwinError(f"{path}: ruff {arguments[0]} failed: {done.stderr.strip()}")
        text = done.stdout
    return text


def twin_paths(root: Path) -> dict[Path, Path]:
    """Every async file that has a twin, and where that twin belongs."""
    sources = {source: source.with_name("_sync.py") for source in sorted(root.glob("polystore/**/_async.py"))}
    for source in sorted(root.glob("tests/**/test_*_async.py")):
        if MARK in source.read_text(encoding="utf-8"):
            sources[source] = source.with_name(source.name.replace("_async.py", "_sync.py"))
    return sources


def orphans(root: Path) -> list[Path]:
    """Generated files whose async file is gone."""
    wanted = set(twin_paths(root).values())
    found = [*root.glob("polystore/**/_sync.py"), *root.glob("tests/**/test_*_sync.py")]
    return sorted(path for path in found if path not in wanted and is_generated(path))


def is_generated(path: Path) -> bool:
    return HEADER_PATTERN.match(path.read_text(encoding="utf-8")) is not None


def wanted_twins(root: Path) -> Iterator[tuple[Path, str]]:
    """Each twin's place and text; raises TwinError, also where a hand-written file stands in its place."""
    for source, twin in twin_paths(root).items():
        name = source.relative_to(root).as_posix()
        if twin.exists() and not is_generated(twin):
            raise TwinError(f"{twin.relative_to(root)} is hand-written, but its place is the twin of {name}: rename it")
        yield twin, formatted(to_sync(source.read_text(encoding="utf-8"), name), twin)


def problems(root: Path) -> list[str]:
    """What is wrong with the twins as they stand: one line each, nothing if all is well."""
    found = [f"orphaned: {path.relative_to(root)} has no async file any more" for path in orphans(root)]
    for twin, text in wanted_twins(root):
        if not twin.exists():
            found.append(f"missing: {twin.relative_to(root)}")
        elif twin.read_text(encoding="utf-8") != text:
            found.append(f"stale: {twin.relative_to(root)}")
    return found


def write(root: Path) -> list[Path]:
    """Write every twin that differs, remove the orphans, and return what changed."""
    changed = orphans(root)
    for orphan in changed:
        orphan.unlink()
    for twin, text in wanted_twins(root):
        if not twin.exists() or twin.read_text(encoding="utf-8") != text:
            twin.write_text(text, encoding="utf-8")
            changed.append(twin)
    return changed


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(prog="twins.py", description="Write or check the generated sync twins.")
    parser.add_argument("--check", action="store_true", help="write nothing, fail if a twin is not up to date")
    check = parser.parse_args(arguments).check
    try:
        lines = problems(root) if check else [f"wrote or removed {path.relative_to(root)}" for path in write(root)]
    except TwinError as error:
        print(f"twins: {error}", file=sys.stderr)
        return 1
    for line in lines:
        print(f"twins: {line}")
    if check and lines:
        print("twins: run `python tools/twins.py` and commit what it writes")
    return 1 if check and lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
