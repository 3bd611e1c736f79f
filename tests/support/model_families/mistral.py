"""Mistral 7B Instruct: turns in ordinary characters, no system turn, a window over all layers, no padding token."""

from model_families import family_tokenizers
from model_families.family import Family

MISTRAL = Family(
    name="mistral",
    kind="mistral",
    fields={"max_position_embeddings": 1024, "head_dim": 32, "sliding_window": 16, "rope_theta": 10_000.0},
    special=("<unk>", "<s>", "</s>"),
    tokens={"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"},
    template="""\
{{- bos_token }}
{%- for turn in messages %}
  {%- if (turn["role"] == "user") != (loop.index0 % 2 == 0) %}
    {{- raise_exception("roles must alternate: user, assistant, user, assistant") }}
  {%- endif %}
  {%- if turn["role"] == "user" %}{{- "[INST] " + turn["content"] + " [/INST]" }}
  {%- else %}{{- turn["content"] + eos_token }}{% endif %}
{%- endfor %}
""",
    ends=("</s>",),
    turn_end="</s>",
    system=False,
    tokenizer=family_tokenizers.build_prefixed,
    tokenizer_class="LlamaTokenizer",
    begins=True,
    shard="200KB",
    generation={"bos_token_id": 1},
)
