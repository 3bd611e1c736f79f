"""Rollouts from the store, or made and stored: first write wins, and what stands is what counts."""

from dataclasses import dataclass

from swarm_core import usage
from swarm_core.items import Item
from swarm_core.ports import ArtifactStore, CorruptError, Inference
from swarm_core.recipe import Digest, ModelName, digest_bytes
from swarm_core.rollout import Rollout
from swarm_core.usage import Usage
from swarm_trainer.evaluation import examine
from swarm_trainer.evaluation.examine import Examination, Stage
from swarm_trainer.meter import Meter


@dataclass(frozen=True, slots=True)
class RolloutRequest:
    """A rollout by where it stands, and what it is of."""

    key: str
    model: ModelName
    place: Stage
    items: int | tuple[Item, ...]
    """How many it is to write, or those that it is to answer."""


def load_or_create(
    store: ArtifactStore, exam: Examination, engine: Inference, wanted: RolloutRequest, meter: Meter | None = None
) -> tuple[Digest, Rollout]:
    """The rollout at `key` and its digest, examined now if nobody did. Raises CorruptError if it is another model's.

    `meter` is told of answers that stay without a score in one that is examined now.
    """
    key, model = wanted.key, wanted.model
    stored = store.read(key)
    if stored is None:
        fresh = create(exam, engine, wanted)
        if meter is not None:
            meter.add(Usage(unscored=usage.merge_counts(fresh.unscored().items())))
        stored = store.publish(key, fresh.to_bytes())
    rollout = Rollout.from_bytes(stored)
    if rollout.model != model:
        raise CorruptError(
            f"{key} is a rollout of {rollout.model}, this run asks for {model}: two runs share one"
            " folder; give each its own"
        )
    return digest_bytes(stored), rollout


def create(exam: Examination, engine: Inference, wanted: RolloutRequest) -> Rollout:
    """The rollout, examined now."""
    if isinstance(wanted.items, int):
        return examine.examine_generator(exam, engine, wanted.model, wanted.place, wanted.items)
    return examine.examine_taker(exam, engine, wanted.model, wanted.place, wanted.items)
