"""SmolLM 2: Llama with tied embeddings. The beginning token is the one that begins a turn, and padding ends it."""

from model_families.family import Family

SMOLLM = Family(
    name="smollm-2",
    kind="llama",
    fields={"max_position_embeddings": 1024, "tie_word_embeddings": True, "rope_theta": 130_000.0},
    special=("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
    tokens={
        "bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "pad_token": "<|im_end|>", "unk_token": "<|endoftext|>",
    },
    template="""\
{%- for turn in messages %}
  {%- if loop.first and turn["role"] != "system" %}
    {{- "<|im_start|>system\\nA text of its own.<|im_end|>\\n" }}
  {%- endif %}
  {{- "<|im_start|>" + turn["role"] + "\\n" + turn["content"] + "<|im_end|>" + "\\n" }}
{%- endfor %}
{%- if add_generation_prompt %}{{- "<|im_start|>assistant\\n" }}{% endif %}
""",
    ends=("<|im_end|>",),
    turn_end="<|im_end|>",
    tokenizer_class="GPT2Tokenizer",
)  # fmt: skip
