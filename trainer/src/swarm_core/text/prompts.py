"""Prompt templates as data: one set for chat models, and one for models that only continue text.

A set has the templates for asking a generator for items, for its training pairs, and for asking a taker. Fine-tuning
and generation use the same set, so a generator is asked with the words that it was trained on.

Every item of a list is written so that `item_parser.parse` reads it back as it was. The further lines of an item are
indented as far as its text. An item with bold or backticks around it stands below its marker.

A spec may replace the words of a prompt (`PromptTexts`). Placeholders are filled in one pass, so braces in an item or
in the text stay as they are.

Limits: it does not count tokens. A chat prompt is the text of one user turn. The inference engine applies the chat
template of the model.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from swarm_core.items import Item
from swarm_core.text import item_formats, item_parser
from swarm_core.text.item_formats import ItemFormat

TEMPLATE_DATE = "2024-07-26"
"""The date that a chat template gets if it asks for today's. With today's, one run would ask with other tokens on the
next day. Llama's templates have this date where they can get none."""


class PromptStyle(StrEnum):
    """The template sets."""

    CHAT = "Chat"
    """For instruction models with a chat template."""
    PLAIN = "Plain"
    """For models that continue text: the prompt is a bare list, or a question."""


@dataclass(frozen=True, slots=True)
class TemplateSet:
    """One set of templates, with the placeholders `{domain}`, `{count}`, `{examples}`, `{item}` and `{answer}`."""

    generation: str
    """Asks for `count` more items after the examples."""
    example: str
    """One item of a list. `{number}` counts from 1. `format_list_item` writes the further lines of an item."""
    answering: str
    answer: str
    """The answer after the answering prompt."""
    stops: tuple[str, ...]
    """The stop sequences of an answer."""
    chat: bool
    list_revision: int = 2
    """The revision of `format_list_item`. Raise it when any item is written in another way."""


@dataclass(frozen=True, slots=True)
class PromptTexts:
    """The texts of a spec that replace those of its template set; None keeps them."""

    generation: str | None = None
    """Asks for items. It has the placeholder `{examples}`, and perhaps `{count}` and `{domain}`."""
    generation_system: str | None = None
    """The system text before it."""
    answering: str | None = None
    """Asks a taker. It has the placeholder `{item}`, and perhaps `{domain}`."""
    answering_system: str | None = None
    """The system text before it."""


DEFAULT_TEXTS = PromptTexts()


@dataclass(frozen=True, slots=True)
class Wording:
    """What the prompts of a run have in common."""

    style: PromptStyle
    domain: str
    texts: PromptTexts = DEFAULT_TEXTS
    format: ItemFormat = ItemFormat.QUESTIONS
    """What a generator writes for each item."""

    @property
    def chat(self) -> bool:
        """Whether a prompt is a user turn in a chat template."""
        return TEMPLATES[self.style].chat


PLACEHOLDER = re.compile(r"\{([A-Za-z_]+)\}")
GENERATION_PLACEHOLDERS = ("examples", "count", "domain")
ANSWERING_PLACEHOLDERS = ("item", "domain")


TEMPLATES = {
    PromptStyle.CHAT: TemplateSet(
        generation=(
            "You are an expert at writing evaluation data about {domain}.\n"
            "Here are {count} examples. Write {count} more in the same pattern, as a numbered list only.\n\n"
            "{examples}"
        ),
        example="{number}. {item}\n",
        answering="{item}",
        answer="{answer}",
        stops=(),
        chat=True,
    ),
    PromptStyle.PLAIN: TemplateSet(
        generation="{examples}",
        example="- {item}\n",
        answering="Q: {item}\nA:",
        answer=" {answer}",
        stops=("\n",),
        chat=False,
    ),
}


FORMAT_REQUESTS: Mapping[tuple[PromptStyle, ItemFormat], str] = {
    (PromptStyle.CHAT, ItemFormat.QUESTIONS_AND_ANSWERS): (
        "You are an expert at writing evaluation data about {domain}.\n"
        "Here are {count} examples. Write {count} more in the same pattern, as a numbered list only. Each ends with a"
        ' line "Answer:" and its correct answer.\n\n'
        "{examples}"
    ),
    (PromptStyle.CHAT, ItemFormat.MULTIPLE_CHOICE): (
        "You are an expert at writing evaluation data about {domain}.\n"
        "Here are {count} examples. Write {count} more in the same pattern, as a numbered list only. Each has its"
        ' choices, one per line with a letter, and ends with a line "Answer:" and the letter of the one correct'
        " choice.\n\n"
        "{examples}"
    ),
}
"""The requests for items in formats that a template set has no words of its own for."""
FORMAT_LABELS: Mapping[tuple[PromptStyle, ItemFormat], str] = {
    (PromptStyle.PLAIN, ItemFormat.QUESTIONS_AND_ANSWERS): item_formats.SHORT_LABEL
}
"""The words before an answer in entries, if not `Answer:`. The plain one is the word that takers are asked with."""


def list_format_texts(style: PromptStyle, item_format: ItemFormat) -> dict[str, object]:
    """Return the words of a format by name. The experiment's digest covers them."""
    return {"generation": find_request(style, item_format), "label": find_label(style, item_format)}


def find_request(style: PromptStyle, item_format: ItemFormat) -> str:
    """Return the built-in template that asks for items."""
    return FORMAT_REQUESTS.get((style, item_format), TEMPLATES[style].generation)


def find_label(style: PromptStyle, item_format: ItemFormat) -> str:
    """Return the word before an answer in an entry."""
    return FORMAT_LABELS.get((style, item_format), item_formats.ANSWER_LABEL)


def list_texts(style: PromptStyle) -> dict[str, object]:
    """Return the fields of a style's templates by name, and the date in chat templates. The experiment's digest covers
    them."""
    return asdict(TEMPLATES[style]) | ({"template_date": TEMPLATE_DATE} if TEMPLATES[style].chat else {})


def format_list(style: PromptStyle, items: Sequence[str]) -> str:
    """`items` as the list that prompts show and generators write."""
    return "".join(format_list_item(style, number, item) for number, item in enumerate(items, 1))


def format_list_item(style: PromptStyle, number: int, item: str) -> str:
    """`item` as one entry of a list. Its further lines are indented, except for empty ones."""
    marker = TEMPLATES[style].example.format(number=number, item="").rstrip("\n")
    indent = " " * len(marker)
    first, *rest = item.split("\n")
    if item_parser.find_wrap(item):
        marker, first, rest = marker.rstrip(), "", [first, *rest]
    return "\n".join([marker + first, *(line and indent + line for line in rest)]) + "\n"


def comes_back(style: PromptStyle, item: str) -> bool:
    """Whether the parser reads `item` from a list as it was written, first and last in the list."""
    return item_parser.parse(format_list(style, [item, item]), 2).items == (item, item)


def format_entries(wording: Wording, items: Sequence[Item]) -> list[str]:
    """Return the texts of `items` as entries of a list, in the format of the wording."""
    label = find_label(wording.style, wording.format)
    return [item_formats.format_entry(wording.format, item, label) for item in items]


def item_comes_back(wording: Wording, item: Item) -> bool:
    """Whether `item` is read from a list as it was written, first and last in the list."""
    (entry,) = format_entries(wording, [item])
    read = item_formats.read_entry(wording.format, entry)
    return comes_back(wording.style, entry) and item_formats.has_same_content(wording.format, item, read)


def fill(template: str, values: Mapping[str, str]) -> str:
    """Return `template` with the value of each placeholder. Other text in braces stays as it is.

    >>> fill("{count} of {this}", {"count": "3"})
    '3 of {this}'
    """
    return PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), template)


def list_placeholders(template: str) -> list[str]:
    """Return the names that stand in braces in `template`, in order."""
    return PLACEHOLDER.findall(template)


def format_generation(wording: Wording, examples: Sequence[str]) -> str:
    """Return the prompt that asks for as many new items as there are examples. `examples`: entries of a list."""
    listed = format_list(wording.style, examples)
    template = wording.texts.generation or find_request(wording.style, wording.format)
    return fill(template, {"domain": wording.domain, "count": str(len(examples)), "examples": listed})


def format_training_pair(wording: Wording, given: Sequence[str], wanted: Sequence[str]) -> tuple[str, str]:
    """Return the prompt and the completion of one training pair. The prompt shows the entries `given`, and the
    completion has those of `wanted`."""
    return format_generation(wording, given), format_list(wording.style, wanted)


def format_answering(wording: Wording, item: str) -> str:
    """Return the prompt that asks a taker."""
    template = wording.texts.answering or TEMPLATES[wording.style].answering
    return fill(template, {"item": item, "domain": wording.domain})


def format_answer(style: PromptStyle, text: str) -> str:
    """`text` as the completion of the answering prompt. Takers are trained on it."""
    return TEMPLATES[style].answer.format(answer=text)
