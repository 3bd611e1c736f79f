"""The tokenizers of the families, trained on a few lines: byte-level ones, and those with a visible space."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

if TYPE_CHECKING:
    from model_families.family import Family

Build = Callable[[Sequence[str]], Tokenizer]
"""Builds a tokenizer whose first tokens are these."""
LINES = (
    "You are an expert at writing evaluation data about arithmetic.",
    "Here are 5 examples. Write 5 more in the same pattern, as a numbered list only.",
    "1. What is 12 + 7?\n2. What is 9 * 8 - 3?\n3. How many are 40 / 5?",
    "The answer is 19. Step by step: first add, then multiply.",
)
BYTES = tuple(f"<0x{byte:02X}>" for byte in range(256))
SPACE = "\u2581"


def build_byte_level(special: Sequence[str]) -> Tokenizer:
    """Byte-level BPE, as Llama 3, Qwen and SmolLM have it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=len(special) + 340, initial_alphabet=alphabet, special_tokens=list(special), show_progress=False
    )
    tokenizer.train_from_iterator(LINES, trainer)
    return tokenizer


def build_unprefixed(special: Sequence[str]) -> Tokenizer:
    """BPE with a visible space and single bytes for unknown characters, as Gemma has it."""
    return _build_visible_space(special, prefix=False)


def build_prefixed(special: Sequence[str]) -> Tokenizer:
    """The same with a space before every text, as Mistral and Phi 3 have it."""
    return _build_visible_space(special, prefix=True)


def _build_visible_space(special: Sequence[str], prefix: bool) -> Tokenizer:
    spaces = normalizers.Replace(" ", SPACE)
    normalizer = normalizers.Sequence([normalizers.Prepend(SPACE), spaces]) if prefix else spaces
    trained = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    trained.normalizer, trained.pre_tokenizer = spaces, pre_tokenizers.Split(SPACE, "merged_with_next")
    first = [*special, *BYTES]
    trained.train_from_iterator(
        LINES, trainers.BpeTrainer(vocab_size=len(first) + 120, special_tokens=first, show_progress=False)
    )
    found = json.loads(trained.to_str())["model"]
    merges = [tuple(merge) for merge in found["merges"]]
    tokenizer = Tokenizer(models.BPE(found["vocab"], merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizer
    strip = [decoders.Strip(" ", 1, 0)] if prefix else []
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse(), *strip]
    )
    return tokenizer


def write(family: "Family", folder: Path) -> dict[str, int]:
    """Write the files of the family's tokenizer into a new folder. Returns the ID of each token."""
    tokenizer = family.tokenizer(family.special)
    tokenizer.add_special_tokens(
        [AddedToken(text, special=True, normalized=False, rstrip=family.strips) for text in family.special]
    )
    tokenizer.add_tokens([AddedToken(text, special=False, normalized=False) for text in family.added])
    if family.begins:
        bos = family.tokens["bos_token"]
        single = processors.TemplateProcessing(
            single=f"{bos} $A", pair=f"{bos} $A {bos} $B", special_tokens=[(bos, tokenizer.token_to_id(bos))]
        )
        tokenizer.post_processor = single
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": family.tokenizer_class,
        "clean_up_tokenization_spaces": False,
        "chat_template": family.template,
        "added_tokens_decoder": _list_added_tokens(tokenizer),
        **({"add_bos_token": True} if family.begins else {}),
        **family.tokens,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2))
    return dict(tokenizer.get_vocab(with_added_tokens=True))


def _list_added_tokens(tokenizer: Tokenizer) -> dict[str, dict[str, object]]:
    """The added tokens as tokenizer_config.json has them."""
    return {
        str(token): {
            "content": added.content, "lstrip": added.lstrip, "normalized": added.normalized, "rstrip": added.rstrip,
            "single_word": added.single_word, "special": added.special,
        }
        for token, added in tokenizer.get_added_tokens_decoder().items()
    }  # fmt: skip
