"""Prepares a game: pins everything that a search pins, and also the takers that move."""

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
    """Pin the experiment of both sides. Raises BadInputError, also for a game that has no meaning."""

    def check(data: PreparedData) -> None:
        game_checks.check(context.resolved, data[GENERATORS], data[TAKERS])

    def pin_takers(data: PreparedData, contents: Mapping[str, Digest]) -> Adversary:
        return build_adversary(context, data[TAKERS], contents)

    return prepare.pin_experiment(item, context, check, pin_takers)


def build_adversary(context: Context, data: SeedData, contents: Mapping[str, Digest]) -> Adversary:
    """Pin the takers that move. `contents` gives the digest of every URI. Raises StoreError."""
    adapters = prepare.list_adapter_uris(context.resolved.for_swarm(TAKERS))
    return Adversary(context.store.put(data.to_bytes()), tuple(contents[uri] for uri in adapters))
