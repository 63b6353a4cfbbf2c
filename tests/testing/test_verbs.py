"""The lines of the capability table that stand for verbs: none is left out."""

from __future__ import annotations

from polystore import QuerySet
from polystore.testing.compliance.verbs import VERBS
from polystore.testing.harness import RULES


def test_every_verb_of_a_queryset_has_its_line() -> None:
    public = {name for name in dir(QuerySet) if not name.startswith("_")}
    twins = {f"a{name}" for name in public} | {"alist"}
    wanted = public - twins
    assert wanted - {name.partition("(")[0] for name in VERBS} == set()


def test_tests_have_a_part_in_lines_that_there_are() -> None:
    assert {verb for rule in RULES.values() for verb in rule.verbs} - set(VERBS) == set()
