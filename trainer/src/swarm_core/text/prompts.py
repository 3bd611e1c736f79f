"""Prompt templates as data: one set for chat models, and one for models that only continue text.

A set has the templates for asking a generator for items, for its training pairs, and for asking a taker. Fine-tuning
and generation use the same set, so a generator is asked with the words that it was trained on.

Limits: it does not count tokens. A chat prompt is the text of one user turn. The inference engine applies the chat
template of the model.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum


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
    """One item of a list. `{number}` counts from 1."""
    answering: str
    answer: str
    """The answer after the answering prompt."""
    stops: tuple[str, ...]
    """The stop sequences of an answer."""
    chat: bool


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


def list_texts(style: PromptStyle) -> dict[str, object]:
    """Return the fields of a style's templates by name. The experiment's digest covers them."""
    return asdict(TEMPLATES[style])


def format_list(style: PromptStyle, items: Sequence[str]) -> str:
    """`items` as the list that prompts show and generators write."""
    example = TEMPLATES[style].example
    return "".join(example.format(number=number, item=item) for number, item in enumerate(items, 1))


def format_generation(style: PromptStyle, domain: str, examples: Sequence[str]) -> str:
    """Return the prompt that asks for as many new items as there are examples."""
    return TEMPLATES[style].generation.format(domain=domain, count=len(examples), examples=format_list(style, examples))


def format_training_pair(
    style: PromptStyle, domain: str, given: Sequence[str], wanted: Sequence[str]
) -> tuple[str, str]:
    """Return the prompt and the completion of one training pair. The prompt shows `given`, and the completion is
    `wanted`."""
    return format_generation(style, domain, given), format_list(style, wanted)


def format_answering(style: PromptStyle, item: str) -> str:
    """Return the prompt that asks a taker."""
    return TEMPLATES[style].answering.format(item=item)


def format_answer(style: PromptStyle, text: str) -> str:
    """`text` as the completion of the answering prompt. Takers are trained on it."""
    return TEMPLATES[style].answer.format(answer=text)
