"""The story of a word problem: its grammar, its parser, and its value.

    problem  = NAME "has" start "." step* "How many" THINGS "does" NAME "have?"
    start    = NUMBER THINGS | NUMBER CONTAINERS "with" NUMBER THINGS "each"
    step     = PRONOUN VERB (NUMBER | NUMBER CONTAINERS "with" NUMBER "each") "."

    Tom has 3 boxes with 4 pens each. He loses 5. How many pens does Tom have?

Every text of the grammar is spelled in one way: one space between words, and no other capitals. So no text is a variant
that only a model finds strange. The words are those of `swarm_core.judges.word_problem_words`. The topic is that of the
thing. Verbs and containers may be those of any topic, because `He eats 2 pens` has an answer, too. One name and one
thing run through a problem. A problem has one to `MAX_STEPS` operations: each step is one, and so is each "with".
Numbers lie between 2 and `MAX_NUMBER`, because "1 pens" is no English and 0 pens are no step. Nobody loses more than
there is.

Limits: parsing takes linear time, and texts over `MAX_LENGTH` characters are refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from swarm_core.judges.word_problem_words import CONTAINERS, PRONOUNS, SIGNS, TOPIC_OF, Topic

MAX_LENGTH = 400
"""Maximum length of a problem, in characters. The longest one has fewer."""
MAX_STEPS = 3
MAX_NUMBER = 999


class StoryError(ValueError):
    """The text is not a problem of the grammar, or has no answer. The message gives the reason."""


@dataclass(frozen=True, slots=True)
class Amount:
    """A number of things: `number` alone, or in each of `count` containers."""

    number: int
    count: int | None = None
    container: str | None = None

    @property
    def total(self) -> int:
        """The number of all things."""
        return self.number * (self.count or 1)


@dataclass(frozen=True, slots=True)
class Step:
    """One gain or loss."""

    verb: str
    sign: str
    """`+` or `-`."""
    amount: Amount


@dataclass(frozen=True, slots=True)
class Story:
    """A problem of the grammar with an answer."""

    name: str
    thing: str
    start: Amount
    steps: tuple[Step, ...] = ()

    @property
    def topic(self) -> Topic:
        """The topic of the thing."""
        return TOPIC_OF[self.thing]

    @property
    def terms(self) -> tuple[tuple[str, Amount], ...]:
        """The start and the steps as signed amounts. The sum of them is the answer."""
        return (("+", self.start), *((step.sign, step.amount) for step in self.steps))

    @property
    def operations(self) -> str:
        """The sign of each operation in order, such as `*+-`; a group of containers is a product."""
        signs = [("*" if amount.count else "") + sign for sign, amount in self.terms]
        return signs[0].removesuffix("+") + "".join(signs[1:])

    @property
    def answer(self) -> int:
        """The number of things at the end."""
        return sum(amount.total if sign == "+" else -amount.total for sign, amount in self.terms)


def parse(text: str) -> Story:
    """Return the story of a text. Raises StoryError if the text is no problem of the grammar or has no answer."""
    if len(text) > MAX_LENGTH:
        raise StoryError(f"{len(text)} characters; a word problem has at most {MAX_LENGTH}")
    first, *middle = [sentence.split(" ") for sentence in text.split(". ")]
    if not middle:
        raise StoryError("one sentence; a word problem has at least two, with '. ' between them")
    name, thing, start = parse_start(first)
    steps = tuple(parse_step(words, name) for words in middle[:-1])
    if middle[-1] != ["How", "many", thing, "does", name, "have?"]:
        raise StoryError(f"the end is not 'How many {thing} does {name} have?'")
    story = Story(name, thing, start, steps)
    check_answerable(story)
    return story


def parse_start(words: Sequence[str]) -> tuple[str, str, Amount]:
    """Return the name, the thing and the amount of the first sentence. Raises StoryError."""
    match words:
        case [name, "has", number, thing]:
            group: tuple[str, ...] = (number,)
        case [name, "has", count, container, "with", number, thing, "each"]:
            group = (count, container, "with", number, "each")
        case _:
            raise StoryError("the first sentence is not 'NAME has 12 THINGS' or 'NAME has 3 BOXES with 4 THINGS each'")
    if name not in PRONOUNS:
        raise StoryError(f"{name!r} is not a name of the grammar")
    if thing not in TOPIC_OF:
        raise StoryError(f"{thing!r} is not a thing of the grammar")
    return name, thing, parse_amount(group)


def parse_step(words: Sequence[str], name: str) -> Step:
    """Return the step of a sentence about `name`. Raises StoryError."""
    if len(words) < 3:
        raise StoryError(f"{' '.join(words)!r} is not a step such as 'He buys 12'")
    pronoun, verb, *rest = words
    if pronoun != PRONOUNS[name]:
        raise StoryError(f"{pronoun!r} does not stand for {name}; {PRONOUNS[name]!r} does")
    if verb not in SIGNS:
        raise StoryError(f"{verb!r} is not a verb of the grammar")
    return Step(verb, SIGNS[verb], parse_amount(rest))


def parse_amount(words: Sequence[str]) -> Amount:
    """Return the amount of `12`, or of `3 boxes with 4 each`. Raises StoryError."""
    match words:
        case [number]:
            return Amount(parse_number(number))
        case [count, container, "with", number, "each"]:
            if container not in CONTAINERS:
                raise StoryError(f"{container!r} is not a container of the grammar")
            return Amount(parse_number(number), parse_number(count), container)
        case _:
            raise StoryError(f"{' '.join(words)!r} is not an amount such as '12' or '3 boxes with 4 each'")


def parse_number(word: str) -> int:
    """Return a number of the grammar. Raises StoryError."""
    if not (word.isascii() and word.isdecimal()) or word[0] == "0" or len(word) > len(str(MAX_NUMBER)) or word == "1":
        raise StoryError(f"{word!r} is not a number from 2 to {MAX_NUMBER}")
    return int(word)


def check_answerable(story: Story) -> None:
    """Check that the story has one to MAX_STEPS operations, and no loss that is not possible. Raises StoryError."""
    if not 1 <= len(story.operations) <= MAX_STEPS:
        raise StoryError(f"{len(story.operations)} operations; a word problem has 1 to {MAX_STEPS}")
    there = 0
    for sign, amount in story.terms:
        if sign == "-" and amount.total > there:
            raise StoryError(f"{amount.total} {story.thing} are taken, but only {there} are there")
        there += amount.total if sign == "+" else -amount.total


def format_story(story: Story) -> str:
    """Return the text of a story, which `parse` reads."""
    pronoun = PRONOUNS[story.name]
    sentences = [f"{story.name} has {format_amount(story.start, story.thing)}"]
    sentences += [f"{pronoun} {step.verb} {format_amount(step.amount)}" for step in story.steps]
    return ". ".join([*sentences, f"How many {story.thing} does {story.name} have?"])


def format_amount(amount: Amount, thing: str = "") -> str:
    """Return an amount as words. `thing` is named in the first sentence only."""
    words = [str(amount.number), thing]
    if amount.count:
        words = [str(amount.count), str(amount.container), "with", *words, "each"]
    return " ".join(filter(None, words))
