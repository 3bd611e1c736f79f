"""Sequence classifiers of a few thousand parameters, written to a folder: random ones, and one that has learned
something."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, LlamaConfig, PreTrainedModel, PreTrainedTokenizerFast
from transformers import BertForSequenceClassification as Bert
from transformers import LlamaForSequenceClassification as Llama

WORDS = (
    "a", "b", "c", "good", "bad", "is", "it", "yes", "no", "who", "what", "1", "2", "3", "user", "assistant", ":",
)  # fmt: skip
SPECIAL = ("<pad>", "<unk>", "<cls>", "<sep>")
TEMPLATE = "{% for m in messages %}<cls>{{ m.role }} : {{ m.content }}<sep>{% endfor %}"


def build_tokenizer(chat: bool = False) -> PreTrainedTokenizerFast:
    """A tokenizer of whole words, which puts tokens around a text and between two, as BERT's does."""
    vocabulary = {word: index for index, word in enumerate((*SPECIAL, *WORDS))}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(
        single="<cls> $A <sep>", pair="<cls> $A <sep> $B:1 <sep>:1", special_tokens=[("<cls>", 2), ("<sep>", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", unk_token="<unk>", cls_token="<cls>", sep_token="<sep>",
        model_max_length=32, chat_template=TEMPLATE if chat else None,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )  # fmt: skip


def write(
    folder: Path, labels: Sequence[str], *, decoder: bool = False, chat: bool = False, **fields: Any
) -> PreTrainedModel:
    """Write a random classifier with these labels: BERT, or Llama without a padding token."""
    torch.manual_seed(1)
    size: dict[str, Any] = {
        "vocab_size": len(SPECIAL) + len(WORDS), "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1,
        "num_attention_heads": 2, "max_position_embeddings": 32, "id2label": dict(enumerate(labels)), **fields,
    }  # fmt: skip
    model = Llama(LlamaConfig(**size)) if decoder else Bert(BertConfig(**size))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(5)  # otherwise all texts have nearly the same values
    save(folder, model, build_tokenizer(chat))
    return model


def save(folder: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    """Write both to the folder."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def write_reward_model(folder: Path) -> None:
    """Write a reward model that has learned that an answer is good if it says so."""
    model, tokenizer = write(folder, ["reward"]), build_tokenizer()
    torch.manual_seed(2)
    pairs = [(question, f"it is {word}") for question in ("who is it", "what is it", "a b") for word in ("good", "bad")]
    inputs = tokenizer([one for one, _ in pairs], [other for _, other in pairs], padding=True, return_tensors="pt")
    wanted = torch.tensor([[4.0 if "good" in answer else -4.0] for _, answer in pairs])
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(**inputs).logits, wanted).backward()
        optimizer.step()
    save(folder, model, tokenizer)
