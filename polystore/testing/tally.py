"""Counts the queries that a run has drawn, and tells at its end what became of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

_NAME = "polystore-tally"


@dataclass(slots=True)
class Tally:
    """The drawn queries of one store: answered natively, or refused and answered here."""

    answered: int = 0
    refused: int = 0
    unforeseen: int = 0
    misused: int = 0

    def note(self, *, answered: bool, misused: bool = False, expected: bool = False) -> None:
        """One more query; ``expected`` for a refusal of what the store does not declare, ``misused`` for nonsense."""
        self.answered += answered
        self.refused += not answered
        self.unforeseen += not answered and not expected
        self.misused += misused

    def add(self, other: Tally) -> None:
        """Those of another tally."""
        self.answered += other.answered
        self.refused += other.refused
        self.unforeseen += other.unforeseen
        self.misused += other.misused

    @property
    def drawn(self) -> int:
        """All of them."""
        return self.answered + self.refused

    def __str__(self) -> str:
        return (
            f"{self.drawn:,} queries drawn, {self.answered:,} answered natively, "
            f"{self.refused:,} refused and answered here"
        )


@dataclass
class Tallies:
    """The pytest plugin that prints a line for each store."""

    by_store: dict[str, Tally] = field(default_factory=dict)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """One line a store."""
        for store, tally in sorted(self.by_store.items()):
            terminalreporter.write_line(f"{store}: {tally}")


def tallies_of(config: pytest.Config) -> dict[str, Tally]:
    """The tallies of this run, by store."""
    plugin = config.pluginmanager.get_plugin(_NAME)
    if plugin is None:
        plugin = Tallies()
        config.pluginmanager.register(plugin, _NAME)
    assert isinstance(plugin, Tallies)
    return plugin.by_store


def tally_of(config: pytest.Config, store: str) -> Tally:
    """The tally of a store in this run."""
    return tallies_of(config).setdefault(store, Tally())
