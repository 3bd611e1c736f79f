"""Texts of bases whose thinking tags are special tokens, such as `[THINK]` or `<|channel|>`.

A text without special tokens has lost these tags, and the thoughts between them read as answers. So the tags stay in
the text until the thinking is separated. Then they and all other special tokens are removed.

Limits: a server's text does not say which characters were a token. Where an answer spells a special token of the base,
the spelling is removed too.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from transformers import PreTrainedTokenizerBase

from swarm_core.asking import separate_thinking
from swarm_core.ports import Completion
from swarm_core.text import thinking


@dataclass(frozen=True, slots=True)
class SpecialTokens:
    """The special tokens of a base."""

    tags: frozenset[int]
    """Those that mark thinking, or a part of the turn after it. Empty if the base has no tag among them."""
    others: frozenset[int]
    spellings: re.Pattern[str]
    """Matches every one of them in a text."""

    @classmethod
    def find(cls, tokenizer: PreTrainedTokenizerBase) -> "SpecialTokens":
        """Return the special tokens of a tokenizer."""
        special = {token: added.content for token, added in tokenizer.added_tokens_decoder.items() if added.special}
        special |= dict(zip(tokenizer.all_special_ids, map(str, tokenizer.all_special_tokens), strict=True))
        tags = thinking.find_tags(special.values())
        longest_first = sorted(filter(None, special.values()), key=len, reverse=True)
        return cls(
            frozenset(token for token, text in special.items() if text in tags),
            frozenset(token for token, text in special.items() if text not in tags),
            re.compile("|".join(map(re.escape, longest_first)) or r"(?!)"),
        )

    def decode(self, tokenizer: PreTrainedTokenizerBase, tokens: Sequence[int]) -> str:
        """Return the text of `tokens`, with thinking tags and without any other special token."""
        kept = [token for token in tokens if token not in self.others] if self.tags else list(tokens)
        return str(tokenizer.decode(kept, skip_special_tokens=not self.tags, clean_up_tokenization_spaces=False))

    def separate(self, completion: Completion) -> Completion:
        """Return `completion` with its thinking apart and without special tokens, if the base has tags among them."""
        if not self.tags:
            return completion
        found = separate_thinking(completion)
        text, thoughts = (self.spellings.sub("", part) for part in (found.text, found.thinking))
        alternatives = tuple(self.spellings.sub("", other) for other in found.alternatives)
        return replace(found, text=text, thinking=thoughts, alternatives=alternatives)
