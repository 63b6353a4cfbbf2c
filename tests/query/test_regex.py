"""Portable regular expressions: they match as Python's own, and what is not portable is refused."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from polystore.errors import FieldError
from polystore.query.evaluate import matches
from polystore.query.regex import Dialect, parse, translate, translate_any_case
from polystore.query.text import simple_fold

LETTERS = "abcxABX019_-. \n\té"
texts = st.text(LETTERS, max_size=8)
literals = st.sampled_from([*"abcxABX01_é", r"\.", r"\*", r"\-", r"\n", r"\\", "-", " ", "/", "&"])
inner = st.sampled_from([*"abcX0é_", "a-c", "A-Z", "0-9", r"\d", r"\w", r"\s", r"\-", r"\]", ".", "*", "é-ü"])
classes = st.tuples(st.sampled_from(["", "^"]), st.lists(inner, min_size=1, max_size=3)).map(
    lambda drawn: f"[{drawn[0]}{''.join(drawn[1])}]"
)
atoms = literals | classes | st.sampled_from([".", r"\d", r"\D", r"\w", r"\W", r"\s", r"\S"])
quantifiers = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{1,2}", "{0,1}", "{1,}", "{,2}", "*?", "+?", "??"])
repeated = st.tuples(atoms, quantifiers).map("".join)
parts = st.lists(repeated, max_size=4).map("".join)
sequences = st.tuples(st.sampled_from(["", "^"]), parts, st.sampled_from(["", "$"])).map("".join)
groups = st.lists(sequences, min_size=1, max_size=3).map("|".join)
grouped = st.tuples(st.sampled_from(["({})", "(?:{})"]), groups).map(lambda drawn: drawn[0].format(drawn[1]))
patterns = st.lists(groups | grouped | sequences, min_size=1, max_size=2).map("".join)


def meant(pattern: str) -> str:
    """The pattern for Python's ``re``, in which ``$`` would also match before a last newline."""
    return re.sub(r"(\\.)|\$", lambda found: found[1] or r"\Z", pattern)


@given(patterns, texts)
def test_a_portable_pattern_matches_as_pythons_own(pattern: str, text: str) -> None:
    expected = re.search(meant(pattern), text, re.ASCII) is not None
    assert matches(pattern, text) is expected


def has_wide_range(pattern: str) -> bool:
    return "é-ü" in pattern


@given(patterns.filter(lambda pattern: not has_wide_range(pattern)), texts)
def test_without_case_a_pattern_matches_as_pythons_own(pattern: str, text: str) -> None:
    assume((pattern + text).isascii())  # under re.ASCII Python folds nothing else
    expected = re.search(meant(pattern), text, re.ASCII | re.IGNORECASE) is not None
    assert matches(pattern, text, ignore_case=True) is expected


@given(patterns.filter(lambda pattern: not has_wide_range(pattern)), texts | st.text("sSſkK\u212aßẞ", max_size=5))
def test_folding_the_text_or_unfolding_the_pattern_gives_one_answer(pattern: str, text: str) -> None:
    unfolded = re.search(translate_any_case(pattern, "python"), text) is not None
    folded = re.search(translate(pattern, "python", ignore_case=True), simple_fold(text)) is not None
    assert unfolded is folded is matches(pattern, text, ignore_case=True)


@given(patterns, texts)
def test_a_translated_pattern_is_portable_itself_and_means_the_same(pattern: str, text: str) -> None:
    """Only anchors are written otherwise in each dialect; those of POSIX are the portable ones."""
    assert matches(translate(pattern, "posix"), text) is matches(pattern, text)


@pytest.mark.parametrize(
    ("dialect", "written"),
    [("python", r"\A[^\n]b\Z"), ("pcre", r"\A[^\n]b\z"), ("posix", "^[^\n]b$"), ("icu", r"\A[^\n]b\z")],
)
def test_each_dialect_has_its_own_anchors(dialect: Dialect, written: str) -> None:
    assert translate("^.b$", dialect) == written.replace(r"\n", "\n")


@pytest.mark.parametrize(
    ("pattern", "written"),
    [
        ("a{1,1}", "a{1}"),
        ("a{0,1}", "a?"),
        ("a{0,}", "a*"),
        ("a{,3}", "a{0,3}"),
        ("a+?", "a+"),
        ("(?:ab)+", "(?:ab)+"),
        ("(a|b)c", "(?:a|b)c"),
        (r"\d[^\w]", "[0-9][^0-9A-Z_a-z]"),
        ("[]a]", r"[\]a]"),
        ("[a-]", r"[a\-]"),
        ("a#b", r"a\#b"),
    ],
)
def test_a_pattern_is_written_out_plainly(pattern: str, written: str) -> None:
    assert translate(pattern, "pcre") == written


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(?=a)", "a group extension at position 1"),
        ("(?P<n>a)", "a group extension at position 1"),
        ("(?i)a", "a group extension at position 1"),
        (r"a\1", r"the escape \1 at position 3"),
        (r"\b", r"the escape \b at position 2"),
        (r"\p{L}", r"the escape \p at position 2"),
        (r"\x41", r"the escape \x at position 2"),
        (r"\Aa\Z", r"the escape \A at position 2"),
        ("a\\", "unexpected end at position 2"),
        ("[a", "unexpected end at position 2"),
        ("[]", "unexpected end at position 2"),
        ("(a", "missing ) at position 2"),
        ("a)", "unbalanced parenthesis at position 1"),
        ("*a", "'*' out of place (escape it) at position 0"),
        ("a]", "']' out of place (escape it) at position 1"),
        ("a}", "'}' out of place (escape it) at position 1"),
        ("a**", "multiple repeat at position 2"),
        ("a*+", "multiple repeat at position 2"),
        ("a??+", "multiple repeat at position 3"),
        ("a{2}{3}", "'{' out of place (escape it) at position 4"),
        ("a{b}", "a brace that is no quantifier (escape it) at position 1"),
        ("a{,}", "a brace that is no quantifier (escape it) at position 1"),
        ("a{1", "a brace that is no quantifier (escape it) at position 1"),
        ("a{²}", "a brace that is no quantifier (escape it) at position 1"),
        ("a{256}", "a repetition outside 0..255"),
        ("a{3,2}", "a repetition outside 0..255"),
        ("^*", "nothing to repeat"),
        ("[b-a]", "a bad range in a class"),
        (r"[a-\d]", "a bad range in a class"),
        (r"[\D]", "a negated escape inside a class"),
        ("[[:alpha:]]", "a POSIX class"),
        ("(" * 51 + ")" * 51, "more than 50 nested groups"),
    ],
)  # fmt: skip
def test_what_is_not_portable_is_told_with_its_place(pattern: str, reason: str) -> None:
    with pytest.raises(FieldError) as raised:
        parse(pattern)
    text = str(raised.value)
    assert text.startswith(f"regular expression {pattern!r}: {reason}")
    assert text.endswith("; portable patterns have literals, ., classes, \\d \\w \\s, groups, |, ^ and $, and the "
                         "quantifiers * + ? {m,n}")  # fmt: skip


def test_a_pattern_has_at_most_a_thousand_characters() -> None:
    assert matches("a" * 1000, "a" * 1000)
    with pytest.raises(FieldError, match="at most 1000 characters, this one has 1001"):
        parse("a" * 1001)


def test_without_case_a_range_beyond_ascii_is_refused() -> None:
    assert matches("[é-ü]", "ö")
    with pytest.raises(FieldError, match="a class range beyond ASCII has no portable meaning; list its characters"):
        translate("[é-ü]", "python", ignore_case=True)
    assert matches("[éü]", "Ü", ignore_case=True)


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [("^a$", "a\n", False), ("a.b", "a\nb", False), ("^b", "a\nb", False), (r"\d", "٣", False), (r"\w", "é", False)],
)
def test_lines_and_other_alphabets_are_nothing_special(pattern: str, text: Any, found: bool) -> None:
    assert matches(pattern, text) is found
