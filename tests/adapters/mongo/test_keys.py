"""What is known of a key counter."""

from __future__ import annotations

from polystore.adapters.mongo.keys import KnownCounters


def test_a_counter_known_to_have_passed_a_key_is_not_moved_again() -> None:
    counters = KnownCounters()
    assert not counters.is_passed("t", 5)
    counters.passed("t", 5)
    counters.passed("t", 3)
    assert counters.is_passed("t", 5)
    counters.forget("t")
    assert not counters.is_passed("t", 5)
