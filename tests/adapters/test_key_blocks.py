"""Reserved keys are handed out once each, whoever asks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from polystore.adapters.key_blocks import KeyBlocks


def test_blocks_are_handed_out_in_pieces() -> None:
    keys = KeyBlocks()
    keys.add("t", range(1, 11))
    assert keys.take("t", 3) == [1, 2, 3]
    keys.add("t", range(16, 21))
    assert keys.take("t", 20) == [4, 5, 6, 7, 8, 9, 10, 16, 17, 18, 19, 20]
    assert keys.take("t", 1) == []
    assert keys.take("other", 1) == []


def test_discarded_keys_are_not_handed_out() -> None:
    keys = KeyBlocks()
    keys.add("t", range(1, 11))
    keys.add("other", range(5, 7))
    keys.discard("t")
    assert keys.take("t", 1) == []
    assert keys.take("other", 5) == [5, 6]


def test_threads_never_get_the_same_key() -> None:
    keys = KeyBlocks()
    keys.add("t", range(1, 10_001))
    with ThreadPoolExecutor(8) as pool:
        taken = [key for part in pool.map(lambda _: keys.take("t", 7), range(1500)) for key in part]
    assert sorted(taken) == list(range(1, 10_001))
