"""Prepare a game: what every search pins, and the takers that move."""

from collections.abc import Mapping

from swarm_core.engine.work import Receipt, WorkItem
from swarm_core.experiment import Adversary, SeedData
from swarm_core.recipe import Digest
from swarm_core.swarm_names import GENERATORS, TAKERS
from swarm_trainer.programs.adversarial_run import game_checks
from swarm_trainer.runtime.context import Context
from swarm_trainer.steps import prepare
from swarm_trainer.steps.prepare import PreparedData


def run(item: WorkItem, context: Context) -> Receipt:
    """Pin the experiment of both sides. Raises BadInputError for a game that would be meaningless."""

    def check(data: PreparedData) -> None:
        game_checks.check(context.resolved, data[GENERATORS], data[TAKERS])

    def adversary(data: PreparedData, contents: Mapping[str, Digest]) -> Adversary:
        return build_adversary(context, data[TAKERS], contents)

    return prepare.pin_experiment(item, context, check, adversary)


def build_adversary(context: Context, data: SeedData, contents: Mapping[str, Digest]) -> Adversary:
    """The takers that move, pinned. `contents` gives the digest of every URI."""
    adapters = prepare.list_adapter_uris(context.resolved.for_swarm(TAKERS))
    return Adversary(context.store.put(data.to_bytes()), tuple(contents[uri] for uri in adapters))
