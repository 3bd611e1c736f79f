"""Prepares the data that parts need beside the items of generators: the reference set and the corpus of an objective,
and the data sets of gates.

They are read like seed data and stored by their digests. A reference set and a corpus are sampled by the run's seed,
and a reference set is checked against the judge.
"""

from collections.abc import Sequence

from swarm_core import streams
from swarm_core.api import parts, resolution
from swarm_core.api.objective_data import ReferenceData
from swarm_core.api.resolution import CORPUS_FIELD, REFERENCE_FIELD, UriUse
from swarm_core.blocks.data_source import DataSource
from swarm_core.errors import BadInputError, name_subject
from swarm_core.experiment import SeedData
from swarm_core.items import Item
from swarm_core.recipe import Digest
from swarm_trainer.data import data_splits, seed_description
from swarm_trainer.data.seed_sample import SeedItem
from swarm_trainer.evaluation import run_parts
from swarm_trainer.runtime import inputs
from swarm_trainer.runtime.context import Context, Progress

MIN_REFERENCE = 8
"""The least number of items of a reference set. Takers' means over fewer say nothing."""


def pin_reference(context: Context, seed_data: SeedData, own: Sequence[SeedItem] | None = None) -> Digest | None:
    """Store the reference set of the run; return its digest, or None if the objective needs none.

    `own`: the items of the file that the spec names, without overlaps; None to read them. Raises BadInputError if it
    has too few items that the judge can judge, StoreError.
    """
    wanted = context.resolved.reference
    if wanted is None:
        return None
    judge = run_parts.build_judge(context.resolved)
    found = read_reference(context, wanted, seed_data) if own is None else tuple(seed.item for seed in own)
    items = tuple(item for item in found if judge.refusal(item) is None)
    if len(items) < MIN_REFERENCE:
        raise BadInputError(
            f"spec.objective.reference: {len(items)} of {len(found)} items can be judged, and a reference set needs"
            f" {MIN_REFERENCE}; give a file with more, or raise spec.generators.data.heldOut"
        )
    drawn = sorted(streams.sample(context.resolved.seed, len(items), min(wanted.items, len(items)), "reference"))
    return context.store.put(SeedData((tuple(items[index] for index in drawn),), ()).to_bytes())


def read_reference(context: Context, wanted: ReferenceData, seed_data: SeedData) -> tuple[Item, ...]:
    """Return the items of the file that the spec names, or the held-out seed items. Raises BadInputError."""
    source = wanted.source
    if source is None:
        return seed_data.held_out
    return read_items(context, source, REFERENCE_FIELD)


def pin_corpus(context: Context, own: Sequence[SeedItem] | None = None) -> Digest | None:
    """Store the corpus of the run; return its digest, or None if the objective needs none.

    `own`: its documents without overlaps; None to read them. Raises BadInputError if it has no documents, StoreError.
    """
    wanted = context.resolved.corpus
    if wanted is None:
        return None
    items = read_items(context, wanted.source, CORPUS_FIELD) if own is None else tuple(seed.item for seed in own)
    return context.store.put(SeedData((items,), ()).to_bytes())


def pin_data_sets(context: Context) -> dict[str, Digest] | None:
    """Store the data sets of the gates; return their digests by field, or None if there are none.

    Raises BadInputError, which names the field, if one has no items, StoreError.
    """
    stored = {}
    for gate in parts.list_gates(context.resolved):
        for field, source in parts.list_data_sets(gate):
            items = read_items(context, source, field)
            stored[field] = context.store.put(SeedData((items,), ()).to_bytes())
    return stored or None


def read_items(context: Context, source: DataSource, field: str) -> tuple[Item, ...]:
    """Return the items of the data that a field names. Raises BadInputError, which names the field."""
    use = next(use for use in resolution.list_uris(context.resolved) if use.field == field)
    assert use.source == source  # of the same field
    return tuple(seed.item for seed in read_seed_items(context, use))


def read_seed_items(context: Context, use: UriUse) -> tuple[SeedItem, ...]:
    """Return the items of one input of data, with their places in it.

    Raises BadInputError, which names the field, except for the seed data, whose file it names.
    """
    path = inputs.locate(use, context)
    subject = () if use.field == f"spec.{use.swarm}.data.uri" else (use.field,)
    with name_subject(*subject):
        file = data_splits.read(context.resolved, use, path, run_parts.build_judge(context.resolved))
    context.progress(Progress("prepare", seed_description.summarize_seeds(use.uri, file)))
    return file.items
