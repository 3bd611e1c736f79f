"""Qwen 2.5 and 3: no beginning token, and tied embeddings in the small sizes.

Qwen 2.5 has a system text of its own, which it writes where there is none. Qwen 3 has none, thinks unless it is told
not to, and marks its thinking with added tokens that are not special.
"""

from model_families.family import Family

CHATML = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
QWEN2_5 = Family(
    name="qwen-2.5",
    kind="qwen2",
    fields={"max_position_embeddings": 1024, "tie_word_embeddings": True, "rope_theta": 1_000_000.0},
    special=CHATML,
    tokens={"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"},
    template="""\
{%- if messages[0]["role"] != "system" %}
  {{- "<|im_start|>system\\nThis is the text of nobody.<|im_end|>\\n" }}
{%- endif %}
{%- for turn in messages %}
  {{- "<|im_start|>" + turn.role + "\\n" + turn.content + "<|im_end|>\\n" }}
{%- endfor %}
{%- if add_generation_prompt %}{{- "<|im_start|>assistant\\n" }}{% endif %}
""",
    ends=("<|im_end|>", "<|endoftext|>"),
    turn_end="<|im_end|>",
    targets=("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"),
    tokenizer_class="Qwen2Tokenizer",
    generation={"do_sample": True, "repetition_penalty": 1.1, "temperature": 0.7, "top_k": 20, "top_p": 0.8},
)
QWEN3 = Family(
    name="qwen-3",
    kind="qwen3",
    fields={"max_position_embeddings": 1024, "head_dim": 64, "tie_word_embeddings": True, "rope_theta": 1_000_000.0},
    special=CHATML,
    added=("<think>", "</think>"),
    tokens={"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"},
    template="""\
{%- for turn in messages %}
  {%- set said = turn.content %}
  {%- if turn.role == "assistant" and "</think>" in said %}
    {%- set said = said.split("</think>")[-1].lstrip("\\n") %}
  {%- endif %}
  {{- "<|im_start|>" + turn.role + "\\n" + said + "<|im_end|>\\n" }}
{%- endfor %}
{%- if add_generation_prompt %}
  {{- "<|im_start|>assistant\\n" }}
  {%- if enable_thinking is defined and enable_thinking is false %}{{- "<think>\\n\\n</think>\\n\\n" }}{% endif %}
{%- endif %}
""",
    ends=("<|im_end|>", "<|endoftext|>"),
    turn_end="<|im_end|>",
    tokenizer_class="Qwen2Tokenizer",
    generation={"do_sample": True, "temperature": 0.6, "top_k": 20, "top_p": 0.95},
)
