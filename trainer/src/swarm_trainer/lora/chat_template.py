"""Conversations as tokens, by the chat template of a model.

Only the template writes control tokens. What the messages say is text (`control_tokens`), whatever they spell. Where a
template marks turns with ordinary characters, such as `[INST]`, the same mark in a message gets an invisible character
(`swarm_core.text.control_markup`).

A template may ask for the date. It always gets the same date, which the experiment's digest covers
(`prompts.TEMPLATE_DATE`). Tools and documents are absent.

Limits: a template that draws random numbers is refused.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from transformers import PreTrainedTokenizerBase

from swarm_core.errors import BadInputError
from swarm_core.text import control_markup, prompts, thinking
from swarm_trainer.lora import control_tokens

Message = dict[str, str]
SAMPLES = ("dataswarm one", "dataswarm two")
"""Two texts that no template has."""
THINKING_SWITCHES = ("enable_thinking", "thinking")
"""The variables with which templates turn thinking on and off. A template without one ignores them."""
RANDOM = frozenset({"random", "lipsum"})
"""The filters and functions of Jinja that draw random numbers."""


def tokenize(
    tokenizer: PreTrainedTokenizerBase, chats: Sequence[Sequence[Message]], thinks: bool = False
) -> list[list[int]]:
    """Return the tokens of each conversation, up to where the model's next turn begins; to its end if it ends with a
    turn of the model.

    `thinks`: whether the model may think first; a template that has a switch for it is told.

    Raises BadInputError if the tokenizer has no chat template, or if its template rejects a conversation.
    """
    texts = [message["content"] for chat in chats for message in chat]
    if not texts:
        return []
    mark, marks = control_tokens.choose_mark(texts), find_text_marks(tokenizer)
    marked = iter(control_tokens.mark_cuts(tokenizer, [control_markup.escape(text, marks) for text in texts], mark))
    return [
        control_tokens.encode_marked(tokenizer, render_turns(tokenizer, chat, marked, thinks), mark) for chat in chats
    ]


def render_turns(
    tokenizer: PreTrainedTokenizerBase, chat: Sequence[Message], contents: Iterator[str], thinks: bool
) -> str:
    """Return the text of a conversation with the next of `contents` as its messages. Raises as `tokenize` does."""
    turns = [{**message, "content": next(contents)} for message in chat]
    return render(tokenizer, turns, thinks, continues=turns[-1]["role"] != "assistant")


def render(
    tokenizer: PreTrainedTokenizerBase, chat: Sequence[Message], thinks: bool = False, *, continues: bool = True
) -> str:
    """Return the text that the template makes of a conversation. Raises BadInputError as `tokenize` does.

    Where the model may not think, a thinking that the template opens is closed at once: templates without a switch
    open one every time. `continues`: whether a turn of the model follows.
    """
    if not tokenizer.chat_template:
        raise BadInputError("the base model has no chat template, which Chat prompts need; use Plain prompts")
    try:
        written = str(
            tokenizer.apply_chat_template(
                list(chat),
                add_generation_prompt=continues,
                tokenize=False,
                strftime_now=_format_date,
                **dict.fromkeys(THINKING_SWITCHES, thinks),
            )
        )
    except (jinja2.TemplateError, ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
        # A template raises by itself, such as for a role that it does not know, or fails on a content that is text.
        raise BadInputError(
            f"the base model's chat template rejects the messages ({error}); leave out system text, let user and"
            " assistant turns alternate, or use Plain prompts"
        ) from error
    return thinking.close(written) if continues and not thinks else written


def find_turn_end(tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """Return the control token that the template writes after a model's turn; empty if it writes none.

    It is the first one after the text that is no tag of a thinking.
    """
    chat = [{"role": role, "content": text} for role, text in zip(("user", "assistant"), SAMPLES, strict=True)]
    try:
        written = render(tokenizer, chat, continues=False)
    except BadInputError:  # no template, or one for a single turn
        return frozenset()
    after = control_tokens.encode_marked(tokenizer, written.rpartition(SAMPLES[1])[2], control_tokens.MARKS[0])
    control = control_tokens.list_control_tokens(tokenizer)
    tags = thinking.find_tags(control.values())
    return frozenset([token for token in after if token in control and control[token] not in tags][:1])


def find_text_marks(tokenizer: PreTrainedTokenizerBase) -> frozenset[str]:
    """Return the marks that the template writes with ordinary characters around a user's and a model's turn."""
    chat = [{"role": role, "content": SAMPLES[0]} for role in ("user", "assistant", "user")]
    try:
        written = render(tokenizer, chat)
    except BadInputError:  # a template for one turn
        written = render(tokenizer, chat[:1])
    return control_markup.find(written) - set(control_tokens.list_control_tokens(tokenizer).values())


def check(tokenizer: PreTrainedTokenizerBase) -> None:
    """Check that the template writes what a user says, the same every time. Raises BadInputError."""
    found = [render(tokenizer, [{"role": "user", "content": text}]) for text in SAMPLES]
    if any(text not in written for text, written in zip(SAMPLES, found, strict=True)):
        raise BadInputError(
            f"the base model's chat template leaves out what the user says (it writes {found[0][:80]!r}); give a base"
            " whose template takes messages of text, or use Plain prompts"
        )
    drawn = sorted(_find_names(str(tokenizer.get_chat_template())) & RANDOM)
    if drawn:
        raise BadInputError(
            f"the base model's chat template draws random numbers ({', '.join(drawn)}), so no two prompts would be the"
            " same; take that out of the template, or use Plain prompts"
        )


class _Generation(Extension):
    """Reads the blocks `{% generation %}`, which some templates have, as their content."""

    tags = {"generation"}  # noqa: RUF012 (the type that Jinja declares)

    def parse(self, parser: Any) -> Any:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _find_names(template: str) -> set[str]:
    """Return the names of the filters, variables and functions that a template uses."""
    tree = jinja2.Environment(autoescape=True, extensions=[loopcontrols, _Generation]).parse(template)
    filters, names = tree.find_all(nodes.Filter), tree.find_all(nodes.Name)
    return {found.name for found in filters} | {found.name for found in names}


def _format_date(pattern: str) -> str:
    return datetime.fromisoformat(prompts.TEMPLATE_DATE).strftime(pattern)
