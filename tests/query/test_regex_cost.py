"""Patterns of exponential cost are refused, others are not; and what is let through stays quick in Python's engine."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from polystore.errors import FieldError
from polystore.query.regex import parse, translate

EXPONENTIAL = [
    "(a+)+",
    "(a*)*b",
    "(a|a)*b",
    "(a|A)*b",
    "(.|a)*b",
    "(a|a?)*b",
    "(a|[^b])*c",
    "(a?a)*b",
    "(a?){20}b",
    "((a?)?b)*",
    "((a?|b?)c)*",
    "(a|ab|b)*c",
    "(\\w+\\s?)*$",
    "(\\d|\\w){1,40}x",
    "(é|É)+x",
    "x(y(a|b|[a-c])z?)+",
    "([ab]|b){30}c",
    "(a|b+){2}",
    "(a{2}){3}",
    "(x(y*)?)+",
    "(a?)+",
]
HARMLESS = [
    "a+b+c*",
    "(ab|ac)*d",
    "(foo|far|baz)+",
    "(\\d{1,3}\\.){3}\\d{1,3}",
    "(\\w+\\.)*\\w+@\\w+",
    "^(a|b|c)+$",
    "(a?b)*c",
    "([a-z]+,)*[a-z]+",
    "(\\w+\\s)*\\w+$",
    ".*a.*b",
    "(x|y?z)+",
    "((a|b)c?d)*",
    "[^,]*(,[^,]*)*",
    "((ab)?c)*",
    "((a+)b)*",
    "(a+)?",
    "(a*)b*",
    "(ab){3}c+",
]


@pytest.mark.parametrize("pattern", EXPONENTIAL)
def test_a_pattern_of_exponential_cost_is_refused(pattern: str) -> None:
    with pytest.raises(FieldError, match=r"regular expression .* can take exponential time"):
        parse(pattern)


@pytest.mark.parametrize("pattern", HARMLESS)
def test_a_repetition_that_fits_a_text_in_one_way_only_passes(pattern: str) -> None:
    parse(pattern)
    re.compile(translate(pattern, "python")).search("ab" * 40)


ATOMS = st.sampled_from(["a", "b", "c", ".", "[ab]", "[^a]"])
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}|{pair[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}"])).map(lambda pair: f"({pair[0]}){pair[1]}"),
    ),
    max_leaves=6,
)
MEASURE = """
import json, re, sys, time
for pattern in json.load(sys.stdin):
    for word in ("a", "b", "ab", "abc", "aab"):
        text = (word * 30)[:30] + "!"
        start = time.process_time()
        re.compile(pattern).search(text)
        if time.process_time() - start > 2:
            print(pattern, text)
"""


@settings(max_examples=8, deadline=None)
@given(st.lists(PATTERNS, min_size=60, max_size=60))
def test_what_passes_is_given_up_soon(drawn: list[str]) -> None:
    passed = []
    for pattern in drawn:
        try:
            passed.append(translate(f"^({pattern})x$", "python"))
        except FieldError:
            continue
    assume(passed)
    command = [sys.executable, "-c", MEASURE]
    done = subprocess.run(command, input=json.dumps(passed), capture_output=True, text=True, timeout=100, check=True)
    assert done.stdout == ""
