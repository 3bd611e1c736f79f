"""The words of prompts, where a spec replaces the built-in ones. They are part of the run's identity."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, Field, Strict
from pydantic_core import PydanticCustomError

from swarm_core.blocks.block import Block, Rule, RuleReason
from swarm_core.blocks.scalars import PATTERN_MISMATCH, Pattern
from swarm_core.text import prompts
from swarm_core.text.prompts import DEFAULT_TEXTS, PromptStyle, PromptTexts

MAX_CHARACTERS = 16_384
ANY = r"[\s\S]*"
SystemText = Annotated[str, Strict(), Field(min_length=1, max_length=MAX_CHARACTERS)]


def _check_placeholders(known: tuple[str, ...]) -> Callable[[str], str]:
    """Return a validator that refuses a placeholder that no prompt fills."""

    def check(text: str) -> str:
        unknown = [name for name in prompts.list_placeholders(text) if name not in known]
        if unknown:
            listed = ", ".join(f"{{{name}}}" for name in known)
            raise PydanticCustomError(
                PATTERN_MISMATCH,
                "{found} is no placeholder; use {known}",
                {"found": f"{{{unknown[0]}}}", "known": listed},
            )
        return text

    return check


GenerationText = Annotated[
    str,
    Strict(),
    Field(min_length=1, max_length=MAX_CHARACTERS),
    Pattern(rf"{ANY}\{{examples\}}{ANY}", "write {examples} where the examples stand"),
    AfterValidator(_check_placeholders(prompts.GENERATION_PLACEHOLDERS)),
]
AnsweringText = Annotated[
    str,
    Strict(),
    Field(min_length=1, max_length=MAX_CHARACTERS),
    Pattern(rf"{ANY}\{{item\}}{ANY}", "write {item} where the item stands"),
    AfterValidator(_check_placeholders(prompts.ANSWERING_PLACEHOLDERS)),
]


class GenerationPrompt(Block):
    """The words that ask a generator for items. Its training shows the same words."""

    text: GenerationText | None = None
    """Text of the request, with {examples}, and perhaps {count} and {domain}. If absent, that of base.template."""
    system: SystemText | None = None
    """System text before the request. The chat template must have a place for it."""


class AnsweringPrompt(Block):
    """The words that ask a taker for an answer."""

    text: AnsweringText | None = None
    """Text of the question, with {item}, and perhaps {domain}. If absent, that of base.template."""
    system: SystemText | None = None
    """System text before the question. The chat template must have a place for it."""


class Prompts(Block):
    """The words of the prompts."""

    generation: GenerationPrompt = GenerationPrompt()
    """Words that ask a generator for items."""
    answering: AnsweringPrompt = AnsweringPrompt()
    """Words that ask a taker for an answer."""

    @property
    def texts(self) -> PromptTexts:
        """The texts that replace the built-in ones."""
        return PromptTexts(self.generation.text, self.generation.system, self.answering.text, self.answering.system)


def resolve_prompts(prompts: Prompts | None) -> Prompts | None:
    """Return the words that a spec replaces; None if it replaces none."""
    return None if prompts is None or prompts.texts == DEFAULT_TEXTS else prompts


def build_generation_rule() -> Rule[Any]:
    """Return the rule that a system text for generators has a chat template to go into."""
    return Rule(
        "self.base.template == 'Chat' || !has(self.prompts) || !has(self.prompts.generation) ||"
        " !has(self.prompts.generation.system)",
        "Plain prompts have no system text; remove system, or set base.template to Chat",
        "prompts",
        lambda it: it.base.template is PromptStyle.CHAT or it.prompts is None or it.prompts.generation.system is None,
        lambda _: ("prompts", "generation", "system"),
        reason=RuleReason.FORBIDDEN,
    )


def build_answering_rule(remote: str, are_remote: Callable[[Any], bool]) -> Rule[Any]:
    """Return the rule that a system text for takers has a chat template to go into.

    `remote` and `are_remote`: whether all takers of a spec are behind endpoints, which always have one.
    """
    return Rule(
        f"self.base.template == 'Chat' || {remote} || !has(self.prompts) || !has(self.prompts.answering) ||"
        " !has(self.prompts.answering.system)",
        "Plain prompts of takers have no system text; remove system, or set base.template to Chat",
        "prompts",
        lambda it: (
            it.base.template is PromptStyle.CHAT
            or are_remote(it)
            or it.prompts is None
            or it.prompts.answering.system is None
        ),
        lambda _: ("prompts", "answering", "system"),
        reason=RuleReason.FORBIDDEN,
    )
