"""Gemma 2 and 3: no system turn, and a model's turn that ends with another token than a text.

Gemma 2 rejects a system text; its attention and its logits are soft-capped, every second layer sees a window, and its
generation settings name only the end of a text. Gemma 3 puts the system text before the first user turn, and names both
ends.
"""

from model_families import family_tokenizers
from model_families.family import Family

SPECIAL = ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<start_of_turn>", "<end_of_turn>")
TOKENS = {"bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>"}
TURNS = """\
{%- for turn in turns %}
  {%- if (turn.role == "user") != (loop.index0 % 2 == 0) %}
    {{- raise_exception("user and assistant must take turns") }}
  {%- endif %}
  {%- set who = "model" if turn.role == "assistant" else turn.role %}
  {{- "<start_of_turn>" + who + "\\n" + (above if loop.first else "") + turn.content | trim + "<end_of_turn>\\n" }}
{%- endfor %}
{%- if add_generation_prompt %}{{- "<start_of_turn>model\\n" }}{% endif %}
"""
WINDOW = 16
"""Tokens that a layer with a window sees: fewer than every prompt has."""
GEMMA2 = Family(
    name="gemma-2",
    kind="gemma2",
    fields={
        "max_position_embeddings": 1024, "head_dim": 32, "query_pre_attn_scalar": 32, "sliding_window": WINDOW,
        "layer_types": ["sliding_attention", "full_attention"], "attn_logit_softcapping": 2.0,
        "final_logit_softcapping": 30.0,
    },
    special=SPECIAL,
    tokens=TOKENS,
    template="""\
{{- bos_token }}
{%- if messages[0].role == "system" %}{{- raise_exception("there is no system turn") }}{% endif %}
{%- set turns = messages %}{% set above = "" %}
"""
    + TURNS,
    ends=("<eos>",),
    turn_end="<end_of_turn>",
    system=False,
    tokenizer=family_tokenizers.build_unprefixed,
    tokenizer_class="GemmaTokenizer",
    begins=True,
    shard="200KB",
    generation={"bos_token_id": 2, "pad_token_id": 0, "cache_implementation": "hybrid"},
)  # fmt: skip
GEMMA3 = Family(
    name="gemma-3",
    kind="gemma3_text",
    fields={
        "max_position_embeddings": 1024, "head_dim": 32, "query_pre_attn_scalar": 32, "sliding_window": WINDOW,
        "layer_types": ["sliding_attention", "full_attention"],
    },
    special=SPECIAL,
    tokens=TOKENS,
    template="""\
{{- bos_token }}
{%- if messages[0].role == "system" %}
  {%- set above = messages[0].content + "\\n\\n" %}{% set turns = messages[1:] %}
{%- else %}
  {%- set above = "" %}{% set turns = messages %}
{%- endif %}
"""
    + TURNS,
    ends=("<eos>", "<end_of_turn>"),
    turn_end="<end_of_turn>",
    tokenizer=family_tokenizers.build_unprefixed,
    tokenizer_class="GemmaTokenizer",
    begins=True,
    generation={"do_sample": True, "top_k": 64, "top_p": 0.95, "cache_implementation": "hybrid"},
)  # fmt: skip
