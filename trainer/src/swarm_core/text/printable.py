"""Untrusted text made safe for printing: without control characters for the terminal and without line breaks."""


def replace_unprintable(text: str) -> str:
    """`text` with every unprintable character replaced by a space."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def to_single_line(text: str) -> str:
    """`text` on one line, with single spaces and without unprintable characters."""
    return " ".join(replace_unprintable(text).split())
