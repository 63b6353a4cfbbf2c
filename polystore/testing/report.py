"""What a run of the compliance suite has proven of a store, written down as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from polystore.testing.harness import Db, Rule


class Verdict(Enum):
    """How a test ended on a store."""

    PROVEN = "proven"
    REFUSED = "refused"
    GAP = "gap"
    FAILED = "failed"


_COLOUR = "Feature:ASYNC"
"""Without it all is refused in one colour, which says nothing about what else was asked."""
_WORST = [Verdict.PROVEN, Verdict.REFUSED, Verdict.GAP, Verdict.FAILED]


@dataclass
class Report:
    """The verdicts of one store: of each rule, and of each line of the table with the colours it was asked in."""

    store: str
    declared: frozenset[str]
    lines: dict[str, Verdict] = field(default_factory=dict)
    rules: dict[str, Verdict] = field(default_factory=dict)
    colours: dict[str, set[str]] = field(default_factory=dict)
    tests: int = 0

    def note(self, rule: Rule, db: Db, verdict: Verdict) -> None:
        """Adds the end of one test; of several verdicts on a line the worst counts."""
        self.tests += 1
        for identifier in rule.ids:
            _lower(self.rules, identifier, verdict)
        missing = {line_of(each) for each in db.missing}
        if verdict is not Verdict.REFUSED:
            lines = {line_of(each) for each in db.needed} | db.proven | {f"Verb:{verb}" for verb in rule.verbs}
        else:
            lines = missing if _COLOUR in missing else missing | db.proven
        for line in lines:
            _lower(self.lines, line, verdict)
            self.colours.setdefault(line, set()).add(db.colour)
        for line in db.refused:
            _lower(self.lines, line, Verdict.REFUSED)

    def write(self, folder: Path) -> None:
        """Writes the verdicts to ``<store>.json`` in the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        content = {
            "store": self.store,
            "tests": self.tests,
            "declared": sorted(self.declared),
            "lines": {line: verdict.value for line, verdict in sorted(self.lines.items())},
            "colours": {line: sorted(colours) for line, colours in sorted(self.colours.items())},
            "rules": {rule: verdict.value for rule, verdict in sorted(self.rules.items())},
        }
        path = folder / f"{self.store.replace(' ', '_').replace(':', '')}.json"
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def line_of(capability: Any) -> str:
    """The line of the capability table that a capability stands in."""
    return f"{type(capability).__name__}:{capability.name}"


def _lower(verdicts: dict[str, Verdict], key: str, verdict: Verdict) -> None:
    held = verdicts.get(key, verdict)
    verdicts[key] = max(held, verdict, key=_WORST.index)
