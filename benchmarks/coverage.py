"""How often does a 95 % interval contain the truth? Simulates measurements whose truth is known, and counts.

Each setting draws measurements, computes intervals with the code of the product, and compares them with the truth. The
rival is the method used before: the percentile bootstrap over single items, without pairs. A setting passes if 93 to
97 % of the product's intervals contain the truth.

    python benchmarks/coverage.py --times 2000 --write docs/results.md

Limits: answers are drawn from a beta-binomial model of completions. Real items of one completion may depend on each
other in other ways. The rival's resamples are drawn once per setting and shared by its measurements.
"""

import argparse
import sys
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from swarm_core.composition import Spread
from swarm_core.items import Item
from swarm_core.objectives import intervals, novelty
from swarm_core.objectives.composed import compose_objectives
from swarm_core.objectives.difficulty import Difficulty
from swarm_core.objectives.objective import FunctionOfMeans, MeansObjective, RequestCount, Sample
from swarm_core.objectives.separation import Separation, SeparationForm
from swarm_core.weighted_sum import Term, WeightedSum
from swarm_trainer.programs.adversarial_run import taker_comparison

SHOTS = 5
"""The number of items per completion."""
RESAMPLES = 400
"""The number of resamples of the rival."""
MARK = "benchmarks/coverage.py"

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Arm:
    """The drawn answers of one candidate: which items were accepted, and which answers are right."""

    accepted: Array
    """1 for an accepted item, [request, item]; NaN if the completion was lost."""
    right: Array
    """1 for a right answer, [taker, request, item]."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One simulated measurement: the truth, the interval of the product and that of the rival."""

    truth: float
    new: tuple[float, float]
    old: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Model:
    """The distribution of a candidate's answers."""

    skills: tuple[float, ...]
    """The probability of a right answer of each taker."""
    correlation: float = 0.0
    """The correlation of two answers within a completion."""
    accepted: float = 1.0
    """The probability that an item is accepted; correlated within a completion in the same way."""
    lost: float = 0.0
    """The probability that a completion is lost."""

    def value(self, objective: FunctionOfMeans | None = None) -> float:
        """Return the true value of the objective, by default difficulty."""
        return (objective or Difficulty()).value_of_share(self.skills, self.accepted)


def draw_rates(random: np.random.Generator, rate: float, correlation: float, requests: int) -> Array:
    """Draw the rate of each completion, [request, 1], so that its items have this correlation."""
    if correlation == 0:
        return np.full((requests, 1), rate)
    scale = (1 - correlation) / correlation
    return random.beta(rate * scale, (1 - rate) * scale, (requests, 1))


def draw_arm(random: np.random.Generator, model: Model, requests: int) -> Arm:
    """Draw the answers of one candidate."""
    accepted = (
        random.random((requests, SHOTS)) < draw_rates(random, model.accepted, model.correlation, requests)
        if model.accepted < 1
        else np.ones((requests, SHOTS))
    ).astype(float)
    accepted[random.random(requests) < model.lost] = np.nan
    right = [
        random.random((requests, SHOTS)) < draw_rates(random, skill, model.correlation, requests)
        for skill in model.skills
    ]
    return Arm(accepted, np.array(right, dtype=float))


def draw_similar(random: np.random.Generator, arm: Arm, model: Model, share: float) -> Arm:
    """Draw a candidate that differs from `arm` in a `share` of the completions."""
    other = draw_arm(random, model, len(arm.accepted))
    changed = random.random(len(arm.accepted)) < share
    return Arm(
        np.where(changed[:, None], other.accepted, arm.accepted),
        np.where(changed[None, :, None], other.right, arm.right),
    )


def build_sample(arm: Arm, repeats: int) -> Sample:
    """Return the answers as the product's sample. Completions are split evenly over the repeats."""
    size = len(arm.accepted) // repeats
    lost = np.isnan(arm.accepted[:, 0]).tolist()
    counts = [RequestCount(0, index % size, 0 if gone else SHOTS) for index, gone in enumerate(lost)]
    items, scores, requests = [], [], []
    for start in range(0, size * repeats, size):
        kept = arm.accepted[start : start + size] == 1
        numbers, places = (found.tolist() for found in np.nonzero(kept))
        items.append(
            tuple(
                Item(f"{start} {number} {place}", request=number) for number, place in zip(numbers, places, strict=True)
            )
        )
        scores.append(tuple(tuple(row[start : start + size][kept].tolist()) for row in arm.right))
        requests.append(tuple(counts[start : start + size]))
    asked = sum(count.asked for of_repeat in requests for count in of_repeat)
    names = tuple(f"t{taker}" for taker in range(len(arm.right)))
    return Sample(tuple(items), names, tuple(scores), asked, requests=tuple(requests))


def draw_weights(random: np.random.Generator, size: int) -> Array:
    """Draw how often each of `size` units is in each resample, [resample, unit]."""
    return random.multinomial(size, np.full(size, 1 / size), RESAMPLES).astype(float)


class Rival:
    """The method used before: the percentile bootstrap over single items, with independent sides."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.weights: dict[tuple[int, int], Array] = {}

    def find_weights(self, side: int, size: int) -> Array:
        """Return the shared resamples of one side."""
        if (side, size) not in self.weights:
            self.weights[side, size] = draw_weights(self.random, size)
        return self.weights[side, size]

    def resample_arm(self, arm: Arm, side: int, objective: FunctionOfMeans) -> Array:
        """Return the value of each resample of an arm, followed by that of the arm itself."""
        accepted = arm.accepted.ravel()
        kept = ~np.isnan(accepted)
        accepted, right = accepted[kept], arm.right.reshape(len(arm.right), -1)[:, kept]
        weights = np.vstack([self.find_weights(side, len(accepted)), np.ones(len(accepted))])
        counts = weights @ accepted
        means = [weights @ (accepted * row) / np.maximum(counts, 1) for row in right]
        rows = zip(zip(*means, strict=True), counts / len(accepted), strict=True)
        return np.array([objective.value_of_share(one, share) for one, share in rows])

    def bound(self, arms: Sequence[Arm], objective: FunctionOfMeans) -> tuple[float, float]:
        """Return the percentile interval of one arm, or of the first minus the second."""
        drawn = [self.resample_arm(arm, side, objective) for side, arm in enumerate(arms)]
        return self.bound_percentiles(drawn[0] if len(drawn) == 1 else drawn[0] - drawn[1])

    def bound_items(self, gaps: Array) -> tuple[float, float]:
        """Return the percentile interval of a mean over items."""
        weights = np.vstack([self.find_weights(0, len(gaps)), np.ones(len(gaps))])
        return self.bound_percentiles(weights @ gaps / len(gaps))

    @staticmethod
    def bound_percentiles(values: Array) -> tuple[float, float]:
        """Return the interval from the values of resamples and, last, the value itself, which it contains."""
        low, high = np.quantile(values[:-1], [0.025, 0.975])
        return min(float(low), float(values[-1])), max(float(high), float(values[-1]))


Setting = Callable[[np.random.Generator, Rival, int], Trial]


def try_value(  # noqa: PLR0913 - the keywords are the setting
    random: np.random.Generator,
    rival: Rival,
    seed: int,
    *,
    model: Model,
    requests: int = 144,
    repeats: int = 3,
    objective: FunctionOfMeans | None = None,
    truth: float | None = None,
) -> Trial:
    """Measure one candidate."""
    chosen = objective or Difficulty()
    arm = draw_arm(random, model, requests)
    found = intervals.measure(build_sample(arm, repeats), chosen, 0.5, seed)
    return Trial(model.value() if truth is None else truth, (found.low, found.high), rival.bound([arm], chosen))


def try_difference(  # noqa: PLR0913 - the keywords are the setting
    random: np.random.Generator,
    rival: Rival,
    seed: int,
    *,
    first: Model,
    second: Model,
    similar: float = 1.0,
    requests: int = 144,
    repeats: int = 3,
    objective: FunctionOfMeans | None = None,
) -> Trial:
    """Measure the gain of one candidate over another. `similar`: the share of completions in which they differ."""
    chosen = objective or Difficulty()
    base = draw_arm(random, second, requests)
    arm = draw_similar(random, base, first, similar)
    found = intervals.measure_difference(build_sample(arm, repeats), build_sample(base, repeats), chosen, 0.5, seed)
    truth = similar * (first.value(chosen) - second.value(chosen))
    return Trial(truth, (found.low, found.high), rival.bound([arm, base], chosen))


def try_finalists(random: np.random.Generator, rival: Rival, seed: int, *, spread: float, finalists: int = 8) -> Trial:
    """Measure the gain of the finalist that the choice ranks first, on new items."""
    models = [Model((skill,), 0.3) for skill in np.clip(random.normal(0.5, spread, finalists), 0.02, 0.98)]
    scores = [1 - draw_arm(random, model, 24).right.mean() for model in models]
    chosen = models[int(np.argmax(scores))]
    return try_difference(random, rival, seed, first=chosen, second=Model((0.6,), 0.3))


def try_takers(
    random: np.random.Generator, rival: Rival, seed: int, *, final: float, initial: Sequence[float]
) -> Trial:
    """Compare a taker with the best initial one on the same items, as the end of a game does."""
    requests = 72
    hardness = draw_rates(random, 0.5, 0.3, requests)  # items of one completion are hard or easy together
    luck = random.random((requests, SHOTS))  # takers mostly agree about an item
    own = random.random((1 + len(initial), requests, SHOTS))
    mixed = np.where(random.random(own.shape) < 0.6, luck, own)
    rates = [np.clip(skill + 0.6 * (hardness - 0.5), 0, 1) for skill in (final, *initial)]
    right = np.array([one < rate for one, rate in zip(mixed, rates, strict=True)], dtype=float).reshape(len(rates), -1)
    units = np.repeat(np.arange(requests), SHOTS).tolist()
    scores = {f"t{index:02d}": tuple(map(float, row)) for index, row in enumerate(right[1:])}
    found = taker_comparison.compare_takers("rivals", tuple(map(float, right[0])), scores, units, 0.5, seed)
    row = right[1:][list(scores).index(found.baseline)]
    return Trial(final - max(initial), (found.gain.low, found.gain.high), rival.bound_items(right[0] - row))


class KnownNovelty(MeansObjective):
    """Novelty against a reference set on which the takers' means are known exactly, so that its true value is known."""

    def __init__(self, reference: Sequence[float]) -> None:
        self.reference = novelty.normalize(reference)

    def value_of_means(self, means: Sequence[float]) -> float:
        """Return the divergence of the takers' shares from those on the reference set."""
        return novelty.measure_divergence(self.reference, novelty.normalize([max(mean, 1e-3) for mean in means]))


def add(floor: float | None = None) -> FunctionOfMeans:
    """Return 0.6 difficulty + 0.4 separation. `floor`: the least acceptable separation."""
    terms = (Term("Difficulty", 0.6, (0.0, 1.0)), Term("Separation", 0.4, (0.0, 1.0), floor))
    found = compose_objectives({"Difficulty": Difficulty(), "Separation": Separation()}, WeightedSum(terms), {})
    assert isinstance(found, FunctionOfMeans)
    return found


def add_normalized(reference: Sequence[float]) -> FunctionOfMeans:
    """Return difficulty and novelty in standard deviations of a first iteration, with equal weights."""
    terms = (Term("Difficulty", 0.5, (0.0, 1.0)), Term("Novelty", 0.5, (0.0, 18.0)))
    objectives = {"Difficulty": Difficulty(), "Novelty": KnownNovelty(reference)}
    start = {"Difficulty": Spread(0.4, 0.05, 20, 1.0), "Novelty": Spread(0.01, 0.008, 20, 1.0)}
    found = compose_objectives(objectives, WeightedSum(terms, normalized=True), start)
    assert isinstance(found, FunctionOfMeans)
    return found


SETTINGS: dict[str, Setting] = {
    "independent items": partial(try_value, model=Model((0.7,))),
    "correlated within completions, 0.1": partial(try_value, model=Model((0.7,), 0.1)),
    "correlated within completions, 0.3": partial(try_value, model=Model((0.7,), 0.3)),
    "correlated within completions, 0.6": partial(try_value, model=Model((0.7,), 0.6)),
    "5 % of completions lost, 20 % of items rejected, 0.3": partial(try_value, model=Model((0.6,), 0.3, 0.8, 0.05)),
    "two takers, 0.3": partial(try_value, model=Model((0.7, 0.5), 0.3)),
    "eight requests, 0.1": partial(try_value, model=Model((0.5,), 0.1), requests=8, repeats=1),
    "near 0: truth 0.02": partial(try_value, model=Model((0.98,))),
    "near 1: truth 0.98": partial(try_value, model=Model((0.02,))),
    "two takers that are level, difficulty": partial(try_value, model=Model((0.6, 0.6))),
    "four takers that are level, difficulty": partial(try_value, model=Model((0.6,) * 4)),
    "two of four takers that are level, difficulty, 0.3": partial(try_value, model=Model((0.6, 0.6, 0.5, 0.3), 0.3)),
    "two takers that are level, separation 0": partial(
        try_value, model=Model((0.6, 0.6)), objective=Separation(), truth=0.0
    ),
    "four takers that are level, separation 0, 0.3": partial(
        try_value, model=Model((0.6,) * 4, 0.3), objective=Separation(), truth=0.0
    ),
    "four takers that are level, deviation 0, 0.3": partial(
        try_value, model=Model((0.6,) * 4, 0.3), objective=Separation(SeparationForm.DEVIATION), truth=0.0
    ),
    "four takers, separation 0.15, 0.3": partial(
        try_value, model=Model((0.75, 0.6, 0.5, 0.3), 0.3), objective=Separation(), truth=0.15
    ),
    "gain 0, same prompts, 0.3": partial(try_difference, first=Model((0.6,), 0.3), second=Model((0.6,), 0.3)),
    "gain 0, four takers that are level, 0.3": partial(
        try_difference, first=Model((0.6,) * 4, 0.3), second=Model((0.6,) * 4, 0.3)
    ),
    "gain 0, four takers that are level, separation, 0.3": partial(
        try_difference, first=Model((0.6,) * 4, 0.3), second=Model((0.6,) * 4, 0.3), objective=Separation()
    ),
    "gain 0, four takers, separation, 0.3": partial(
        try_difference,
        first=Model((0.75, 0.6, 0.5, 0.3), 0.3),
        second=Model((0.75, 0.6, 0.5, 0.3), 0.3),
        objective=Separation(),
    ),
    "gain 0, two takers, sixteen requests, 0.3": partial(
        try_difference,
        first=Model((0.6, 0.45), 0.3, 0.85, 0.02),
        second=Model((0.6, 0.45), 0.3, 0.85, 0.02),
        similar=0.7,
        requests=16,
        repeats=2,
    ),
    "gain 0, 5 % of completions lost, 20 % of items rejected, 0.3": partial(
        try_difference, first=Model((0.6,), 0.3, 0.8, 0.05), second=Model((0.6,), 0.3, 0.8, 0.05)
    ),
    "gain 0, near copies: 10 % of completions differ": partial(
        try_difference, first=Model((0.6,), 0.3), second=Model((0.6,), 0.3), similar=0.1
    ),
    "gain 0, near copies: 3 % of completions differ": partial(
        try_difference, first=Model((0.6,), 0.3), second=Model((0.6,), 0.3), similar=0.03
    ),
    "gain 0.013, 0.3": partial(try_difference, first=Model((0.587,), 0.3), second=Model((0.6,), 0.3)),
    "gain 0.013, half of the completions differ, 0.3": partial(
        try_difference, first=Model((0.574,), 0.3), second=Model((0.6,), 0.3), similar=0.5
    ),
    "gain 0.5, 0.3": partial(try_difference, first=Model((0.2,), 0.3), second=Model((0.7,), 0.3)),
    "0.6 difficulty + 0.4 separation, four takers, 0.3": partial(
        try_value, model=Model((0.75, 0.6, 0.5, 0.3), 0.3), objective=add(), truth=0.6 * 0.25 + 0.4 * 0.15
    ),
    "gain 0, 0.6 difficulty + 0.4 separation, two takers, 20 % of items rejected, 0.3": partial(
        try_difference,
        first=Model((0.6, 0.45), 0.3, 0.8),
        second=Model((0.6, 0.45), 0.3, 0.8),
        objective=add(),
    ),
    "gain 1.38, normalized difficulty and novelty, two takers, 0.3": partial(
        try_difference,
        first=Model((0.5, 0.3), 0.3),
        second=Model((0.6, 0.45), 0.3),
        objective=add_normalized((0.6, 0.45)),
    ),
    "gain 0.02, 0.6 difficulty + 0.4 separation, floor of separation 0.08, 0.3": partial(
        try_difference,
        first=Model((0.6, 0.4), 0.3),
        second=Model((0.6, 0.45), 0.3),
        objective=add(0.08),
    ),
    "the best of 8 finalists": partial(try_finalists, spread=0.02),
    "takers of a game, gain 0": partial(try_takers, final=0.6, initial=(0.6, 0.45, 0.3)),
    "takers of a game, gain 0.15": partial(try_takers, final=0.75, initial=(0.6, 0.45, 0.3)),
    "takers of a game, gain 0, initial takers level": partial(try_takers, final=0.6, initial=(0.6, 0.6, 0.6)),
}
"""The settings by name; 0.1, 0.3 and 0.6 are the correlation of two answers within a completion."""


@dataclass(frozen=True, slots=True)
class Row:
    """The coverage of one setting and the mean widths."""

    name: str
    new: float
    old: float
    new_width: float
    old_width: float
    above: float
    """The share of intervals above the truth, which is the share of false gains if the truth is 0."""

    def format(self) -> str:
        """Return the row of the table."""
        met = "yes" if 0.93 <= self.new <= 0.97 else "**no**"
        return (
            f"| {self.name} | {self.new:.1%} | {self.old:.1%} | {self.new_width:.3f} | {self.old_width:.3f}"
            f" | {self.above:.1%} | {met} |"
        )


def run_setting(name: str, setting: Setting, times: int) -> Row:
    """Simulate one setting `times` times. The draws depend on its name alone."""
    seed = zlib.crc32(name.encode())
    random, rival = np.random.default_rng(seed), Rival(seed + 1)
    trials = [setting(random, rival, number) for number in range(times)]
    truths = np.array([trial.truth for trial in trials])
    new, old = (np.array([getattr(trial, side) for trial in trials]) for side in ("new", "old"))
    # A bound that equals the truth contains it; rounding must not decide that.
    covered = [((found[:, 0] <= truths + 1e-9) & (truths <= found[:, 1] + 1e-9)).mean() for found in (new, old)]
    new_width, old_width = (float((found[:, 1] - found[:, 0]).mean()) for found in (new, old))
    return Row(
        name, float(covered[0]), float(covered[1]), new_width, old_width, float((new[:, 0] > truths + 1e-9).mean())
    )


def format_table(times: int) -> str:
    """Simulate all settings and return the table."""
    lines = [
        "| setting | contains the truth | method before | width | width before | all above the truth | 93 to 97 % |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, setting in SETTINGS.items():
        lines.append(run_setting(name, setting, times).format())
        print(lines[-1], flush=True)
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=2000, help="simulated measurements per setting")
    parser.add_argument("--write", type=Path, help="the file whose table to replace")
    options = parser.parse_args()
    table = format_table(options.times)
    if options.write is not None:
        from published_table import insert_table  # noqa: PLC0415 - a test loads this file, and needs no table

        insert_table(options.write, MARK, table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
