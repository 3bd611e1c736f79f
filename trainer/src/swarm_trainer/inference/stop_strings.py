"""Ends a text at the first stop string, wherever its characters fall among the tokens.

`is_reached` runs after every token. So it decodes text only if the last token could have completed a stop, and then
only the end of the text. `truncate_at_stop` decides: it looks at the whole text.
"""

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

from swarm_trainer.inference.thinking_tokens import SpecialTokens
from swarm_trainer.lora import control_tokens

EXTRA_TOKENS = 8
"""Tokens decoded beyond the stop's bytes. Some tokens decode to nothing, or differently at the start of a text."""
TEXT_BEFORE = "a"
"""A text before a continuation."""
CHARACTER_BYTES = 4
"""The most bytes of a character in UTF-8."""
REPLACEMENT_CHARACTER = "\ufffd"
"""The decoding of a part of a character."""


def truncate_at_stop(text: str, stops: Sequence[str]) -> tuple[str, bool]:
    """`text` up to the first of `stops`, and whether there was one."""
    positions = [position for position in (text.find(stop) for stop in stops) if position >= 0]
    return (text[: min(positions)], True) if positions else (text, False)


class StopDetector:
    """Finds stops in texts of one tokenizer. It caches the text of single tokens and nothing of the requests."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer, self.special = tokenizer, SpecialTokens.find(tokenizer)
        self._token_texts: dict[int, str] = {}
        (self._before,) = control_tokens.encode_texts(tokenizer, [TEXT_BEFORE])

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of `tokens`, without special tokens except thinking tags."""
        return self.special.decode(self._tokenizer, tokens)

    def decode_continuation(self, tokens: Sequence[int]) -> str:
        """The text that `tokens` add to a text before them, as servers give it.

        A tokenizer that puts a space before every text takes it from the beginning of a text that it decodes, so some
        text is put before the tokens. A character at the end of which bytes are missing is left out.
        """
        text = self._decode_after(tokens)
        for missing in range(1, CHARACTER_BYTES):
            if not text.endswith(REPLACEMENT_CHARACTER):
                break
            text = self._decode_after(tokens[:-missing])
        return text

    def _decode_after(self, tokens: Sequence[int]) -> str:
        whole, before = self.decode([*self._before, *tokens]), self.decode(self._before)
        return whole.removeprefix(before) if whole.startswith(before) else self.decode(tokens)

    def is_reached(self, tokens: Sequence[int], stops: Sequence[str]) -> bool:
        """Whether the last of `tokens` completed one of `stops`."""
        last = self._decode_token(tokens[-1])
        possible = [stop for stop in stops if stop[-1] in last or stop[-1] == " " or REPLACEMENT_CHARACTER in last]
        if not possible:
            return False
        width = max(len(stop.encode()) for stop in possible) + EXTRA_TOKENS
        return truncate_at_stop(self.decode(tokens[-width:]), possible)[1]

    def _decode_token(self, token: int) -> str:
        """A token decoded alone. Tokenizers may drop a space at the start; `is_reached` allows for that."""
        if token not in self._token_texts:
            self._token_texts[token] = self.decode([token])
        return self._token_texts[token]
