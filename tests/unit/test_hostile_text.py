"""Reading text that others write takes linear time. `benchmarks/hostile_text.py` measures it on longer texts."""

import re

import hostile_readers
import pytest
from hostile_readers import READERS

LENGTH = 4_000
QUICK_SECONDS = 0.0125
"""A text of LENGTH that is read in this time is read in linear time: a quadratic reader needs many times as long."""
GROWTH = 4
MAX_RATIO = 2.5 * GROWTH
"""A text GROWTH times as long takes GROWTH times as long in linear time and GROWTH * GROWTH times in quadratic time.
Both times are the shortest of ROUNDS, so the rest of the machine's work does not count. A round measures both texts, so
that a slow moment concerns both."""
ROUNDS = 6


def grows_too_fast(reader: str, name: str) -> bool:
    """Whether the time for this text grows faster than its length."""
    read = READERS[reader]
    texts = [hostile_readers.make_text(name, length) for length in (LENGTH, GROWTH * LENGTH)]
    rounds = [[hostile_readers.measure(read, text) for text in texts] for _ in range(ROUNDS)]
    short, long = map(min, zip(*rounds, strict=True))
    return long > MAX_RATIO * short


@pytest.mark.parametrize("reader", READERS)
def test_the_time_grows_no_faster_than_the_text(reader: str) -> None:
    slow = [
        name
        for name, text in hostile_readers.make_texts(LENGTH, hostile_readers.AFFIXES[:2])
        if hostile_readers.measure(READERS[reader], text) > QUICK_SECONDS
    ]
    assert [name for name in slow if grows_too_fast(reader, name)] == []


def test_a_quadratic_reader_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    spaces_before_x = re.compile(" +x")
    monkeypatch.setitem(READERS, "spaces", lambda text: spaces_before_x.search(text[: len(text) // 3]))  # type: ignore[arg-type]
    assert grows_too_fast("spaces", "'' + ' ' * n + ''")


def test_every_module_with_regular_expressions_is_read_with_hostile_text() -> None:
    assert set(hostile_readers.READ_BY) == hostile_readers.find_modules_with_patterns()
    assert set(hostile_readers.READ_BY.values()) - set(READERS) == hostile_readers.NO_READER
