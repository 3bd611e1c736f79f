"""Phi 3: fused layers, control tokens that take the space after them, a turn's end that the tokenizer does not name.

Its repository also has code of its own, which is never executed. The long variant has other rotary positions for texts
above a length.
"""

from dataclasses import replace

from model_families import family_tokenizers
from model_families.family import Family

PHI3 = Family(
    name="phi-3",
    kind="phi3",
    fields={"max_position_embeddings": 1024, "original_max_position_embeddings": 1024, "sliding_window": 24},
    special=("<unk>", "<s>", "</s>", "<|endoftext|>", "<|assistant|>", "<|system|>", "<|end|>", "<|user|>"),
    tokens={"bos_token": "<s>", "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>", "unk_token": "<unk>"},
    template="""\
{%- for turn in messages %}
  {{- "<|" + turn["role"] + "|>\\n" + turn["content"] + "<|end|>\\n" }}
{%- endfor %}
{%- if add_generation_prompt %}{{- "<|assistant|>\\n" }}{% else %}{{- eos_token }}{% endif %}
""",
    ends=("<|endoftext|>", "<|assistant|>", "<|end|>"),
    turn_end="<|end|>",
    targets=("qkv_proj", "o_proj", "gate_up_proj"),
    tokenizer=family_tokenizers.build_prefixed,
    tokenizer_class="LlamaTokenizer",
    strips=True,
    generation={"bos_token_id": 1},
    config_extras={"auto_map": {"AutoConfig": "configuration_phi3.Phi3Config"}},
)
PHI3_LONG = replace(
    PHI3,
    name="phi-3-long",
    fields={
        **PHI3.fields,
        "original_max_position_embeddings": 64,
        "rope_parameters": {
            "rope_type": "longrope", "rope_theta": 10_000.0, "original_max_position_embeddings": 64,
            "short_factor": [1.0 + 0.1 * place for place in range(16)],
            "long_factor": [2.0 + 0.5 * place for place in range(16)],
        },
    },
)  # fmt: skip
