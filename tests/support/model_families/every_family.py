"""All families."""

from model_families.gemma import GEMMA2, GEMMA3
from model_families.llama3 import LLAMA3
from model_families.mistral import MISTRAL
from model_families.phi3 import PHI3, PHI3_LONG
from model_families.qwen import QWEN2_5, QWEN3
from model_families.smollm import SMOLLM

FAMILIES = (LLAMA3, QWEN2_5, QWEN3, GEMMA2, GEMMA3, MISTRAL, PHI3, PHI3_LONG, SMOLLM)
