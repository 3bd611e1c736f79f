"""Llama 3.1: scaled rotary positions, a system turn that is always there and says the date, three end tokens.

It has no padding token, and its weights are in several files.
"""

from model_families.family import Family

TEMPLATE = """\
{{- bos_token }}
{%- if strftime_now is defined %}{% set today = strftime_now("%d %b %Y") %}
{%- else %}{% set today = "1 Jan 2000" %}{% endif %}
{%- if messages[0]["role"] == "system" %}
  {%- set above = messages[0]["content"] | trim %}{% set turns = messages[1:] %}
{%- else %}
  {%- set above = "" %}{% set turns = messages %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{{- "Knowledge ends in: December 2023\\nToday is: " + today + "\\n\\n" }}
{{- above + "<|eot_id|>" }}
{%- for turn in turns %}
  {{- "<|start_header_id|>" + turn["role"] + "<|end_header_id|>\\n\\n" + turn["content"] | trim + "<|eot_id|>" }}
{%- endfor %}
{%- if add_generation_prompt %}{{- "<|start_header_id|>assistant<|end_header_id|>\\n\\n" }}{% endif %}
"""
LLAMA3 = Family(
    name="llama-3.1",
    kind="llama",
    fields={
        "max_position_embeddings": 1024,
        "rms_norm_eps": 1e-5,
        "rope_parameters": {
            "rope_type": "llama3", "rope_theta": 10_000.0, "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 64,
        },
    },
    special=(
        "<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eom_id|>", "<|eot_id|>",
        "<|python_tag|>",
    ),
    tokens={"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>"},
    template=TEMPLATE,
    ends=("<|end_of_text|>", "<|eom_id|>", "<|eot_id|>"),
    turn_end="<|eot_id|>",
    begins=True,
    shard="200KB",
    generation={"do_sample": True, "temperature": 0.6, "top_p": 0.9},
)  # fmt: skip
