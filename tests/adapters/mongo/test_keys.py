"""Reserved keys are handed out once each, whoever asks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from polystore.adapters.mongo.keys import KeyBlocks


def test_blocks_are_handed_out_in_pieces() -> None:
    keys = KeyBlocks()
    keys.add("t", last=10, count=10)
    assert keys.take("t", 3) == [1, 2, 3]
    keys.add("t", last=20, count=5)
    assert keys.take("t", 20) == [4, 5, 6, 7, 8, 9, 10, 16, 17, 18, 19, 20]
    assert keys.take("t", 1) == []
    assert keys.take("other", 1) == []


def test_threads_never_get_the_same_key() -> None:
    keys = KeyBlocks()
    keys.add("t", last=10_000, count=10_000)
    with ThreadPoolExecutor(8) as pool:
        taken = [key for part in pool.map(lambda _: keys.take("t", 7), range(1500)) for key in part]
    assert sorted(taken) == list(range(1, 10_001))


def test_a_counter_known_to_have_passed_a_key_is_not_moved_again() -> None:
    keys = KeyBlocks()
    assert not keys.is_passed("t", 5)
    keys.passed("t", 5)
    keys.passed("t", 3)
    assert keys.is_passed("t", 5)
    keys.forget("t")
    assert not keys.is_passed("t", 5)
