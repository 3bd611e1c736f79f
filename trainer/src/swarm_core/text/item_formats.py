"""The formats in which generators write items: a question alone, with its answer, or with choices and the right letter.

`format_entry` writes an item as one entry of a list, and `read_entry` reads the item back. An entry with an answer is
the question, then the choices, one per line with a letter, then the answer after a label:

    What is the capital of France?
    A) London
    B) Paris
    Answer: B

Models vary this, and the reader follows: bold, bullets, `(A)`, `A.`, `a)`, the answer before the choices or on the line
of the question, the text of a choice instead of its letter, a right choice marked by `(correct)`, an explanation after
the answer. What cannot be read is no item. The first line with a label of an answer ends the question, so that no part
of an answer is ever shown to takers.

Limits: labels are English words. A question that contains such a line, or begins with `Question:`, does not come back
from its entry (`comes_back`).
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from itertools import takewhile
from typing import NamedTuple

from swarm_core.items import LETTERS, Item, format_choices
from swarm_core.text import item_parser
from swarm_core.text.canonical_text import canonicalize
from swarm_core.text.item_parser import RejectionReason

REVISION = 2
"""The revision of the reader and the writer. Raise it when any entry gives another item."""


class ItemFormat(StrEnum):
    """What a generator writes for each item."""

    QUESTIONS = "Questions"
    """The question alone."""
    QUESTIONS_AND_ANSWERS = "QuestionsAndAnswers"
    """The question and its answer."""
    MULTIPLE_CHOICE = "MultipleChoice"
    """The question, its choices and the letter of the right one."""


ANSWER_LABEL, SHORT_LABEL = "Answer:", "A:"
ANSWER_LINE = re.compile(
    r"[ \t]*(?:[-*•>][ \t]+)?(?P<lead>[*_]{0,3})(?:the )?(?:(?:correct|right|final) )?"
    r"(?P<label>answer(?: key)?|ans|solution|correct|correct (?:choice|option)|a)(?P<inner>[*_]{0,3})"
    r"[ \t]{0,4}(?P<sign>[:：]|is[ \t]?[:：]?(?=[ \t]))(?P<outer>[*_]{0,3})[ \t]*(?P<rest>.*)",
    re.IGNORECASE,
)
ANSWER_INSIDE = re.compile(
    r"(?<=[ \t])(?P<lead>[(\[*_]{0,3})(?:(?:[Cc]orrect|[Rr]ight) )?(?P<label>[Aa]nswer|ANSWER|A)(?P<inner>[*_]{0,3})"
    r"[ \t]?[:：](?P<outer>[*_]{0,3})[ \t]*"
)
"""A label within a line. `A:` is one only after `Q:`."""
QUESTION_LABEL = re.compile(r"[*_]{0,3}(?:question|q)(?: ?[0-9]{1,4})?[*_]{0,3}[ \t]?[:：][*_]{0,3}\s*", re.IGNORECASE)
EXPLANATION = re.compile(
    r"[ \t]*(?:[-*•>][ \t]+)?[(*_]{0,3}(?:explanation|reasoning|rationale|justification)[*_]{0,3}[ \t]?[:：]",
    re.IGNORECASE,
)
CHOICE_LINE = re.compile(
    r"[ \t]*(?:[-*•][ \t]+)?(?P<lead>[*_]{0,3})(?P<open>[(\[]?)(?P<letter>[A-Za-z])(?P<inner>[*_]{0,3})"
    r"(?P<close>[)\].:])(?P<outer>[*_]{0,3})(?:[ \t]+(?P<text>.*)|$)"
)
INLINE_LABELS = tuple(
    tuple(re.compile(rf"(?<![^\s,;]){opening}{letter}\)[ \t]*") for letter in LETTERS) for opening in (r"\(", "")
)
RIGHT_MARK = re.compile(r"(?:[(\[](?:correct(?: answer)?|right answer)[)\]]|[✓✔✅]\ufe0f?)[*_ \t]*$", re.IGNORECASE)
STATED_LETTER = re.compile(r"(?:(?i:option|choice|letter)[ :]{1,2})?[(\[]?(?P<letter>[A-Za-z])[)\].:,]{0,2}")
WRAPPING = " \t*_`\"'."
"""What may stand around the answer that names a choice."""
RELATIVE_CHOICE = re.compile(
    r"(?i:\b(?:all|none|both|neither|any|either) of\b|\b(?:above|below)\b)|\b(?i:both|neither|either|only) [(]?[A-Z]\b"
    r"|(?<!\w)[(]?[A-Z][)]? (?:and|or|&) [(]?[A-Z]\b"
)
"""A choice that means other choices, by their place or letter."""


def format_entry(item_format: ItemFormat, item: Item, label: str = ANSWER_LABEL) -> str:
    """Return `item` as the text of one entry of a list. Without its answer or its choices, the parts are missing.

    `label`: the word before the answer; multiple choice has its own.
    """
    if item_format is ItemFormat.QUESTIONS:
        return item.text
    if item_format is ItemFormat.QUESTIONS_AND_ANSWERS:
        return "\n".join([item.text, f"{label} {item.reference}"])
    letter = LETTERS[item.choices.index(item.reference)] if item.reference in item.choices[: len(LETTERS)] else ""
    return "\n".join([item.text, *format_choices(item.choices), f"{ANSWER_LABEL} {letter}"])


def find_missing(item_format: ItemFormat, item: Item) -> str | None:
    """Return the field of the data that `item` lacks in this format; None if it has all that an entry shows."""
    if item_format is ItemFormat.MULTIPLE_CHOICE and len(item.choices) < 2:
        return "choices"
    return "reference" if item_format is not ItemFormat.QUESTIONS and item.reference is None else None


def read_entry(item_format: ItemFormat, entry: str) -> Item | RejectionReason:
    """Return the item that an entry of a list states, or the reason why it states none. Linear in its length."""
    if item_format is ItemFormat.QUESTIONS:
        return Item(entry)
    lines = entry.split("\n")
    found = read_choices(lines) if item_format is ItemFormat.MULTIPLE_CHOICE else read_answer(lines)
    if isinstance(found, RejectionReason):
        return found
    question = strip_question(found.text)
    return replace(found, text=question) if question else RejectionReason.NO_QUESTION


def has_same_content(item_format: ItemFormat, item: Item, read: Item | RejectionReason) -> bool:
    """Return whether `read` is `item`, as far as entries of this format show it."""
    if isinstance(read, RejectionReason) or read.text != item.text:
        return False
    if item_format is ItemFormat.QUESTIONS:
        return True
    is_open = item_format is ItemFormat.QUESTIONS_AND_ANSWERS
    return read.reference == item.reference and (is_open or read.choices == item.choices)


def show_choices(item_format: ItemFormat, item: Item) -> Item:
    """Return `item` as takers of a run of this format see it: with its choices, if the format has some."""
    shown = item_format is ItemFormat.MULTIPLE_CHOICE and 2 <= len(item.choices) <= len(LETTERS)
    return replace(item, choices_shown=True) if shown else item


def shuffle_choices(item: Item) -> Item:
    """Return `item` with its choices in an order that its texts decide, as good as random.

    So where a writer puts the right choice has no effect. Choices that mean others, such as `none of the above`, keep
    all choices in their places.
    """
    if any(RELATIVE_CHOICE.search(choice) for choice in item.choices):
        return item

    def rank(choice: str) -> bytes:
        return hashlib.sha256(f"{item.text}\0{choice}".encode(errors="surrogatepass")).digest()

    return replace(item, choices=tuple(sorted(item.choices, key=rank)))


class Answer(NamedTuple):
    """The statement of an answer: the lines that it stands on, and its text with the lines that follow."""

    before: list[str]
    """The lines before it, with the beginning of its own line."""
    text: str
    """What follows the label in its line."""
    after: list[str]


def find_answer(lines: Sequence[str], *, short: bool) -> Answer | None:
    """Return the first statement of an answer; None if there is none. `short`: whether `A:` is a label.

    A label within a choice or an explanation counts only if no line begins with one.
    """
    asking = len(drop_explanation(lines))
    within = None
    for place, line in enumerate(lines):
        found = ANSWER_LINE.fullmatch(line)
        if found and (found["label"].lower() != "a" or (short and found["sign"] in ":：")):
            return split_at(lines, place, found, line)
        inside = find_inside(line, short=short and QUESTION_LABEL.match(lines[0]) is not None)
        is_choice = CHOICE_LINE.fullmatch(line) and not QUESTION_LABEL.match(line)
        if inside and place < asking and not is_choice:
            return split_at(lines, place, inside, line)
        within = within or (inside and split_at(lines, place, inside, line))
    return within


def find_inside(line: str, *, short: bool) -> re.Match[str] | None:
    """Return the first label of an answer within a line; None if it has none. `short`: whether `A:` is a label."""
    return next((found for found in ANSWER_INSIDE.finditer(line) if short or found["label"] != "A"), None)


def split_at(lines: Sequence[str], place: int, found: re.Match[str], line: str) -> Answer:
    """Return the answer after the label that was found in `line`, the line at `place`."""
    inside = "rest" not in found.re.groupindex
    before = [*lines[:place], line[: found.start()]] if inside else [*lines[:place]]
    rest = line[found.end() :] if inside else found["rest"]
    return Answer(before, close_markup(found["lead"], found["inner"] + found["outer"], rest), [*lines[place + 1 :]])


def close_markup(lead: str, closed: str, text: str) -> str:
    """Return `text` without the sign that closes the markup or the bracket which `lead` opened. `closed`: the markup
    that closes it earlier."""
    text = text.strip()
    if lead and not closed:
        ending = lead[::-1].translate({ord("("): ")", ord("["): "]"})
        return text.removesuffix(ending).strip()
    return text


def read_answer(lines: list[str]) -> Item | RejectionReason:
    """Return the question and the answer of an entry, or the reason why it has none."""
    labeled = any((found := CHOICE_LINE.fullmatch(line)) and found["letter"] + found["close"] == "B:" for line in lines)
    answer = find_answer(lines, short=not labeled)
    text = "" if answer is None else strip_bold("\n".join([answer.text, *drop_explanation(answer.after)]).strip())
    if answer is None or not text:
        return RejectionReason.NO_ANSWER
    return Item("\n".join(drop_explanation(answer.before)), reference=text)


def drop_explanation(lines: Sequence[str]) -> list[str]:
    """Return the lines before the first that begins an explanation."""
    return list(takewhile(lambda line: not EXPLANATION.match(line), lines))


def read_choices(lines: list[str]) -> Item | RejectionReason:
    """Return the question, the choices and the right choice of an entry, or the reason why it has none."""
    answer = find_answer(lines, short=False)
    rest = lines if answer is None else answer.before
    question, choices = split_choices(drop_explanation(rest))
    if not choices and answer is not None and answer.after:
        again = find_answer(answer.after, short=False)
        after = answer.after if again is None else again.before
        question, choices = split_choices(drop_explanation([*answer.before, *after]))
    stated = None if answer is None else answer.text or next((line for line in answer.after if line.strip()), "")
    marked = [place for place, choice in enumerate(choices) if RIGHT_MARK.search(choice)]
    if stated is None:
        stated = LETTERS[marked[0]] if len(marked) == 1 else None
    elif len(marked) != 1 or find_choice(choices, [*map(canonicalize, choices)], stated) != marked[0]:
        marked = []
    choices = [RIGHT_MARK.sub("", choice).rstrip() if marked else choice for choice in choices]
    forms = [canonicalize(choice) for choice in choices]
    if len(choices) < 2 or len(set(forms)) < len(forms) or "" in forms:
        return RejectionReason.NO_CHOICES
    if not stated:
        return RejectionReason.NO_ANSWER
    right = find_choice(choices, forms, stated)
    if right is None:
        return RejectionReason.UNKNOWN_CHOICE
    return Item("\n".join(question), reference=choices[right], choices=tuple(choices))


def split_choices(lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the lines before the choices, and the choices; no choices if there are none.

    Choices have the letters from A on, all in one style. A line without the next letter continues a choice, unless a
    blank line stands before it.
    """
    start, style, texts, ended = 0, "", list[list[str]](), False
    for place, line in enumerate(lines):
        found = CHOICE_LINE.fullmatch(line)
        letter = found["letter"].upper() if found else ""
        mark = f"{found['open']}{found['close']}{found['letter'].islower()}" if found else ""
        text = close_markup(found["lead"], found["inner"] + found["outer"], found["text"] or "") if found else ""
        ended = not found and (ended or not line.strip())
        if letter == "A" and len(texts) < 2 and place > 0:
            start, style, texts = place, mark, [[text]]
        elif texts and mark == style and letter == LETTERS[len(texts) : len(texts) + 1]:
            texts.append([text])
        elif texts and not ended:
            texts[-1].append(line)
    if len(texts) > 1:
        return [*lines[:start]], ["\n".join(text).strip() for text in texts]
    return split_inline("\n".join(lines))


def split_inline(text: str) -> tuple[list[str], list[str]]:
    """Return the lines before the choices, and the choices, of a text that has them within a line: `(A) 1 (B) 2`."""
    for labels in INLINE_LABELS:
        places = list[tuple[int, int]]()
        for label in labels:
            found = label.search(text, places[-1][1] if places else 0)
            if found is None:
                break
            places.append(found.span())
        if len(places) > 1:
            ends = [*(start for start, _ in places[1:]), len(text)]
            choices = [text[start:end].strip(" \t\n,;") for (_, start), end in zip(places, ends, strict=True)]
            return text[: places[0][0]].split("\n"), choices
    return text.split("\n"), []


def find_choice(choices: Sequence[str], forms: Sequence[str], stated: str) -> int | None:
    """Return the place of the choice that an answer names by its letter, its text or both; None if it is in doubt.

    `forms`: the canonical forms of the choices.
    """
    form = canonicalize(stated)
    by_text = forms.index(form) if form in forms else None
    plain = stated.strip(WRAPPING)
    found = STATED_LETTER.match(plain)
    by_letter = None
    if found:
        rest = canonicalize(plain[found.end() :].strip(WRAPPING + ":-–—)"))
        place = LETTERS.index(found["letter"].upper())
        separate = found.end() == len(plain) or not plain[found.end() - 1 : found.end() + 1].isalnum()
        named = place < len(choices) and separate and (not rest or starts_with(rest, forms[place]))
        by_letter = place if named else None
    if by_text is not None and by_letter is not None and by_text != by_letter:
        return None
    return by_text if by_text is not None else by_letter


def starts_with(text: str, form: str) -> bool:
    """Return whether `text` is `form`, or continues it after a word."""
    return text.startswith(form) and not text[len(form) : len(form) + 1].isalnum()


def strip_question(text: str) -> str:
    """Return a question without the word `Question:` before it and without bold around the whole."""
    text = strip_bold(text.strip())
    found = QUESTION_LABEL.match(text)
    return strip_bold(text[found.end() :].strip()) if found else text


def strip_bold(text: str) -> str:
    """Return `text` without bold around the whole."""
    return text[2:-2].strip() if item_parser.find_wrap(text) == "**" else text
