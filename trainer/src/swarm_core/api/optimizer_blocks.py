"""The blocks of a spec for the registered optimizers: a name to choose, and a block of constants for each.

They are built from the registry, so an optimizer that is added there appears here. The rules of a particle swarm are
not among them: a spec chooses a rule by `rule`, and games use the rules too (see `swarm`).
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Union, get_type_hints

from pydantic import Field, create_model
from pydantic.alias_generators import to_snake

from swarm_core.api import part_choice
from swarm_core.blocks.block import Block, Rule, union_member_rule
from swarm_core.blocks.scalars import Integer, Number, OneOf
from swarm_core.optimizers.checks import Constant
from swarm_core.optimizers.optimizer import Optimizer
from swarm_core.optimizers.registry import OPTIMIZERS

PARTICLE_SWARM = "ParticleSwarm"
"""The name of the optimizer that has the rules `Standard` and `Published`."""
SCALARS: Mapping[Any, Any] = {float: Number, int: Integer}


class ConstantsBlock(Block):
    """The constants of one optimizer."""

    optimizer_name: ClassVar[str] = ""
    """The name of the optimizer in the registry."""


def build_constants_block(kind: type[Optimizer[Any]]) -> type[ConstantsBlock]:
    """Return the block of an optimizer's constants, with the limits from the annotations of its fields."""
    settings = build_constant_fields(kind)
    about = f"Constants of optimizer {kind.name}."
    block: type[ConstantsBlock] = create_model(f"{kind.name}Spec", __base__=ConstantsBlock, __doc__=about, **settings)
    block.optimizer_name = kind.name
    return block


def build_constant_fields(kind: type[Optimizer[Any]]) -> dict[str, Any]:
    """Return the fields of a block with an optimizer's constants, as pydantic defines them."""
    found: dict[str, Any] = {}
    hints = get_type_hints(kind, include_extras=True)
    for field in fields(kind):  # type: ignore[arg-type]  # every member of the protocol is a dataclass
        hint = hints[field.name]
        found[field.name] = (SCALARS[hint.__origin__], _field(hint.__metadata__[0], field.default))
    return found


def _field(constant: Constant, default: Any) -> Any:
    above, least = (constant.low, None) if constant.open_below else (None, constant.low)
    return Field(default, description=constant.description, gt=above, ge=least, le=constant.high)


BLOCKS: Mapping[str, type[ConstantsBlock]] = {
    name: build_constants_block(kind) for name, kind in OPTIMIZERS.items() if not kind.is_particle_rule
}
"""The block of each optimizer that is not a rule of a particle swarm, by the name of the optimizer."""


OptimizerName = Annotated[str, OneOf((PARTICLE_SWARM, *BLOCKS))]
OPTIMIZER_DESCRIPTION = (
    "Optimizer of the search: ParticleSwarm (particles that are pulled to the best positions), "
    + ", ".join(f"{name} ({part_choice.summarize(OPTIMIZERS[name])})" for name in BLOCKS)
    + ". The others make as many measurements as a particle swarm with rule Standard, including its start."
)

if TYPE_CHECKING:  # a type checker cannot see the content of the registry
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
"""The rules that allow each block only with its own optimizer."""


def get_constants(chosen: OptimizerFields, optimizer: str) -> OptimizerBlock:
    """Return the block of the chosen `optimizer`, with its defaults if the spec has no such block."""
    written: ConstantsBlock | None = getattr(chosen, to_snake(optimizer))
    return BLOCKS[optimizer]() if written is None else written
