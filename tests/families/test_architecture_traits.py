"""What an architecture computes beside the usual is computed: soft-capped scores, long positions, tied weights."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from model_families import family as families
from model_families.gemma import GEMMA2
from model_families.phi3 import PHI3_LONG
from model_families.smollm import SMOLLM
from torch import Tensor
from transformers import AutoModelForCausalLM

from swarm_core.errors import BadInputError
from swarm_core.ports import Request
from swarm_core.recipe import Digest, build_single
from swarm_trainer.inference.local import LocalInference, LocalSettings
from swarm_trainer.lora import base, base_checks
from swarm_trainer.lora.base import BaseModelConfig
from swarm_trainer.lora.lora_layers import LoraSize

BASE = Digest("b" * 64)
ORIGINAL = PHI3_LONG.fields["original_max_position_embeddings"]


def draw_ids(count: int) -> Tensor:
    return torch.randint(20, 300, (1, count), generator=torch.Generator().manual_seed(0))


def score(model: torch.nn.Module, ids: Tensor) -> Tensor:
    with torch.inference_mode():
        return model(input_ids=ids).logits


def read_plainly(folder: Path, attention: str) -> torch.nn.Module:
    """The model as transformers reads it."""
    with base.silence_transformers():
        return AutoModelForCausalLM.from_pretrained(folder, attn_implementation=attention).eval()


def test_soft_capped_attention_is_the_one_that_the_authors_wrote_out(tmp_path: Path) -> None:
    folder, ids = families.write(GEMMA2, tmp_path / "base"), draw_ids(40)
    found = score(base.load(BaseModelConfig(folder)).model, ids)
    torch.testing.assert_close(found, score(read_plainly(folder, "eager"), ids))
    assert not torch.allclose(found, score(read_plainly(folder, "sdpa"), ids), atol=0.1)


def test_attention_without_soft_capping_keeps_the_fast_kernel(tmp_path: Path) -> None:
    folder = families.write(SMOLLM, tmp_path / "base")
    assert base.load(BaseModelConfig(folder)).model.config._attn_implementation == "sdpa"


@pytest.mark.parametrize(("longest", "length"), [(ORIGINAL, 30), (ORIGINAL + 1, 100), (None, 100)])
def test_long_positions_are_those_of_the_longest_text_allowed(longest: int | None, length: int, tmp_path: Path) -> None:
    """transformers itself chooses by the text at hand: short factors for 30 tokens, long ones for 100."""
    folder, ids = families.write(PHI3_LONG, tmp_path / "base"), draw_ids(length)
    plain = score(read_plainly(folder, "sdpa"), ids)
    torch.testing.assert_close(score(base.load(BaseModelConfig(folder, max_model_len=longest)).model, ids), plain)
    other = ORIGINAL if length > ORIGINAL else ORIGINAL + 1
    assert not torch.allclose(
        score(base.load(BaseModelConfig(folder, max_model_len=other)).model, ids), plain, atol=0.1
    )


def test_a_short_text_is_answered_alike_beside_a_long_one(tmp_path: Path) -> None:
    folder, bare = families.write(PHI3_LONG, tmp_path / "base"), build_single(BASE)
    engine = LocalInference({BASE: folder}, lambda digest: folder, LocalSettings(max_model_len=256))
    engine.serve([bare])
    short, long = (Request(bare.name, text, 8, 0.0, 1, chat=True, logprobs=1) for text in ("12 + 7", "12 + 7 " * 40))
    [alone], [beside, _] = engine.complete([short]), engine.complete([short, long])
    assert [one.logprob for one in alone.logprobs] == pytest.approx([one.logprob for one in beside.logprobs], abs=1e-4)


def test_an_output_layer_that_is_the_embeddings_is_not_adapted(tmp_path: Path) -> None:
    tied = families.write(SMOLLM, tmp_path / "tied")
    untied = families.write(replace(SMOLLM, fields={}), tmp_path / "untied", tie_word_embeddings=False)
    size = LoraSize(4, 8.0, ("lm_head", "q_proj"))
    base_checks.check_targets(untied, size)
    with pytest.raises(BadInputError, match="targetModules lm_head: it shares its weights with the input embeddings"):
        base_checks.check_targets(tied, size)
