"""Text that cannot steer a terminal."""

from hypothesis import given
from hypothesis import strategies as st

from swarm_core.text import printable


@given(st.text())
def test_shown_text_is_one_line_and_steers_no_terminal(text: str) -> None:
    shown = printable.to_single_line(text)
    assert shown.isprintable()
    assert printable.to_single_line(shown) == shown


def test_an_escape_sequence_is_defused() -> None:
    assert printable.to_single_line("a\x1b[2Jb\nc") == "a [2Jb c"
