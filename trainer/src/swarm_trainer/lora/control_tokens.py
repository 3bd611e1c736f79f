"""Encodes text as text: control tokens that a text spells, such as `<eos>`, never become those tokens.

A tokenizer turns the spelling of a control token into the token wherever it stands. So a text is cut inside each
spelling, and its parts are encoded one by one: the model reads the same characters, as ordinary tokens. A text that
spells no control token is encoded whole, exactly as the tokenizer does it.

A cut is marked by a character that the texts do not have, so that cut texts can go through a chat template.

Control tokens are the special tokens, and added tokens in brackets, such as `<think>`. Other added tokens are words of
the vocabulary.

Limits: a special token of one character is not a control token, because it cannot be cut; nor is the unknown token
where it stands for an unknown character. Tokenizers that put a space before every text put one at each cut.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain, pairwise

from transformers import PreTrainedTokenizerBase

from swarm_core.errors import BadInputError

BRACKETS = {"<": ">", "[": "]", "{": "}"}
MARKS = tuple(map(chr, range(0xFDD0, 0xFDF0)))
"""Unicode's noncharacters, which are reserved for uses inside a program."""

Span = tuple[int, int]
"""The first character of a part of a text, and the one after its last."""


def choose_mark(texts: Sequence[str]) -> str:
    """Return a character that none of `texts` has. Raises BadInputError if they have every noncharacter."""
    used = set(chain.from_iterable(texts))
    for mark in MARKS:
        if mark not in used:
            return mark
    raise BadInputError("the text has all noncharacters from U+FDD0 to U+FDEF; remove one of them")


def mark_cuts(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], mark: str) -> list[str]:
    """Return `texts` with `mark` at every place where they must be cut."""
    found = [mark.join(parts) for parts in _cut_all(tokenizer, texts)]
    assert [text.replace(mark, "") for text in found] == list(texts)
    return found


def encode_marked(tokenizer: PreTrainedTokenizerBase, text: str, mark: str) -> list[int]:
    """Return the tokens of a text that was cut, without a beginning or an end token."""
    parts = [part for part in text.split(mark) if part] or [""]
    return [token for ids in tokenizer(parts, add_special_tokens=False)["input_ids"] for token in ids]


def encode_texts(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> list[list[int]]:
    """Return the tokens of each text, none of them a control token, without a beginning or an end token."""
    mark = choose_mark(texts)
    return [encode_marked(tokenizer, text, mark) for text in mark_cuts(tokenizer, texts, mark)]


def list_control_tokens(tokenizer: PreTrainedTokenizerBase) -> dict[int, str]:
    """Return the spelling of every control token by its ID."""
    return dict(_list_control_tokens(tuple(sorted(_list_added_tokens(tokenizer)))))


@lru_cache(maxsize=64)
def _list_control_tokens(added: tuple[tuple[int, str, bool], ...]) -> tuple[tuple[int, str], ...]:
    return tuple((token, text) for token, text, special in added if len(text) > 1 and (special or _is_bracketed(text)))


def _list_added_tokens(tokenizer: PreTrainedTokenizerBase) -> Iterator[tuple[int, str, bool]]:
    """Yield ID, spelling and whether it is special, for every added and every special token."""
    for token, added in tokenizer.added_tokens_decoder.items():
        yield token, added.content, bool(added.special)
    for token, text in zip(tokenizer.all_special_ids, tokenizer.all_special_tokens, strict=True):
        yield token, str(text), True


def _is_bracketed(text: str) -> bool:
    word = text.strip()
    return len(word) > 2 and BRACKETS.get(word[0]) == word[-1]


def _cut_all(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> list[list[str]]:
    """Return the parts of each text. No part spells a control token."""
    if not texts:
        return []
    control = list_control_tokens(tokenizer)
    spans = _find_spans(tokenizer, texts, control) if tokenizer.is_fast else _search_spans(texts, control)
    return [_cut(tokenizer, text, found) for text, found in zip(texts, spans, strict=True)]


def _cut(tokenizer: PreTrainedTokenizerBase, text: str, spans: Sequence[Span]) -> list[str]:
    """Cut `text` after the first visible character of each span, and its parts again."""
    places = {_find_cut(text, span) for span in spans} - {0, len(text)}
    if not places:
        return [text]
    parts = [text[start:end] for start, end in pairwise([0, *sorted(places), len(text)])]
    return [part for again in _cut_all(tokenizer, parts) for part in again]


def _find_cut(text: str, span: Span) -> int:
    start, end = span
    word = text[start:end]
    return start + (len(word) - len(word.lstrip()) if word.strip() else 0) + 1


def _find_spans(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], control: dict[int, str]
) -> Iterator[list[Span]]:
    """Yield the places that the tokenizer itself turns into control tokens, by text."""
    encoded = tokenizer(list(texts), add_special_tokens=False, return_offsets_mapping=True)
    for text, ids, offsets in zip(texts, encoded["input_ids"], encoded["offset_mapping"], strict=True):
        yield [
            (start, end)
            for token, (start, end) in zip(ids, offsets, strict=True)
            if token in control and (token != tokenizer.unk_token_id or control[token] in text[start:end])
        ]


def _search_spans(texts: Sequence[str], control: dict[int, str]) -> Iterator[list[Span]]:
    """Yield the places where a spelling stands, by text, for a tokenizer that does not say what it matched."""
    for text in texts:
        yield [
            (start, start + len(word))
            for word in control.values()
            for start in range(len(text))
            if text.startswith(word, start)
        ]
