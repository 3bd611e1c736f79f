"""The program of an ItemCount: prepare pins the file, conclude counts its items. There is no turn, and no training."""

from collections.abc import Iterator

from swarm_core.api import resolution
from swarm_core.api.custom_resources import AGE_COLUMN, PHASE_COLUMN, CustomResource, Figure, FigureShape
from swarm_core.api.resolution import UriRole, UriUse
from swarm_core.api.resolved import PartUse, ResolvedRun
from swarm_core.api.run_status import RunStatus
from swarm_core.engine.planning import Outline
from swarm_core.engine.state import EngineState
from swarm_core.programs.item_count.spec import (
    FIXED_NON_IDENTITY_FIELDS,
    IDENTITY_FIELDS,
    ItemCount,
    ItemCountStatus,
    ItemFile,
)

RESOURCE = CustomResource(
    model=ItemCount,
    plural="itemcounts",
    short="itc",
    fixed=IDENTITY_FIELDS + FIXED_NON_IDENTITY_FIELDS,
    columns=(PHASE_COLUMN, ("Items", "integer", ".status.items"), AGE_COLUMN),
    figures=(Figure("items", "items", FigureShape.COUNT),),
)


class ResolvedItemCount(ResolvedRun):
    """An ItemCount with every choice made."""

    data: ItemFile

    @property
    def parts(self) -> tuple[PartUse, ...]:
        """None: counting needs no part."""
        return ()


class ItemCountProgram:
    """A count."""

    kind = "ItemCount"
    resource = RESOURCE
    resolved = ResolvedItemCount
    identity = frozenset(IDENTITY_FIELDS)
    trainer = "swarm_trainer.programs.item_count.program:PROGRAM"

    def resolve(self, run: ItemCount) -> ResolvedItemCount:
        """`run` with every default explicit."""
        return ResolvedItemCount(**resolution.resolve_common(run), data=run.spec.data)

    def uris(self, resolved: ResolvedItemCount) -> Iterator[UriUse]:
        """The file."""
        yield UriUse(UriRole.DATA, resolved.data.uri, "spec.data.uri")

    def outline(self, resolved: ResolvedItemCount) -> Outline:
        """No iteration: the conclusion follows the experiment."""
        del resolved
        return Outline(iterations=0, turns=())

    def status(self, outline: Outline, state: EngineState, common: RunStatus) -> RunStatus:
        """The status of an ItemCount."""
        del outline
        found = state.outcome.figures.get("counted_items") if state.outcome else None
        return ItemCountStatus(**dict(common), items=None if found is None else int(found))


PROGRAM = ItemCountProgram()
