"""Commands as bytes: what does not change is packed once, what changes is put in at binding."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from polystore.adapters.redis.layout import Layout

try:
    from hiredis import pack_command

    _pack: Any = pack_command
except ImportError:
    _pack = None

PURGE_BUDGET = b"256"
SCRIPTS = ("apply", "scan", "fold", "probe", "define", "rebuild")


def pack_arguments(arguments: Iterable[bytes]) -> bytes:
    """Arguments as the protocol has them, without the count before them."""
    if _pack is not None:
        packed: bytes = _pack(tuple(arguments))
        return packed[packed.index(b"\n") + 1 :]
    return b"".join([b"$%d\r\n%b\r\n" % (len(each), each) for each in arguments])


def pack_fetch(columns: Iterable[str]) -> tuple[bytes, bytes]:
    """What stands before and behind the key in the command that reads a row: its version, then its columns."""
    names = [b"_v", *(column.encode() for column in columns)]
    return b"*%d\r\n$5\r\nHMGET\r\n$" % (len(names) + 2), b"\r\n" + pack_arguments(names)


def pack(*arguments: bytes) -> bytes:
    """One whole command."""
    return b"*%d\r\n%b" % (len(arguments), pack_arguments(arguments))


def pack_fetches(bodies: Iterable[bytes], before: bytes, behind: bytes) -> bytes:
    """The commands that read some rows."""
    return b"".join([b"%b%d\r\n%b%b" % (before, len(body), body, behind) for body in bodies])


@dataclass(frozen=True, slots=True)
class Script:
    """A script: its text and the digest that the server knows it by."""

    name: str
    text: bytes
    digest: bytes


@cache
def find_script(name: str) -> Script:
    """A script of this package, with what all scripts share before it."""
    folder = files("polystore.adapters.redis") / "scripts"
    text = (folder / "common.lua").read_bytes() + b"\n" + (folder / f"{name}.lua").read_bytes()
    return Script(name, text, hashlib.sha1(text, usedforsecurity=False).hexdigest().encode())


@cache
def load_scripts() -> tuple[bytes, int]:
    """The commands that make the server know all scripts, and their number."""
    return b"".join(pack(b"SCRIPT", b"LOAD", find_script(name).text) for name in SCRIPTS), len(SCRIPTS)


@dataclass(frozen=True, slots=True, eq=False)
class ScriptCall:
    """A script for one model, packed but for the bodies that it touches and its own arguments."""

    script: Script
    key_count: int
    start: bytes
    keys: bytes
    end: bytes
    without_bodies: bytes

    def packed(self, arguments: Sequence[bytes], bodies: Sequence[bytes] = ()) -> bytes:
        """The whole command."""
        count = 6 + self.key_count + len(bodies) + len(arguments)
        if not bodies:
            return b"*%d\r\n%b%b" % (count, self.without_bodies, pack_arguments(arguments))
        keys = pack_arguments((b"%d" % (self.key_count + len(bodies)),)) + self.keys + pack_arguments(bodies)
        return b"*%d\r\n%b%b%b%b" % (count, self.start, keys, self.end, pack_arguments(arguments))


def make_call(layout: Layout, name: str) -> ScriptCall:
    """The call of a script for one model; packed once for each."""
    call = layout.calls.get(name)
    if call is None:
        budget = PURGE_BUDGET if layout.lifetime else b"0"
        call = layout.calls[name] = _make_call(layout, find_script(name), budget)
    return call


def _make_call(layout: Layout, script: Script, budget: bytes) -> ScriptCall:
    start = pack_arguments((b"EVALSHA", script.digest))
    keys = pack_arguments(layout.keys)
    end = pack_arguments((layout.code, layout.fingerprint, budget))
    count = pack_arguments((b"%d" % len(layout.keys),))
    return ScriptCall(script, len(layout.keys), start, keys, end, start + count + keys + end)
