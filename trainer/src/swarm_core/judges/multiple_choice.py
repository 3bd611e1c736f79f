"""The verifier for multiple choice: the answer is right if it chooses the choice that the item's reference names.

Choices have the letters A, B, C, ... in their order. An answer chooses by a letter (`B`, `(b)`, `B.`, `Option B`), by
the text of a choice, or by both (`B) Paris`). These decide, in this order:

1. what it states as its answer (`swarm_core.judges.stated_text`), or a last line that is a choice if the first is none;
2. its beginning and its last line, if they do not name two choices;
3. the one choice that it names, if it denies nothing.

Everything else is in doubt and has no score.

Limits: the reference is a claim of its source. Takers know letters only if the item shows its choices
(`Item.choices_shown`), or if its text has them.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from swarm_core.blocks.settings import Settings
from swarm_core.items import LETTERS, Item
from swarm_core.judges.stated_answer import UnreadableError
from swarm_core.judges.stated_text import NO_REFERENCE, find_stated_text, strip_wrapping
from swarm_core.objectives.scores import Score, Unscored, UnscoredReason
from swarm_core.ports import Reply, Request
from swarm_core.text.canonical_text import canonicalize

MAX_CHOICE = 500
"""Maximum length of a choice, in characters."""
MAX_PROSE = 10_000
"""Maximum length of an answer that is searched for the texts of choices, in characters."""
LABELED = re.compile(
    r"(?:(?:option|choice|letter|answer)[ :]{1,3})?[(\[*_ ]{0,4}(?P<letter>[A-Za-z])(?P<end>[)\].:,;*_\s]{0,8})"
    r"(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
CLOSING = re.compile(r"[)\].:,;*_\n]")
REASON = re.compile(r"(?:because|since|as|which|is)(?![a-z])")
NAMED_LETTER = re.compile(r"\((?P<bracket>[A-Z])\)|(?:[Oo]ption|[Cc]hoice) (?P<word>[A-Z])(?![A-Za-z])")
SECOND_LETTER = re.compile(r"(?:and |or |& ?|/ ?)?[(\[]?[A-Z][)\].,:;]*(?=\s*$|\s*[^a-z\s])")
DENIAL = re.compile(r"(?<![a-z])(?:not|no|never|neither|nor|except|incorrect|wrong|false|cannot)(?![a-z])|n't")


@dataclass(frozen=True, slots=True)
class MultipleChoiceJudge:
    """Compares the choice of an answer with the choice that the item's reference names. It makes no requests."""

    revision: ClassVar[int] = 1
    settings: ClassVar[type[Settings]] = Settings

    @classmethod
    def from_settings(cls, settings: Settings) -> "MultipleChoiceJudge":
        """Return the verifier."""
        return cls()

    def refusal(self, item: Item) -> str | None:
        """Return the reason why the choices or the reference of `item` are not clear; None if they are."""
        if refusal := find_faulty_choices(item.choices):
            return refusal
        if item.reference is None:
            return NO_REFERENCE
        return None if find_right_choice(item) is not None else f"its reference {item.reference[:40]!r} is no choice"

    def solution(self, item: Item) -> str | None:
        """Return the text of the right choice; None if `refusal` refuses the item."""
        right = None if self.refusal(item) else find_right_choice(item)
        return None if right is None else item.choices[right]

    def requests(self, item: Item, answer: str) -> tuple[Request, ...]:
        """No requests, because choices are compared."""
        return ()

    def score(self, item: Item, answer: str, replies: Sequence[Reply]) -> Score:
        """1.0 if the answer chooses the right choice, else 0.0.

        A blank answer is wrong. Unscored: UNREADABLE if the answer chooses none or several, and JUDGE_FAILED if
        `refusal` refuses the item.
        """
        if refusal := self.refusal(item):
            return Unscored(UnscoredReason.JUDGE_FAILED, refusal)
        if not answer.strip():
            return 0.0
        try:
            chosen = Choices(item.choices).read(answer)
        except UnreadableError as error:
            return Unscored(UnscoredReason.UNREADABLE, str(error))
        return float(chosen == find_right_choice(item))


def find_faulty_choices(choices: Sequence[str]) -> str | None:
    """Return the reason why an answer cannot choose clearly among `choices`; None if it can."""
    forms = [to_form(choice) for choice in choices]
    if len(forms) < 2 or len(forms) > len(LETTERS):
        return f"it has {len(forms)} choices; an item has 2 to {len(LETTERS)}"
    for place, form in enumerate(forms):
        letter = LETTERS[place]
        if not form:
            return f"choice {letter} is empty"
        if len(form) > MAX_CHOICE:
            return f"choice {letter} has {len(form)} characters; a choice has at most {MAX_CHOICE}"
        if form in forms[:place]:
            return f"choices {LETTERS[forms.index(form)]} and {letter} are equal"
        if form.upper() in LETTERS[: len(forms)] and form.upper() != letter and len(form) == 1:
            return f"choice {letter} is the letter of choice {form.upper()}"
    return None


def find_right_choice(item: Item) -> int | None:
    """Return the place of the choice that the reference of `item` names by its text or letter; None if it names
    none."""
    try:
        return None if item.reference is None else Choices(item.choices).read_statement(item.reference)
    except UnreadableError:
        return None


def to_form(text: str) -> str:
    """Return the form in which choices are compared."""
    text = strip_wrapping(text)
    return canonicalize(text) if text else ""


@dataclass(frozen=True, slots=True)
class Choices:
    """The choices of one item, and the reader of answers that choose one of them."""

    texts: tuple[str, ...]

    def read(self, answer: str) -> int:
        """Return the place of the choice of `answer`. Raises UnreadableError if it chooses none or several."""
        stated = find_stated_text(answer)
        lines = [line for line in answer.split("\n") if line.strip()]
        alone = stated.marked or (self.is_choice(lines[-1]) and not self.is_choice(lines[0]))
        chosen = self.read_statement(stated.text)
        if chosen is not None and alone:
            return chosen
        found = {place for place in (chosen, self.read_statement(answer)) if place is not None}
        found = found or set(self.find_named(answer))
        if len(found) != 1:
            raise UnreadableError(f"the answer names {len(found) or 'none'} of the choices")
        return found.pop()

    def is_choice(self, line: str) -> bool:
        """Return whether `line` is the letter or the text of a choice and nothing else."""
        form = to_form(line)
        return form in map(to_form, self.texts) or (len(form) == 1 and form.upper() in LETTERS[: len(self.texts)])

    def read_statement(self, statement: str) -> int | None:
        """Return the place of the choice that `statement` is, or begins with; None if there is none.

        Raises UnreadableError if its letter and its text are two choices.
        """
        bare = strip_wrapping(statement)
        begun = self.find_beginning(bare)
        if begun is not None:
            self.check_single(bare, begun)
            return begun
        found = LABELED.match(statement.strip())
        place = LETTERS.find(found["letter"].upper()) if found else -1
        if found is None or not 0 <= place < len(self.texts):
            return None
        rest = found["rest"]
        if not rest.strip():
            return place
        named = self.find_beginning(strip_wrapping(rest))
        if SECOND_LETTER.match(rest):
            raise UnreadableError("the answer has several letters")
        if named not in (None, place):
            raise UnreadableError(f"the answer has the letter {LETTERS[place]} and the text of another choice")
        closed = CLOSING.search(found["end"]) or (found["end"] and found["letter"] not in "aAI" and REASON.match(rest))
        return place if closed and (found["letter"].isupper() or named == place) else None

    def find_beginning(self, statement: str) -> int | None:
        """Return the place of the longest choice whose text `statement` is, or begins with; None if there is none."""
        form = to_form(statement[: 2 * max(map(len, self.texts)) + 64])
        begun = [
            (len(choice), place)
            for place, choice in enumerate(map(to_form, self.texts))
            if form == choice or (len(choice) > 1 and form.startswith(choice) and not form[len(choice)].isalnum())
        ]
        return max(begun)[1] if begun else None

    def check_single(self, statement: str, place: int) -> None:
        """Check that `statement`, which begins with the choice at `place`, names no other. Raises UnreadableError."""
        if to_form(statement) != to_form(self.texts[place]) and set(self.find_texts(statement)) - {place}:
            raise UnreadableError("the answer names several of the choices")

    def find_named(self, answer: str) -> Iterator[int]:
        """The places of the choices that `answer` names anywhere. Raises UnreadableError if it denies something."""
        if DENIAL.search(answer.casefold()):
            raise UnreadableError("the answer denies something and does not state its choice")
        for found in NAMED_LETTER.finditer(answer):
            place = LETTERS.find(found["bracket"] or found["word"])
            if place < len(self.texts):
                yield place
        yield from self.find_texts(answer)

    def find_texts(self, answer: str) -> Iterator[int]:
        """The places of the choices whose texts `answer` contains, without texts within longer ones.

        Raises UnreadableError for an answer that is too long to be searched.
        """
        if len(answer) > MAX_PROSE:
            raise UnreadableError("the answer is long and does not state its choice")
        form = to_form(answer)
        choices = [(to_form(text), place) for place, text in enumerate(self.texts)]
        choices.sort(key=lambda one: -len(one[0]))
        for choice, place in choices:
            pattern = re.compile(rf"(?<![^\W_]){re.escape(choice)}(?![^\W_])")
            if len(choice) > 1 and pattern.search(form):
                yield place
                form = pattern.sub("\n", form)
