"""How often does a run report a gain where there is none? Simulates whole runs on landscapes that are flat, and counts.

Every generator of a landscape has the same true value, whatever its coefficients, and so has every taker of a game. A
run is the product's own: the engine decides, the steps ask the optimizer, write prompts, parse, gate, judge and commit,
and the final evaluation chooses among the finalists, measures on fresh items and gives its verdict. Only the models are
simulated: which items a completion holds, and which answers are right, is drawn. At most 2.5 % of the verdicts may be a
gain, and the mean gain of generators has to be within 0.005 of 0. A figure that misses its target by less than two
standard errors is "not resolved".

The gain of a game's takers is too low on purpose: its baseline is the initial taker that does best on the same items
(docs/decisions/0004). So its mean has no target. On the items of the game itself, which takers are selected by, there
is no verdict.

    python benchmarks/false_gains.py --runs 1000 --into runs/false_gains.jsonl --write docs/results.md

The outcomes are kept in a file, so a stopped benchmark goes on where it stopped. `--settings` names those to run; the
table shows all that the file has.

Limits: runs are short (`EVALUATION`), so that a thousand of them take ten minutes of processor time. The adapters are
names, so nothing is trained and `prepare` is replaced by its receipt. No figure and no data set are written. A judge of
one line takes the place of the verifier, which would take most of the time.
"""

import argparse
import json
import random
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from swarm_core import streams
from swarm_core.api import loading, resolution
from swarm_core.engine.decide import decide
from swarm_core.engine.phases import Phase
from swarm_core.engine.receipt_fields import Output
from swarm_core.engine.state import EngineState
from swarm_core.engine.work import Done, Kind, Launch, Observation, Observations, Receipt, WorkItem
from swarm_core.experiment import Adversary, Experiment, PinnedTaker, SeedData
from swarm_core.items import Item, build_items
from swarm_core.objectives.scores import UnscoredReason
from swarm_core.objectives.verdict import Verdict
from swarm_core.ports import Completion, Reply, Request, RequestFailure
from swarm_core.programs.program_protocol import build_outline
from swarm_core.recipe import Digest, Recipe, digest_bytes
from swarm_core.swarm_names import GENERATORS, RIVALS, TAKERS
from swarm_trainer import steps
from swarm_trainer.evaluation import search_setup
from swarm_trainer.programs.adversarial_run import conclude_game
from swarm_trainer.programs.adversarial_run.conclude_game import FinishedGame
from swarm_trainer.report.game_result import GAME_ITEMS
from swarm_trainer.report.search_result import Interval
from swarm_trainer.run_store import commit_chain, receipt_store
from swarm_trainer.runtime.context import Context, Memo
from swarm_trainer.steps import conclude
from swarm_trainer.stores.local import LocalStore

MARK = "benchmarks/false_gains.py"
SHOTS = 5
"""The number of items per completion."""
FIRST_SEED = 5001
RIGHT = "right"
EVALUATION = {"items": 15, "coverage": 0.5}
SEEDS = SeedData((build_items(f"seed {number}" for number in range(24)),), build_items(["held out"]))
REAL = SeedData((build_items(f"real {number}" for number in range(60)),), build_items(f"new {n}" for n in range(160)))
ADAPTERS = ("first", "second")


@dataclass(frozen=True, slots=True)
class Landscape:
    """The distribution of items and answers, the same for every generator, and in a game for every taker."""

    skills: tuple[float, ...] = (0.6, 0.45)
    """The probability of a right answer of each taker."""
    correlation: float = 0.3
    """The correlation of the rates of two items of one completion."""
    accepted: float = 0.85
    """The probability that the judge takes an item."""
    lost: float = 0.02
    """The probability that a request is lost, for items or for an answer."""
    shared: float = 0.3
    """The share of completions that are the same for all generators, because they get the same prompts and seeds. Also
    the share of items that all takers answer alike if they are as skilled."""
    objective: str = "Difficulty"
    final_seeds: int = 2


class DrawnJudge:
    """Takes items that say so, and believes answers."""

    def refusal(self, item: Item) -> str | None:
        return "drawn" if item.text.startswith("rejected") else None

    def requests(self, item: Item, answer: str) -> tuple[Request, ...]:  # noqa: ARG002 - the port has them
        return ()

    def score(self, item: Item, answer: str, replies: Sequence[Reply]) -> float:  # noqa: ARG002 - the port has them
        return float(answer.strip() == RIGHT)


@dataclass(slots=True)
class FlatModels:
    """An engine whose models all draw from one landscape."""

    landscape: Landscape
    seed: int
    takers: Mapping[str, int]
    """The index of each taker's skill by the name of its model; the first for a model that is not there."""
    rates: dict[str, tuple[float, ...]] = field(default_factory=dict)
    """The probability that each taker answers an item right, by the item's text."""

    def serve(self, live: Sequence[Recipe]) -> None:
        """All models are the same."""

    def close(self) -> None:
        """Nothing is held."""

    def complete(self, requests: Sequence[Request]) -> list[Completion | RequestFailure]:
        return [self.answer(one) if one.prompt.startswith("Q: ") else self.write(one) for one in requests]

    def write(self, request: Request) -> Completion | RequestFailure:
        """Write the items of one completion, or lose it."""
        drawn = random.Random(streams.derive_seed(self.seed, "completion", request.seed))
        if drawn.random() >= self.landscape.shared:
            drawn = random.Random(streams.derive_seed(self.seed, "completion", request.seed, request.model))
        if drawn.random() < self.landscape.lost:
            return RequestFailure("lost", UnscoredReason.REFUSED)
        rates = tuple(self.draw_rate(drawn, skill) for skill in self.landscape.skills)
        accepted = self.draw_rate(drawn, self.landscape.accepted)
        names = [f"{'item' if drawn.random() < accepted else 'rejected'} {drawn.getrandbits(60)}" for _ in range(SHOTS)]
        self.rates.update(dict.fromkeys(names, rates))
        return Completion("".join(f"- {name}\n" for name in names), 8, True)

    def draw_rate(self, drawn: random.Random, rate: float) -> float:
        """Draw the rate of one completion, so that two of its items have the landscape's correlation."""
        if self.landscape.correlation == 0 or rate in (0.0, 1.0):
            return rate
        scale = (1 - self.landscape.correlation) / self.landscape.correlation
        return drawn.betavariate(rate * scale, (1 - rate) * scale)

    def answer(self, request: Request) -> Completion | RequestFailure:
        """Answer one item, always in the same way, or lose the request."""
        item = request.prompt.removeprefix("Q: ").removesuffix("\nA:")
        own = random.Random(streams.derive_seed(self.seed, "answer", item, request.model))
        if own.random() < self.landscape.lost:
            return RequestFailure("lost", UnscoredReason.REFUSED)
        common = random.Random(streams.derive_seed(self.seed, "answer", item))
        drawn = common if common.random() < self.landscape.shared else own
        rate = self.rates.get(item, self.landscape.skills)[self.takers.get(request.model, 0)]
        return Completion(f" {RIGHT if drawn.random() < rate else 'wrong'}", 4, True)


def build_search(landscape: Landscape, seed: int) -> dict[str, Any]:
    """Return the spec of a search on a landscape."""
    return {
        "seed": seed,
        "base": {"model": "base", "template": "Plain"},
        "generators": {"data": {"uri": "seeds"}, "adapters": list(ADAPTERS)},
        "takers": [{"name": f"t{index}", "adapter": f"t{index}"} for index in range(len(landscape.skills))],
        "judge": {"type": "Verifier", "verifier": {"type": "Arithmetic"}},
        "objective": {"type": landscape.objective},
        "generation": {"shots": SHOTS},
        "swarm": {"particles": 2, "iterations": 2, "standard": {"scattered": 6}},
        "evaluation": {**EVALUATION, "finalists": 4, "final": {"items": 60, "seeds": landscape.final_seeds}},
    }


def build_game(landscape: Landscape, seed: int) -> dict[str, Any]:
    """Return the spec of a game on a landscape."""
    side = {"adapters": list(ADAPTERS), "swarm": {"particles": 2}}
    return {
        **{name: value for name, value in build_search(landscape, seed).items() if name not in ("swarm", "objective")},
        "generators": {"data": {"uri": "seeds"}, **side},
        "takers": {"data": {"uri": "real"}, **side},
        "evaluation": {**EVALUATION, "final": {"items": 60, "seeds": landscape.final_seeds}},
        "pool": {"size": 24, "turnover": 0.5, "archive": 12},
        "rounds": 3,
    }


def build_context(kind: str, landscape: Landscape, seed: int, folder: Path) -> Context:
    """Return a prepared run on a landscape."""
    spec = (build_game if kind == "AdversarialRun" else build_search)(landscape, seed)
    document = {"apiVersion": "dataswarm.io/v1alpha1", "kind": kind, "metadata": {"name": "flat"}, "spec": spec}
    resolved = resolution.resolve_run(loading.parse_object(document, "flat"))
    store = LocalStore(folder / "store")
    game = Adversary(store.put(REAL.to_bytes()), name_digests(ADAPTERS)) if kind == "AdversarialRun" else None
    names = [] if game else [one["name"] for one in spec["takers"]]
    base = digest_bytes(b"base")
    takers = tuple(PinnedTaker(name, base, digest) for name, digest in zip(names, name_digests(names), strict=True))
    pinned = Experiment(base, base, takers, store.put(SEEDS.to_bytes()), name_digests(ADAPTERS), game)
    manifest = store.put(pinned.to_bytes())
    prepared = Receipt(WorkItem(Kind.PREPARE).key, {Output.EXPERIMENT: manifest})
    store.publish(receipt_store.key(prepared.key), prepared.to_bytes())
    context = Context(resolved, store, folder, folder, lambda _: None)
    models: dict[str, int] = {
        one: index for index, (_, one) in enumerate(pinned.taker_models(context.resolved.base.dtype))
    }
    context.engines[manifest] = [FlatModels(landscape, seed, models)]
    replace_judge(context, (GENERATORS, TAKERS, RIVALS) if game else (GENERATORS,))
    return context


def name_digests(names: Sequence[str]) -> tuple[Digest, ...]:
    """Return a digest for each name."""
    return tuple(digest_bytes(name.encode()) for name in names)


def replace_judge(context: Context, swarms: Sequence[str]) -> None:
    """Let `DrawnJudge` judge in the searches of a run."""
    loaded = {swarm: search_setup.load(context, swarm) for swarm in swarms}
    context.memo = Memo()
    for swarm, setup in loaded.items():
        examination = replace(setup.examination, judge=DrawnJudge())
        changed = replace(setup, evaluator=replace(setup.evaluator, examination=examination))
        context.memo.get(("search", swarm, 0), lambda changed=changed: changed)  # type: ignore[misc]
        assert search_setup.load(context, swarm) is changed


Outcome = dict[str, Interval]
"""The gains that a run reports, by what they are about."""


def conclude_search(item: WorkItem, context: Context) -> Outcome:
    """Return the gain that a finished search reports."""
    commits = list(commit_chain.walk(context.store))[::-1]
    return {"generators": conclude.evaluate_search(item, context, search_setup.load(context), commits).gain}


def conclude_adversarial(item: WorkItem, context: Context) -> Outcome:
    """Return the gains that a finished game reports."""
    commits = list(commit_chain.walk(context.store))[::-1]
    finished = FinishedGame(tuple(commits[0::2]), tuple(commits[1::2]))
    generators = conclude_game.evaluate_generators(item, context, finished)
    outcome = conclude_game.evaluate_takers(item, context, finished, generators)
    takers = {f"takers, {one.source} items": one.gain for one in outcome.comparisons}
    return {"generators": generators.gain, **takers}


CONCLUSIONS: dict[str, Callable[[WorkItem, Context], Outcome]] = {
    "SwarmRun": conclude_search,
    "AdversarialRun": conclude_adversarial,
}


def run_to_end(context: Context) -> Outcome:
    """Carry out what the engine decides until the run has ended. Raises RuntimeError if it fails."""
    outline, state, done = build_outline(context.resolved), EngineState(), dict[str, Observation]()
    outcome: Outcome = {}
    while state.phase is not Phase.SUCCEEDED:
        decision = decide(outline, state, Observations(done), 0.0)
        state = decision.state
        if state.phase is Phase.FAILED:
            raise RuntimeError(f"the run failed: {state.failure}")
        for action in decision.actions:
            assert isinstance(action, Launch)
            item = action.item
            if item.kind is Kind.CONCLUDE:
                outcome = CONCLUSIONS[context.resolved.kind](item, context)
                nothing = digest_bytes(b"")  # neither a bundle nor a result.json is written
                receipt = Receipt(item.key, {Output.BUNDLE: nothing, Output.RESULT: nothing}, {"gain": 0.0})
            else:
                receipt = steps.execute(item, context)
            done[item.key] = Done(receipt)
    return outcome


def simulate(kind: str, landscape: Landscape, seed: int) -> Outcome:
    """Return the gains that one run reports."""
    with tempfile.TemporaryDirectory() as folder:
        return run_to_end(build_context(kind, landscape, seed, Path(folder)))


SETTINGS: dict[str, tuple[str, Landscape]] = {
    "correlated within completions, 0.3; 15 % rejected, 2 % lost": ("SwarmRun", Landscape()),
    "independent items; 15 % rejected, 2 % lost": ("SwarmRun", Landscape(correlation=0.0)),
    "one final seed, 0.3": ("SwarmRun", Landscape(final_seeds=1)),
    "no completion is shared, four final seeds, 0.3": ("SwarmRun", Landscape(shared=0.0, final_seeds=4)),
    "four takers that are level, 0.3": ("SwarmRun", Landscape(skills=(0.5,) * 4)),
    "separation of three takers, 0.3": ("SwarmRun", Landscape(skills=(0.7, 0.5, 0.4), objective="Separation")),
    "a game, 0.3": ("AdversarialRun", Landscape(skills=(0.5,))),
}
"""The kind of run and the landscape by name; 0.3 is the correlation."""


MOST_GAINS, MOST_BIAS = 0.025, 0.005
"""The targets: the greatest share of false gains, and the greatest distance of the mean gain from 0."""


def judge_target(found: float, most: float, error: float) -> str:
    """Return whether `found` is at most `most`; `error`: the standard error of `found`."""
    if found <= most:
        return "yes"
    return "not resolved" if found - 2 * error <= most else "**no**"


def format_row(name: str, gains: Sequence[Interval]) -> str:
    """Return the row of one setting."""
    values = [gain.value for gain in gains]
    counted = {verdict: sum(gain.verdict is verdict for gain in gains) for verdict in Verdict}
    error = stdev(values) / sqrt(len(values)) if len(values) > 1 else 0.0
    stays = sum(value == 0 for value in values) / len(gains)
    shares = [f"{counted[verdict]} ({counted[verdict] / len(gains):.1%})" for verdict in (Verdict.GAIN, Verdict.LOSS)]
    few = judge_target(counted[Verdict.GAIN] / len(gains), MOST_GAINS, sqrt(MOST_GAINS * (1 - MOST_GAINS) / len(gains)))
    centered = judge_target(abs(fmean(values)), MOST_BIAS, error)
    if name.endswith(f"takers, {GAME_ITEMS} items"):
        few = centered = "no verdict"
    elif ": takers, " in name:
        centered = "no target"
    return (
        f"| {name} | {len(gains)} | {' | '.join(shares)} | {stays:.0%} | {fmean(values):+.4f} ± {error:.4f}"
        f" | {few} | {centered} |"
    )


def format_table(outcomes: Mapping[str, Sequence[Interval]]) -> Iterator[str]:
    """Yield the lines of the table."""
    yield (
        "| setting | runs | interval above 0 | below 0 | the initial one stays | mean gain ± standard error"
        f" | at most {MOST_GAINS:.1%} gains | mean within {MOST_BIAS} |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for name, gains in outcomes.items():
        yield format_row(name, gains)


def load_outcomes(file: Path) -> dict[tuple[str, int], Outcome]:
    """Load the outcomes of a file by setting and seed."""
    lines: list[dict[str, Any]] = list(map(json.loads, file.read_text().splitlines())) if file.is_file() else []
    return {
        (one["setting"], one["seed"]): {name: Interval(*gain) for name, gain in one["gains"].items()} for one in lines
    }


def simulate_missing(file: Path, names: Sequence[str], runs: int) -> None:
    """Simulate the runs that a file lacks, and append each of them to it."""
    known = load_outcomes(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as out:
        for name in names:
            for seed in range(FIRST_SEED, FIRST_SEED + runs):
                if (name, seed) not in known:
                    gains = {about: [g.value, g.low, g.high] for about, g in simulate(*SETTINGS[name], seed).items()}
                    print(json.dumps({"setting": name, "seed": seed, "gains": gains}), file=out, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000, help="simulated runs per setting")
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS), help="the settings to run")
    parser.add_argument("--into", type=Path, default=Path("runs/false_gains.jsonl"), help="the file of the outcomes")
    parser.add_argument("--write", type=Path, help="the file whose table to replace")
    options = parser.parse_args()
    simulate_missing(options.into, options.settings, options.runs)
    outcomes = defaultdict[str, list[Interval]](list)
    for (name, _), outcome in sorted(
        load_outcomes(options.into).items(), key=lambda one: list(SETTINGS).index(one[0][0])
    ):
        for about, gain in outcome.items():
            outcomes[f"{name}: {about}" if len(outcome) > 1 else name].append(gain)
    table = "\n".join(format_table(outcomes))
    print(table)
    if options.write is not None:
        from published_table import insert_table  # noqa: PLC0415 - a test loads this file, and needs no table

        insert_table(options.write, MARK, table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
