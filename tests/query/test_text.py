"""Facts of simple case folding: one character for one, the same on every store."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polystore.query.text import fold_table, letters_with_cases, simple_fold, unfold

texts = st.text() | st.text("aAßẞéÉıİſsSKkµμσςΣǅǆǄΩω", max_size=8)


@given(texts)
def test_folding_keeps_the_length_and_folds_once(text: str) -> None:
    folded = simple_fold(text)
    assert len(folded) == len(text)
    assert simple_fold(folded) == folded


@given(texts, texts)
def test_texts_fold_character_by_character(left: str, right: str) -> None:
    assert simple_fold(left + right) == simple_fold(left) + simple_fold(right)


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_folds_to_lower_case(text: str) -> None:
    assert simple_fold(text) == text.lower()


@pytest.mark.parametrize(
    ("left", "right"),
    [("É", "é"), ("ẞ", "ß"), ("Σ", "σ"), ("ς", "σ"), ("ſ", "s"), ("\u212a", "k"), ("µ", "μ"), ("Ǆ", "ǆ"), ("ǅ", "ǆ")],
)
def test_characters_that_differ_by_case_only_fold_to_one(left: str, right: str) -> None:
    assert simple_fold(left) == simple_fold(right)


@pytest.mark.parametrize(
    ("left", "right"), [("ß", "ss"), ("İ", "i"), ("ı", "i"), ("é", "e"), ("é", "e\u0301"), ("ﬁ", "fi"), ("ŉ", "ʼn")]
)
def test_nothing_else_folds_to_one(left: str, right: str) -> None:
    assert simple_fold(left) != simple_fold(right)


def test_folding_is_the_full_one_wherever_that_is_one_to_one() -> None:
    differing = {chr(point) for point in range(sys.maxunicode + 1) if simple_fold(chr(point)) != chr(point).casefold()}
    assert all(len(character.casefold()) > 1 for character in differing)
    assert {"ß", "ẞ", "İ", "ŉ", "ﬁ"} <= differing


def test_unfolding_finds_every_character_that_folds_to_one() -> None:
    assert set(unfold("s")) == {"s", "S", "ſ"}
    assert set(unfold("k")) == {"k", "K", "\u212a"}
    assert set(unfold("σ")) == {"σ", "ς", "Σ"}
    assert set(unfold("ß")) == {"ß", "ẞ"}
    assert unfold("1") == "1"
    for point, folded in fold_table().items():
        assert chr(point) in unfold(folded)[1:]
        assert unfold(folded)[0] == folded


def test_all_characters_with_cases_are_known() -> None:
    every = (chr(point) for point in range(sys.maxunicode + 1) if not 0xD800 <= point < 0xE000)
    cased = [each for each in every if not each == each.lower() == each.upper() == each.casefold()]
    assert "".join(cased) == letters_with_cases()
