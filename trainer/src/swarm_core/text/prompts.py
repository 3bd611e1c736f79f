"""Prompts as data: one template set for chat models, one for models that only continue text.

A template set says how a generator is asked for items, how training shows it what to write, and how a taker is asked.
The same set serves fine-tuning and generation, so a generator is always asked in the words it was trained on.

Limits: knows nothing of tokens. A chat prompt is the text of one user turn; the inference adapter applies the model's
own chat template.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum


class PromptStyle(StrEnum):
    """The template sets."""

    CHAT = "Chat"
    """For instruction models with a chat template."""
    PLAIN = "Plain"
    """For models that continue text: a bare list, and question and answer."""


@dataclass(frozen=True, slots=True)
class TemplateSet:
    """One template set. `{domain}`, `{count}`, `{examples}` and `{item}` are filled in."""

    generation: str
    """Asks for `count` more items after the examples."""
    example: str
    """One item of a list; `{number}` counts from 1."""
    answering: str
    answer: str
    """How an answer follows the answering prompt."""
    stops: tuple[str, ...]
    """Where an answer ends at the latest."""
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
    """Every field of a style's templates by its name; what the experiment's digest covers of it."""
    return asdict(TEMPLATES[style])


def format_list(style: PromptStyle, items: Sequence[str]) -> str:
    """`items` as the list that prompts show and generators write."""
    example = TEMPLATES[style].example
    return "".join(example.format(number=number, item=item) for number, item in enumerate(items, 1))


def format_generation(style: PromptStyle, domain: str, examples: Sequence[str]) -> str:
    """The prompt that asks for as many new items as there are examples."""
    return TEMPLATES[style].generation.format(domain=domain, count=len(examples), examples=format_list(style, examples))


def format_training_pair(
    style: PromptStyle, domain: str, given: Sequence[str], wanted: Sequence[str]
) -> tuple[str, str]:
    """Prompt and completion of one self-instruct example: `given` shown, `wanted` written."""
    return format_generation(style, domain, given), format_list(style, wanted)


def format_answering(style: PromptStyle, item: str) -> str:
    """The prompt that asks a taker."""
    return TEMPLATES[style].answering.format(item=item)


def format_answer(style: PromptStyle, text: str) -> str:
    """How `text` follows the answering prompt; what a taker is trained to write."""
    return TEMPLATES[style].answer.format(answer=text)
