"""Measures what can move in an arena: every quantity at its initial generators and at random weighted sums of them.

    python benchmarks/landscape.py --write docs/results.md

The arena must have a verifier that reads features off items (`ports.Describer`) and a user corpus, as
`examples/stories` has. The generators are fine-tuned once. Every place is measured several times, each time with other
prompts and sampling seeds. So the spread between places can be compared with the noise of one measurement.

Quantities of one measurement, over accepted items unless stated:

    accepted         accepted / requested
    copies           share of items that are seed items in any spelling; the examples in prompts are seed items
    difficulty       as `objectives.difficulty` defines it
    separation       as `objectives.separation` defines it
    novelty          as `objectives.novelty` defines it, against seed items of all clusters
    consistency      1 - the mean over takers of the population deviation of their means on four consecutive parts
    personalization  as `objectives.personalization` defines it, of accepted items alone
    diversity        exp of the entropy of (topic, operations, steps): the effective number of kinds of item
    complexity       mean number of steps

The form of consistency is that of the released code of Data Swarms (arXiv 2506.00741), which cuts one list into parts.
`objectives.consistency` would need four measurements.

Limits: one training of the generators, so the noise of training is not in the table.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from math import exp, fsum, log
from pathlib import Path
from statistics import fmean, pstdev, stdev, variance

import torch
from published_table import insert_table
from search import EXAMPLES, Case, SearchBenchmark, examine_models

from swarm_core.api.objective_data import CorpusData
from swarm_core.items import Item, get_texts
from swarm_core.objectives import scores
from swarm_core.objectives.difficulty import Difficulty
from swarm_core.objectives.novelty import Novelty
from swarm_core.objectives.objective import ReferenceScores, Sample
from swarm_core.objectives.scores import Unscored
from swarm_core.objectives.separation import Separation
from swarm_core.optimizers import positions, sampling
from swarm_core.ports import Describer
from swarm_core.rollout import Rollout, build_sample
from swarm_trainer.evaluation import examine
from swarm_trainer.evaluation.completions import Asker
from swarm_trainer.evaluation.corpus_similarity import CorpusSimilarity

PARTS, NEAREST, REFERENCE_ITEMS = 4, 5, 200


def measure_consistency(sample: Sample) -> float:
    """1 minus the mean deviation of the takers' means between consecutive parts of the items."""
    size = sample.accepted // PARTS
    rows = [[row[at * size : (at + 1) * size] for at in range(PARTS)] for row in sample.rows()]
    return 1 - fmean(pstdev([scores.mean_score(part, 0.0) for part in parts]) for parts in rows)


def measure_diversity(kinds: Sequence[tuple[object, ...]]) -> float:
    """The effective number of kinds."""
    shares = [count / len(kinds) for count in Counter(kinds).values()]
    return exp(-fsum(share * log(share) for share in shares))


class Landscape:
    """An arena, prepared for measurements."""

    def __init__(self, case: Case, work: Path) -> None:
        self.bench = SearchBenchmark(case, work)
        self.exam = self.bench.default.examination
        judge = self.exam.judge
        assert isinstance(judge, Describer)
        self.describer = judge
        file = EXAMPLES / case.arena / "users.jsonl"
        documents = [json.loads(line)["text"] for line in file.read_text(encoding="utf-8").splitlines()]
        self.corpus = CorpusSimilarity(documents, CorpusData(uri=str(file), neighbors=NEAREST))
        self.bench.engine.serve(self.bench.default.fixed_takers)
        self.reference = self.answer_reference()

    def answer_reference(self) -> ReferenceScores:
        """The takers' scores on seed items of all clusters."""
        items = self.exam.seeds.items
        chosen = items[:: max(1, len(items) // REFERENCE_ITEMS)]
        answered = examine.collect_answers(self.exam, ("reference",), chosen, Asker(self.bench.engine))
        rows = zip(*(one.answers for one in answered), strict=True)
        known = [[answer.score for answer in row if not isinstance(answer.score, Unscored)] for row in rows]
        names = [name for name, _ in self.exam.takers]
        return ReferenceScores(
            means={name: fmean(row) for name, row in zip(names, known, strict=True)},
            counts={name: len(row) for name, row in zip(names, known, strict=True)},
        )

    def measure(self, spots: Sequence[positions.Position], repeats: int, items: int) -> list[list[Mapping[str, float]]]:
        """Return the quantities, [place][repeat]."""
        setup = self.bench.default
        recipes = [setup.space.recipe(spot) for spot in spots]
        self.bench.engine.serve([*recipes, *setup.fixed_takers])
        asked = [(recipe.name, ("landscape", repeat)) for recipe in recipes for repeat in range(repeats)]
        rollouts = examine_models(self.exam, self.bench.engine, asked, items)
        found = [self.describe(rollout) for rollout in rollouts]
        return [found[at : at + repeats] for at in range(0, len(found), repeats)]

    def describe(self, rollout: Rollout) -> Mapping[str, float]:
        """Return the quantities of one measurement. With fewer than 8 accepted items, only those that need none."""
        sample = build_sample([rollout], self.exam.judge, self.reference)
        items = [item for repeat in sample.items for item in repeat]
        found = {"accepted": sample.accepted_share}
        if len(items) < 2 * PARTS:
            return found
        return found | {
            "copies": fmean(self.exam.seeds.find(item) is not None for item in items),
            "difficulty": Difficulty().value(sample),
            "separation": Separation().value(sample),
            "novelty": Novelty().value(sample),
            "consistency": measure_consistency(sample),
            "personalization": fmean(self.corpus(get_texts(items))),
            **self.describe_items(items),
        }

    def describe_items(self, items: Sequence[Item]) -> Mapping[str, float]:
        """Return diversity and complexity."""
        features = [self.describer.describe(item) or {} for item in items]
        kinds = [(one["topic"], one["operations"], one["steps"]) for one in features]
        return {
            "diversity": measure_diversity(kinds),
            "complexity": fmean(float(one["steps"]) for one in features),
        }


def collect(places: Sequence[Sequence[Mapping[str, float]]], name: str) -> list[list[float]]:
    """The values of a quantity at the places that have several, [place][repeat]."""
    values = [[one[name] for one in repeats if name in one] for repeats in places]
    return [those for those in values if len(those) > 1]


def format_row(
    name: str, initial: Sequence[Sequence[Mapping[str, float]]], others: Sequence[Sequence[Mapping[str, float]]]
) -> str:
    """One line of the table: a quantity."""
    first, kept = [fmean(values) for values in collect(initial, name)], collect(others, name)
    cells = [name, " / ".join(f"{value:.3f}" for value in first), "", "", "", ""]
    if len(kept) > 1:
        means = [fmean(values) for values in kept]
        noise, spread = fmean(variance(values) for values in kept) ** 0.5, stdev(means)
        cells[2:] = [f"{min(means):.3f} to {max(means):.3f}", f"{spread:.3f}", f"{noise:.3f}", ""]
        cells[5] = f"{spread / noise:.1f}" if noise else ""
    return f"| {' | '.join(cells)} |"


def format_table(
    initial: Sequence[Sequence[Mapping[str, float]]], others: Sequence[Sequence[Mapping[str, float]]]
) -> str:
    """The table of all quantities."""
    names = dict.fromkeys(name for repeats in (*initial, *others) for one in repeats for name in one)
    head = "| quantity | initial generators | places | sd between places | sd of one measurement | ratio |\n"
    return head + "|---|---|---|---|---|---|\n" + "\n".join(format_row(name, initial, others) for name in names)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arena", default="stories")
    parser.add_argument("--seed", type=int, default=3001)
    parser.add_argument("--places", type=int, default=20, help="the number of random weighted sums")
    parser.add_argument("--repeats", type=int, default=4, help="measurements per place")
    parser.add_argument("--items", type=int, default=80, help="items per measurement")
    parser.add_argument("--work", type=Path, help="the folder for trained generators; default: a temporary one")
    parser.add_argument("--write", type=Path, help="the document whose table is replaced")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        landscape = Landscape(Case(chosen.arena, chosen.seed), chosen.work or Path(scratch))
        basis = landscape.bench.default.plan.basis
        spots = [*positions.vertices(basis), *sampling.uniform_positions(chosen.seed, basis, 0, chosen.places)]
        found = landscape.measure(spots, chosen.repeats, chosen.items)
    text = format_table(found[:basis], found[basis:])
    print(text)
    if chosen.write:
        insert_table(chosen.write, "benchmarks/landscape.py", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
