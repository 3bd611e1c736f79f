"""Prepares the data that parts need beside the items of generators: the reference set and the corpus of an objective,
and the data sets of gates.

They are read like seed data and stored by their digests. A reference set and a corpus are sampled by the run's seed,
and a reference set is checked against the judge.
"""

from dataclasses import replace

from swarm_core import streams
from swarm_core.api import parts, resolution
from swarm_core.api.objective_data import ReferenceData
from swarm_core.api.resolution import CORPUS_FIELD, REFERENCE_FIELD
from swarm_core.blocks.data_source import DataSource
from swarm_core.errors import BadInputError, name_subject
from swarm_core.experiment import SeedData
from swarm_core.items import Item
from swarm_core.recipe import Digest
from swarm_core.text import item_formats
from swarm_core.text.item_formats import ItemFormat
from swarm_trainer.data import seeds
from swarm_trainer.evaluation import run_parts
from swarm_trainer.runtime import inputs
from swarm_trainer.runtime.context import Context

MIN_REFERENCE = 8
"""The least number of items of a reference set. Takers' means over fewer say nothing."""


def pin_reference(context: Context, seed_data: SeedData) -> Digest | None:
    """Store the reference set of the run; return its digest, or None if the objective needs none.

    Raises BadInputError if it has too few items that the judge can judge, StoreError.
    """
    wanted = context.resolved.reference
    if wanted is None:
        return None
    judge = run_parts.build_judge(context.resolved)
    found = read_reference(context, wanted, seed_data)
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


def pin_corpus(context: Context) -> Digest | None:
    """Store the corpus of the run; return its digest, or None if the objective needs none.

    Raises BadInputError if it has no documents, StoreError.
    """
    wanted = context.resolved.corpus
    if wanted is None:
        return None
    return context.store.put(SeedData((read_items(context, wanted.source, CORPUS_FIELD),), ()).to_bytes())


def pin_data_sets(context: Context) -> dict[str, Digest] | None:
    """Store the data sets of the gates; return their digests by field, or None if there are none.

    Raises BadInputError, which names the field, if one has no items, StoreError.
    """
    stored = {}
    for gate in parts.list_gates(context.resolved):
        for field, source in parts.list_data_sets(gate):
            with name_subject(field):
                items = read_items(context, source, field)
            stored[field] = context.store.put(SeedData((items,), ()).to_bytes())
    return stored or None


def read_items(context: Context, source: DataSource, field: str) -> tuple[Item, ...]:
    """Return the items of the data that a field names. Raises BadInputError."""
    resolved = context.resolved
    use = next(use for use in resolution.list_uris(resolved) if use.field == field)
    path = inputs.locate(use, context)
    judge = run_parts.build_judge(resolved)
    file = seeds.read(path, source, None, replace(resolved.wording, format=ItemFormat.QUESTIONS), resolved.seed, judge)
    return tuple(item_formats.show_choices(resolved.generation.format, seed.item) for seed in file.items)
