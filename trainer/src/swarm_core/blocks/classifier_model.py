"""The block that names a classifier: a model that labels texts and runs in the process that measures."""

from typing import Annotated

from swarm_core.blocks.block import Block
from swarm_core.blocks.scalars import Limit, OneOf, Uri


class ClassifierModel(Block):
    """A sequence classifier in the layout of Hugging Face transformers, with weights in safetensors."""

    uri: Uri
    """Folder of the model: a path, s3://BUCKET/PREFIX or hf://ORG/NAME@REVISION."""
    max_tokens: Limit | None = None
    """Maximum length of a text, together with the answer, in tokens. A longer one is not cut and gets no verdict. If
    absent, as many as the model reads."""
    dtype: Annotated[str, OneOf(("float32", "bfloat16", "float16"))] = "float32"
    """Number format of the model."""
