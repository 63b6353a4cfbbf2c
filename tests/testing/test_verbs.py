"""The lines of the capability table that stand for verbs: none is left out."""

from __future__ import annotations

from polystore import QuerySet
from polystore.testing.compliance.verbs import VERBS


def test_every_verb_of_a_queryset_has_its_line() -> None:
    public = {name for name in dir(QuerySet) if not name.startswith("_")}
    twins = {f"a{name}" for name in public} | {"alist"}
    wanted = public - twins
    assert wanted - {name.partition("(")[0] for name in VERBS} == set()
