"""The base model. Every generator is an adapter of it, and so is every taker that names no other model."""

from enum import StrEnum

from pydantic import Field

from swarm_core.blocks.block import Block
from swarm_core.blocks.scalars import Integer, Uri
from swarm_core.text import prompts


class Dtype(StrEnum):
    """The number formats that a model can be served in."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


class BaseSpec(Block):
    """One causal language model."""

    model: Uri
    """Base model in the layout of Hugging Face transformers: a folder, s3://BUCKET/PREFIX or hf://ORG/NAME@REVISION."""
    dtype: Dtype = Dtype.BFLOAT16
    """Number format in which models are served and to which adapters are cast. Sums are always formed in float32."""
    max_model_len: Integer = Field(4096, ge=16, le=1_048_576)
    """Maximum length of a prompt and its answer together, in tokens."""
    template: prompts.PromptStyle = prompts.PromptStyle.CHAT
    """Prompt templates: Chat for instruction models with a chat template, Plain for other models."""
