"""Loads rollouts from the store, or creates and stores them. The first write wins, and what is stored counts."""

from collections.abc import Callable
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
    """A rollout: its key in the store, and what it measures."""

    key: str
    model: ModelName
    stage: Stage
    items: int | tuple[Item, ...]
    """The number of items to write, or the items to answer."""


def load_or_create(
    store: ArtifactStore, exam: Examination, engine: Inference, request: RolloutRequest, meter: Meter | None = None
) -> tuple[Digest, Rollout]:
    """Return the digest of the rollout at the key of `request`, and the rollout; examine the model now if the store
    has none.

    Raises as `load_or_make` does, and InferenceError.
    """
    return load_or_make(store, request.key, request.model, lambda: create(exam, engine, request), meter)


def load_or_make(
    store: ArtifactStore, key: str, model: ModelName, make: Callable[[], Rollout], meter: Meter | None = None
) -> tuple[Digest, Rollout]:
    """Return the digest of the rollout at `key`, and the rollout, which is of `model`; make it if the store has none.

    Adds the unscored answers of a new rollout to `meter`. Raises CorruptError if the rollout is of another model,
    StoreError, and what `make` raises.
    """
    stored = store.read(key)
    if stored is None:
        fresh = make()
        if meter is not None:
            unscored = usage.merge_counts(fresh.unscored().items())
            meter.add(Usage(unscored=unscored, thinking_tokens=fresh.thinking_tokens))
        stored = store.publish(key, fresh.to_bytes())
    rollout = Rollout.from_bytes(stored)
    if rollout.model != model:
        raise CorruptError(
            f"{key} is a rollout of {rollout.model}, this run asks for {model}: two runs share one"
            " folder; give each its own"
        )
    return digest_bytes(stored), rollout


def create(exam: Examination, engine: Inference, request: RolloutRequest) -> Rollout:
    """Examine the model and return the rollout. Raises InferenceError if the engine can answer nothing at all."""
    if isinstance(request.items, int):
        return examine.examine_generator(exam, engine, request.model, request.stage, request.items)
    return examine.examine_taker(exam, engine, request.model, request.stage, request.items)
