"""Spherical interpolation of the initial adapters, which needs no search.

For two tensors p and q as flat vectors with the angle W between them, at t in [0, 1]:

    slerp(p, q, t) = sin((1 - t) W) / sin W * p + sin(t W) / sin W * q

and (1 - t) p + t q if they are nearly parallel. Adapters v_1 ... v_n are folded in their order: r_1 = v_1 and r_k =
slerp(r_(k-1), v_k, 1/k). Each factor A and B of each layer is a tensor of its own. Source: Shoemake (SIGGRAPH 1985);
the usual method of merging tools for two models.

Limits: with three or more adapters, the result depends on their order, and the parts of the adapters are not exactly
equal: those of three orthogonal ones are 0.61, 0.61 and 0.5.
"""

from typing import ClassVar

from swarm_core.blocks.settings import Settings


class Slerp:
    """The spherical interpolation of the initial generators."""

    revision: ClassVar[int] = 1
    trainer: ClassVar[str] = "swarm_trainer.rivals.slerp:carry_out"
    spends_budget: ClassVar[bool] = False
    settings: ClassVar[type[Settings]] = Settings

    @classmethod
    def from_settings(cls, settings: Settings) -> "Slerp":
        return cls()
