"""Fixes a fault of vLLM 0.32 on CPUs: beside adapters, it answers for the bare base with another model's weights.

Rows of a batch without an adapter have the index -1. The GPU kernels skip them. The CPU kernels use -1 as an index into
the stacked weights, which is the last adapter slot in memory. While that slot is empty its weights are zeros and the
fault does not show. A search fills every slot, and a taker that is the bare base then answers as one of the candidates.

Limits: it reaches into modules of vLLM, whose version is pinned. Remove it when `bgmv_shrink` of
`vllm.lora.ops.torch_ops` skips those rows. The test is in `tests/contract/test_vllm.py`.
"""

from typing import Any


def patch() -> None:
    """Keep the first product of rows without an adapter at 0, so the second adds nothing. It may be called twice."""
    from vllm.lora.ops.torch_ops import lora_ops  # noqa: PLC0415 - this module is read without vLLM too
    from vllm.lora.punica_wrapper import punica_cpu  # noqa: PLC0415

    shrink = lora_ops.bgmv_shrink
    if getattr(shrink, "patched", False):
        return

    def bgmv_shrink(inputs: Any, weights: Any, output: Any, indices: Any, scaling: float = 1.0) -> None:
        """`inputs` [rows, width] times the first factors [slots, rank, width], into `output` [rows, rank]."""
        shrink(inputs, weights, output, indices, scaling)
        output[indices < 0] = 0

    bgmv_shrink.patched = True  # type: ignore[attr-defined]
    lora_ops.bgmv_shrink = bgmv_shrink
    punica_cpu.bgmv_shrink = bgmv_shrink
