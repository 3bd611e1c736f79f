"""Somebody else's text, fit to be shown: nothing in it steers a terminal, and nothing in it breaks a line."""


def replace_unprintable(text: str) -> str:
    """`text` with a space for every character that is not printable."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def to_single_line(text: str) -> str:
    """`text` on one line, with single spaces, without anything that could steer a terminal."""
    return " ".join(replace_unprintable(text).split())
