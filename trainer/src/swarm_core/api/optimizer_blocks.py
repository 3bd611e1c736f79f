"""The registered optimizers as a spec has them: a name to choose, and a block of constants for each.

Made from the registry, so one more optimizer there is one more here. The rules of a particle swarm are left out: they
are chosen by `rule`, and games know them too (see `swarm`).
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Union, get_type_hints

from pydantic import Field, create_model
from pydantic.alias_generators import to_snake

from swarm_core.api.block import Block, Rule, union_member_rule
from swarm_core.api.scalars import Integer, Number, OneOf
from swarm_core.optimizers.checks import Constant
from swarm_core.optimizers.optimizer import Optimizer
from swarm_core.optimizers.registry import OPTIMIZERS

PARTICLE_SWARM = "ParticleSwarm"
"""The optimizer whose rules are `Standard` and `Published`."""
SCALARS: Mapping[Any, Any] = {float: Number, int: Integer}


class ConstantsBlock(Block):
    """The constants of one optimizer."""

    optimizer_name: ClassVar[str] = ""
    """The optimizer that they belong to, by its name in the registry."""


def build_constants_block(kind: type[Optimizer[Any]]) -> type[ConstantsBlock]:
    """The constants of an optimizer, within the limits that its fields are annotated with."""
    settings: dict[str, Any] = {}
    hints = get_type_hints(kind, include_extras=True)
    for field in fields(kind):  # type: ignore[arg-type]  # every member of the protocol is a dataclass
        hint = hints[field.name]
        settings[field.name] = (SCALARS[hint.__origin__], _field(hint.__metadata__[0], field.default))
    about = f"Constants of optimizer {kind.name}."
    block: type[ConstantsBlock] = create_model(f"{kind.name}Spec", __base__=ConstantsBlock, __doc__=about, **settings)
    block.optimizer_name = kind.name
    return block


def _field(constant: Constant, default: Any) -> Any:
    above, least = (constant.low, None) if constant.open_below else (None, constant.low)
    return Field(default, description=constant.description, gt=above, ge=least, le=constant.high)


BLOCKS: Mapping[str, type[ConstantsBlock]] = {
    name: build_constants_block(kind) for name, kind in OPTIMIZERS.items() if not kind.is_particle_rule
}
"""The block of each optimizer that is no rule of a particle swarm, by its name."""


OptimizerName = Annotated[str, OneOf((PARTICLE_SWARM, *BLOCKS))]

if TYPE_CHECKING:  # what the registry holds is known at run time alone
    OptimizerFields = Block
    OptimizerBlock = ConstantsBlock
else:
    OptimizerBlock = Union[tuple(BLOCKS.values())]  # noqa: UP007
    OptimizerFields = create_model(
        "OptimizerFields",
        __base__=Block,
        **{to_snake(name): (block | None, Field(None, description=block.__doc__)) for name, block in BLOCKS.items()},
    )

MEMBERS: tuple[Rule[Any], ...] = tuple(union_member_rule(to_snake(name), "optimizer", name) for name in BLOCKS)
"""Each block belongs to its own optimizer."""


def get_constants(chosen: OptimizerFields, optimizer: str) -> OptimizerBlock:
    """The block of the `optimizer` that was chosen, with defaults if none was written."""
    written: ConstantsBlock | None = getattr(chosen, to_snake(optimizer))
    return BLOCKS[optimizer]() if written is None else written
