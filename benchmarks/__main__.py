"""The command line: ``python -m benchmarks --only sqlite --operations get,fetch --rounds 5``."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks import report
from benchmarks.contender import OPERATIONS
from benchmarks.harness import Blocking, Looping, measure
from benchmarks.matrix import COLOURS, STORES, Unmeasured, contenders_of, settle

_QUICK_SHARE = 0.2


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures what was asked for, prints the tables and writes the results; 1 when a store could not be measured."""
    options = _options(arguments)
    tables: report.Tables = {}
    unmeasured: dict[str, str] = {}
    for store in options.only:
        for colour in options.colours:
            try:
                tables[store, colour] = _measure(store, colour, options)
            except Unmeasured as reason:
                unmeasured[store] = str(reason)
    print(report.as_markdown(tables, unmeasured, options.rounds))
    if options.output is not None:
        for path in report.write(options.output, tables, unmeasured, options.rounds):
            print(f"wrote {path}", file=sys.stderr)
    return 1 if unmeasured else 0


def _measure(store: str, colour: str, options: argparse.Namespace) -> dict[str, dict[str, report.Timing]]:
    def say(text: str) -> None:
        print(f"{store}, {colour}: {text}", file=sys.stderr)

    caller = Looping() if colour == "async" else Blocking()
    with tempfile.TemporaryDirectory(prefix="polystore-benchmarks-") as folder:
        try:
            contenders = contenders_of(store, colour, Path(folder), not options.no_peers)
            operations = [OPERATIONS[name] for name in options.operations]
            share = _QUICK_SHARE if options.quick else 1.0
            return measure(
                caller, contenders, operations, options.rounds, share, partial(settle, store, Path(folder)), say
            )
        finally:
            caller.close()


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure polystore beside its peers.")
    parser.add_argument("--only", type=_names(STORES), default=STORES, help="stores, with commas")
    parser.add_argument("--colours", type=_names(COLOURS), default=COLOURS, help="sync, async or both")
    parser.add_argument("--operations", type=_names(tuple(OPERATIONS)), default=tuple(OPERATIONS), help="with commas")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--quick", action="store_true", help="a fifth of the calls")
    parser.add_argument("--no-peers", action="store_true", help="only the bare drivers and polystore")
    parser.add_argument("--output", type=Path, help="the folder for results.md and results.json of a partial run")
    options = parser.parse_args(arguments)
    whole = (options.only, options.colours, options.operations) == (STORES, COLOURS, tuple(OPERATIONS))
    if options.output is None and whole and not (options.quick or options.no_peers):
        options.output = Path(__file__).parent
    return options


def _names(known: tuple[str, ...]):  # type: ignore[no-untyped-def]  # a parser of arguments
    def parse(text: str) -> tuple[str, ...]:
        names = tuple(text.split(","))
        unknown = [name for name in names if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: use {', '.join(known)}")
        return names

    return parse


if __name__ == "__main__":
    sys.exit(main())
