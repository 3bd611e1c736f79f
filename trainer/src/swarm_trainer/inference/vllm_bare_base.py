"""Mends a fault of vLLM 0.32 on CPUs: beside adapters, the bare base is answered from another model's weights.

Rows of a batch without an adapter have the index -1. The kernels for GPUs pass over them; the ones for CPUs index the
stacked weights with it, which is the last adapter in memory. As long as that place is empty its weights are zeros and
nobody notices; a search fills every place, and a taker that is the bare base then answers as some candidate would.

Limits: reaches into modules of vLLM, whose version is pinned. To be removed when `bgmv_shrink` of
`vllm.lora.ops.torch_ops` leaves those rows alone; the test is in `tests/contract/test_vllm.py`.
"""

from typing import Any


def patch() -> None:
    """Have rows without an adapter leave the first factor as zeros, so that the second adds nothing. Safe twice."""
    from vllm.lora.ops.torch_ops import lora_ops  # noqa: PLC0415 - this module is read without vLLM too
    from vllm.lora.punica_wrapper import punica_cpu  # noqa: PLC0415

    shrink = lora_ops.bgmv_shrink
    if getattr(shrink, "patched", False):
        return

    def bgmv_shrink(inputs: Any, weights: Any, output: Any, indices: Any, scaling: float = 1.0) -> None:
        """`inputs` (rows, width) times the first factors (places, rank, width), to `output` (rows, rank)."""
        shrink(inputs, weights, output, indices, scaling)
        output[indices < 0] = 0

    bgmv_shrink.patched = True  # type: ignore[attr-defined]
    lora_ops.bgmv_shrink = bgmv_shrink
    punica_cpu.bgmv_shrink = bgmv_shrink
