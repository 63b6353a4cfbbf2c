"""Floats in the JSON text of MariaDB have all digits where an int could be taken for them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polystore.adapters.sql.mysql.numbers import text_of


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (float(2**53), "9007199254740992.0"),
        (9999999999999998.0, "9999999999999998.0"),
        (1e16, "10000000000000000.0"),
        (-1.5e17, "-150000000000000000.0"),
        (float(2**60), "1152921504606846976.0"),
        (-float(2**63), "-9223372036854775808.0"),
        (1e19, "1e19"),
        (1e160, "1e160"),
        (1e-16, "1e-16"),
        (2**63 - 1, "9223372036854775807"),
        ({"1e17": ["1e16", '"1e17', "\\1e18", 1e17]}, '{"1e17":["1e16","\\"1e17","\\\\1e18",100000000000000000.0]}'),
    ],
    ids=repr,
)
def test_a_large_float_has_all_its_digits_and_texts_stay(value: Any, text: str) -> None:
    assert text_of(value) == text


_NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
_TEXTS = st.text(alphabet='1e678"\\-. ', max_size=8)
_VALUES = st.recursive(_NUMBERS | _TEXTS, lambda inner: st.lists(inner) | st.dictionaries(_TEXTS, inner), max_leaves=8)


@given(_VALUES)
def test_what_is_written_is_read_as_it_was(value: Any) -> None:
    found = msgspec.json.decode(text_of(value))
    assert repr(found) == repr(value)


@given(st.floats(-1e19, 1e19).filter(float.is_integer))
def test_a_whole_float_has_the_digits_of_its_int(value: float) -> None:
    text = text_of(value)
    assert text in (f"{int(value)}.0", "1e19", "-1e19", "-0.0")
