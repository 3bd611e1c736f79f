"""The trainer half of ItemCount: a step that pins the file, and one that counts what it holds."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from swarm_core.engine.work import Kind
from swarm_core.programs.item_count.program import ResolvedItemCount
from swarm_trainer.evaluation.program import TrainerProgram

PROGRAM = TrainerProgram(
    steps=MappingProxyType({
        Kind.PREPARE: "swarm_trainer.programs.item_count.counting:prepare",
        Kind.CONCLUDE: "swarm_trainer.programs.item_count.counting:conclude",
    }),
    preview="swarm_trainer.programs.item_count.program:describe",
)  # fmt: skip


def describe(run: ResolvedItemCount, items: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Yield the one line of `dataswarm validate`."""
    del items
    yield "counts", run.data.uri
