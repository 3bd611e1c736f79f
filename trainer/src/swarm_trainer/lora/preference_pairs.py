"""Pairs of a preferred and a rejected text, as text and as tokens, and the settings of training on them."""

from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from swarm_trainer.lora import base
from swarm_trainer.lora.training import TrainingSettings


@dataclass(frozen=True, slots=True)
class PreferencePair:
    """A prompt, the text that shall become likelier, and the text that shall become less likely."""

    prompt: str
    chosen: str
    rejected: str
    gap: float = 0.0
    """How much better the chosen text scored. Only `DpoMargin` reads it."""


@dataclass(frozen=True, slots=True)
class PreferenceSettings:
    """The settings of a preference training. The API defines the defaults, so there are none here."""

    training: TrainingSettings
    """The LoRA, the adapter to start from, the steps and the lengths, as in supervised fine-tuning."""
    beta: float
    likelihood: float
    """The factor of the negative log-likelihood of the chosen texts. 0 but for the loss `DpoNll`."""
    margin: float
    """The factor of a pair's gap. 0 but for the loss `DpoMargin`."""


@dataclass(frozen=True, slots=True)
class TokenizedPair:
    """One pair as token IDs. Each text ends with the end token, unless it was cut."""

    prompt: list[int]
    chosen: list[int]
    rejected: list[int]
    gap: float


def tokenize(
    tokenizer: PreTrainedTokenizerBase, pairs: Sequence[PreferencePair], settings: TrainingSettings
) -> tuple[list[TokenizedPair], int]:
    """Return the pairs whose two texts differ within max_length, and how many of them were cut.

    Prompts and texts have the tokens of supervised fine-tuning. Raises BadInputError if the tokenizer lacks an end
    token or a required chat template.
    """
    prompts = base.tokenize_prompts(tokenizer, [pair.prompt for pair in pairs], settings.chat, settings.system)
    chosen = base.tokenize_completions(tokenizer, [pair.chosen for pair in pairs])
    rejected = base.tokenize_completions(tokenizer, [pair.rejected for pair in pairs])
    fitting, truncated = [], 0
    for pair, prompt, better, worse in zip(pairs, prompts, chosen, rejected, strict=True):
        room = max(0, settings.max_length - len(prompt))
        cut = TokenizedPair(prompt, better[:room], worse[:room], pair.gap)
        if cut.chosen != cut.rejected:
            truncated += max(len(better), len(worse)) > room
            fitting.append(cut)
    return fitting, truncated
