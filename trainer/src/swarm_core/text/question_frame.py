"""What stands around a question and does not change it: quotation marks around the whole, and signs at its end.

A `!` at the end may be a factorial, and then it is a part of the question: after a number, a bracket, a variable or the
word of a number. After another word, or after `?`, it only stresses the question.

Limits: a word of one or two letters counts as a variable, so `do!` and `do` differ.
"""

import unicodedata

BEFORE = "¿¡"
AFTER = " ?=._:;,"
"""What may follow a question or stand for its answer."""
QUOTES = "\"'"
NUMBERS = frozenset(
    {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"}
    | {"twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred", "thousand", "million"}
)
LONGEST_VARIABLE = 2
"""The number of letters that the name of a variable has at most."""
LONGEST_NUMBER = max(map(len, NUMBERS))


def strip(text: str) -> str:
    """Return `text`, in plain signs and lower case, without what stands around it; `text` if nothing else is left."""
    inner = strip_end(text.lstrip(BEFORE), exclaimed=text.startswith("¡"))
    return strip_quotes(inner) or text


def strip_end(text: str, *, exclaimed: bool) -> str:
    """Return `text` without the signs at its end. `exclaimed`: whether `¡` opens it, so that a `!` closes it."""
    body = text.rstrip(f"{AFTER}!")
    end = text[len(body) :]
    if exclaimed or not may_have_factorial(body):
        return body
    return body + "!" * (len(end) - len(end.lstrip("!")))


def may_have_factorial(text: str) -> bool:
    """Return whether a `!` behind `text` may be a factorial."""
    word = find_last_word(text)
    if len(word) > LONGEST_VARIABLE:
        return word in NUMBERS
    return text[-1:] not in QUOTES


def find_last_word(text: str) -> str:
    """Return the letters that `text` ends with, at most as many as the longest word of a number has, and one more."""
    word = ""
    for character in reversed(text[-LONGEST_NUMBER - 1 :]):
        if not (character.isalpha() or unicodedata.category(character).startswith("M")):
            break
        word = character + word
    return word


def strip_quotes(text: str) -> str:
    """Return `text` without a pair of quotation marks around the whole."""
    quoted = len(text) > 2 and text[0] in QUOTES and text[0] == text[-1] and text.count(text[0]) == 2
    return text[1:-1] if quoted else text
