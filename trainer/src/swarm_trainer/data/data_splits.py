"""Arranges the data of one swarm into splits that have no item in common.

From the most important, the splits are:

    test sets    of gates (`Contamination`)
    held out     the items of `heldOut`, or a share of the seed data
    reference    the file of the objective's reference set
    examples     the items of `examples`, which prompts show
    seed data    what generators are trained on
    corpus       the documents of the objective's corpus

An item of a split that a more important one has, too, is an overlap: the run is refused with the items shown, or the
item is removed from the less important split, or it is only counted. Sameness is that of gates: any spelling
(`swarm_core.canonical_items`), and near copies if a gate against copies has a `similarity`. Test sets are compared with
examples and seed data alone, and by spelling alone: a test set may be the reference set, and it may be large.

Limits: the splits of the two swarms of a game are not compared with each other here. A test set is not compared with
held-out items.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from swarm_core.api import parts
from swarm_core.api.generators import OverlapPolicy
from swarm_core.api.resolution import CORPUS_FIELD, REFERENCE_FIELD, UriUse
from swarm_core.api.resolved import ResolvedSpec
from swarm_core.errors import BadInputError
from swarm_core.gates.duplicate import DuplicateGate
from swarm_core.gates.held_out_gate import HeldOutGate
from swarm_core.gates.seed_gate import SeedGate
from swarm_core.item_index import ItemIndex
from swarm_core.ports import Judge
from swarm_core.swarm_names import GENERATORS
from swarm_core.text import item_formats, printable
from swarm_core.text.item_formats import ItemFormat
from swarm_trainer.data import seeds
from swarm_trainer.data.seed_sample import SeedItem
from swarm_trainer.data.seeds import MAX_COMPARISONS, SeedFile

SHOWN = 3
"""The number of overlapping items that a refusal shows."""
LENGTH = 60
"""The number of characters of each that it shows."""
SHOWN_SPLITS = (".examples", ".data")
"""The ends of the names of the splits that generators see."""
Items = tuple[SeedItem, ...]


@dataclass(frozen=True, slots=True)
class Split:
    """The items of one split."""

    name: str
    """The field of the spec that names its data."""
    items: Items


@dataclass(frozen=True, slots=True)
class DataSplits:
    """The data of one swarm, without overlaps that the spec does not allow."""

    training: Items
    held_out: Items
    examples: Items = ()
    """Empty if prompts show the items for training."""
    reference: Items | None = None
    """None if it has no file of its own."""
    corpus: Items | None = None
    near_copies: int = 0
    """The number of held-out items that are held out as near copies of others."""
    removed: Mapping[str, int] = field(default_factory=dict)
    """The number of items that were removed as overlaps, by the name of the split that had them."""
    allowed: Mapping[str, int] = field(default_factory=dict)
    """The number of overlaps that the spec allows, by the name of the less important split."""

    def describe(self) -> str:
        """Return the sizes of the splits on one line."""
        sizes = {
            "for training": self.training, "held out": self.held_out, "examples": self.examples,
            "in the reference set": self.reference or (), "in the corpus": self.corpus or (),
        }  # fmt: skip
        near = f" ({self.near_copies:,} of them as near copies of the others)" if self.near_copies else ""
        counts = [
            f"{len(items):,} {name}{near if name == 'held out' else ''}" for name, items in sizes.items() if items
        ]
        removed = [f"{count:,} removed from {name}, as overlaps" for name, count in self.removed.items()]
        allowed = [f"{count:,} overlaps allowed in {name}" for name, count in self.allowed.items()]
        return "; ".join([", ".join(counts), *removed, *allowed])


def list_fields(resolved: ResolvedSpec, swarm: str) -> tuple[str, ...]:
    """Return the fields that name the data of the splits of one swarm. `resolved`: the spec as this swarm sees it."""
    side = resolved.generators
    own = [("data", side.data), ("examples", side.examples), ("heldOut", side.held_out)]
    found = [f"spec.{swarm}.{name}.uri" for name, source in own if source is not None]
    if swarm == GENERATORS:
        found += [REFERENCE_FIELD] if resolved.reference is not None and resolved.reference.source is not None else []
        found += [CORPUS_FIELD] if resolved.corpus is not None else []
    return (*found, *list_test_fields(resolved))


def list_test_fields(resolved: ResolvedSpec) -> tuple[str, ...]:
    """Return the fields that name the test sets of gates."""
    return tuple(name for gate in parts.list_gates(resolved) for name, _ in parts.list_data_sets(gate))


def read(resolved: ResolvedSpec, use: UriUse, path: Path, judge: Judge | None) -> SeedFile:
    """Read the data of `use`, which is at `path`, as a run of `resolved` does. `resolved`: the spec of the whole run.

    Raises BadInputError, which names the line.
    """
    assert use.source is not None  # of all data that a search reads
    own = f"spec.{use.swarm}"
    cluster_field = resolved.for_swarm(use.swarm).generators.cluster_field if use.field == f"{own}.data.uri" else None
    if use.field in (f"{own}.data.uri", f"{own}.examples.uri", f"{own}.heldOut.uri"):
        return seeds.read(path, use.source, cluster_field, resolved.wording, resolved.seed, judge)
    wording = replace(resolved.wording, format=ItemFormat.QUESTIONS)
    file = seeds.read(path, use.source, None, wording, resolved.seed, judge)
    shown = (
        replace(seed, item=item_formats.show_choices(resolved.generation.format, seed.item)) for seed in file.items
    )
    return replace(file, items=tuple(shown))


def arrange(resolved: ResolvedSpec, swarm: str, found: Mapping[str, Items], judge: Judge | None) -> DataSplits:
    """Return the splits of one swarm. `found`: the items of the data of each of `list_fields`.

    Raises BadInputError for overlaps that the spec does not remove, for a split that nothing is left of, and for too
    many items to compare.
    """
    side, similarity = resolved.generators, find_similarity(resolved)
    own = f"spec.{swarm}"
    data, near = found[f"{own}.data.uri"], 0
    held_out = found.get(f"{own}.heldOut.uri")
    if held_out is None:
        data, held_out = seeds.split(data, side.data.held_out, resolved.seed, judge, similarity)
        near = len(held_out) - seeds.count_held_out(len(data) + len(held_out), side.data.held_out)
    ranked = [
        Split(f"{own}.heldOut", held_out),
        *_get_split(found, REFERENCE_FIELD),
        *_get_split(found, f"{own}.examples.uri"),
        Split(f"{own}.data", data),
        *_get_split(found, CORPUS_FIELD),
    ]
    tests = [split for name in list_test_fields(resolved) for split in _get_split(found, name)]
    kept, overlaps = separate(tests, ranked, judge, similarity, side.overlap)
    return DataSplits(
        training=kept[f"{own}.data"],
        held_out=kept[f"{own}.heldOut"],
        examples=kept.get(f"{own}.examples", ()),
        reference=kept.get(REFERENCE_FIELD.removesuffix(".uri")),
        corpus=kept.get(CORPUS_FIELD.removesuffix(".uri")),
        near_copies=near,
        removed=overlaps if side.overlap is OverlapPolicy.REMOVE else {},
        allowed=overlaps if side.overlap is OverlapPolicy.ALLOW else {},
    )


def _get_split(found: Mapping[str, Items], name: str) -> Iterator[Split]:
    """Yield the split whose data the field `name` names, if there is one."""
    if name in found:
        yield Split(name.removesuffix(".uri"), found[name])


def find_similarity(resolved: ResolvedSpec) -> float | None:
    """Return the least similarity at which a gate against copies of items calls an item a near copy; None if none does.

    A test set has nothing to do with seed data, so the gate against test sets does not count.
    """
    gates = (HeldOutGate.name, SeedGate.name, DuplicateGate.name)
    values = [gate.config.get("similarity") for gate in resolved.gates if gate.name in gates]
    return min((float(value) for value in values if isinstance(value, int | float)), default=None)


def separate(
    tests: Sequence[Split],
    ranked: Sequence[Split],
    judge: Judge | None,
    similarity: float | None,
    policy: OverlapPolicy,
) -> tuple[dict[str, Items], dict[str, int]]:
    """Return the items of each split that `policy` keeps, and the number of overlaps of each that has some.

    `ranked`: the splits, the most important first. `tests`: the test sets. Raises BadInputError as `arrange` does.
    """
    kept: dict[str, Items] = {}
    counts: dict[str, int] = {}
    indices: list[SplitIndex] = []
    test_indices = [SplitIndex(split, judge, None) for split in tests]
    for split in ranked:
        before = [*(test_indices if split.name.endswith(SHOWN_SPLITS) else ()), *indices]
        lost = find_lost(split, before, policy)
        kept[split.name] = tuple(seed for seed in split.items if seed not in lost or policy is OverlapPolicy.ALLOW)
        if lost:
            counts[split.name] = len(lost)
        if lost and not kept[split.name]:
            raise BadInputError(f"{split.name}: all {len(lost):,} items are in more important splits; give other data")
        indices.append(SplitIndex(Split(split.name, kept[split.name]), judge, similarity))
    return kept, counts


def find_lost(split: Split, greater: Sequence["SplitIndex"], policy: OverlapPolicy) -> set[SeedItem]:
    """Return the items of a split that more important ones have. Raises BadInputError if `policy` refuses them."""
    lost: set[SeedItem] = set()
    for index in greater:
        overlaps = index.find_overlaps(split)
        if overlaps and policy is OverlapPolicy.REFUSE:
            raise BadInputError(describe_overlaps(split, index.name, overlaps))
        lost.update(mine for mine, _ in overlaps)
    return lost


class SplitIndex:
    """The items of one split, and the search for them in less important ones."""

    def __init__(self, split: Split, judge: Judge | None, similarity: float | None) -> None:
        self._split, self._similarity = split, similarity
        self._index = ItemIndex((seed.item for seed in split.items), judge)
        self._seeds = {seed.item: seed for seed in reversed(split.items)}

    @property
    def name(self) -> str:
        """The name of the split."""
        return self._split.name

    def find_overlaps(self, split: Split) -> list[tuple[SeedItem, SeedItem]]:
        """Return the items of `split` that are items of this one, each with the item that it repeats.

        Raises BadInputError if there are too many pairs to compare for near copies.
        """
        pairs = len(split.items) * len(self._split.items)
        if self._similarity is not None and pairs > MAX_COMPARISONS:
            raise BadInputError(
                f"{split.name}: {pairs:,} pairs with {self._split.name} are too many to compare for near copies (at"
                f" most {MAX_COMPARISONS:,}); lower maxItems, or remove the similarity of the gates"
            )
        found = ((seed, self._index.find(seed.item, self._similarity)) for seed in split.items)
        return [(seed, self._seeds[other]) for seed, other in found if other is not None]


def describe_overlaps(split: Split, greater: str, overlaps: Sequence[tuple[SeedItem, SeedItem]]) -> str:
    """Return the refusal of a split that has items of a more important one."""
    shown = "; ".join(f"{describe_place(mine)} and {describe_place(other)}" for mine, other in overlaps[:SHOWN])
    more = "; ..." if len(overlaps) > SHOWN else ""
    owner = ".".join(split.name.split(".")[:2]) if split.name.startswith("spec.takers") else f"spec.{GENERATORS}"
    return (
        f"{split.name}: {len(overlaps):,} of {len(split.items):,} items are also in {greater}: {shown}{more};"
        f" remove them from one of both, or write {owner}.overlap: Remove or Allow"
    )


def describe_place(seed: SeedItem) -> str:
    """Return an item on one line, with its place in its data."""
    text = printable.to_single_line(seed.item.text[: 4 * LENGTH])
    cut = text if len(text) <= LENGTH else f"{text[:LENGTH]}..."
    return f'"{cut}"' + (f" ({seed.place})" if seed.place else "")
