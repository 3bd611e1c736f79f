"""Generators that cheat, and the real examination of what they write (`examine`, gates, judge, `Evaluator`).

A measurement asks for `ITEMS` items in each repeat. A generator writes the same honest items as every other, except in
some places, where it cheats. The places are one of `ITEMS` (a light dose), two of five (a heavy one), or all of them. A
cheat is compared with a generator that writes something else in its places: nothing at all, or the same items without
the trick.

Objectives come from the catalog: one for each value of each setting that is an enumeration. What they need is collected
here as a run does. An objective with a need that is not known here fails its test with a message.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache

import pytest
from arithmetic_stand_ins import ENDPOINT, JUDGE, TAKERS, WRITER, ask_sum, finish, reply_honestly
from scripted_engine import Scripted

from swarm_core import catalog, plugins
from swarm_core.api.objective_data import CorpusData
from swarm_core.composition import Single
from swarm_core.gates.gate_context import ItemSet
from swarm_core.gates.registry import GateChoice
from swarm_core.item_index import ItemIndex
from swarm_core.items import build_items
from swarm_core.judges.rubric import RubricJudge
from swarm_core.objectives import personalization
from swarm_core.objectives.composed import unite_needs
from swarm_core.objectives.objective import Needs, Objective, ReferenceScores
from swarm_core.ports import Reply, Request
from swarm_core.rollout import Rollout
from swarm_core.text.prompts import PromptStyle, Wording, format_list
from swarm_core.weighted_sum import Term, WeightedSum
from swarm_trainer.evaluation import examine, reference_set
from swarm_trainer.evaluation.corpus_similarity import CorpusSimilarity
from swarm_trainer.evaluation.evaluator import Evaluator
from swarm_trainer.evaluation.examine import Examination, Sampling

SHOTS, ITEMS, COVERAGE = 5, 20, 0.95
SEEDS, HELD_OUT, TEST_SET, CORPUS, REFERENCE = (
    tuple(ask_sum(number) for number in range(start, start + count))
    for start, count in ((10_000, 40), (20_000, 20), (30_000, 20), (40_000, 20), (50_000, 40))
)
DEFENSES = ("Verifiable", "HeldOut", "Seed", "Duplicate", "Contamination", "Answerable")
"""The gates of a run that uses all of them."""
MODEL_JUDGE = RubricJudge(JUDGE, "Mark how correct the response is.")
COLLECTED = Needs(takers=len(TAKERS), repeats=16, reference=True, corpus=True)
Write = Callable[[int], str | None]
"""The item that a generator writes in a place of its measurement; None if it writes none there."""


@dataclass(frozen=True, eq=False)
class Cheat:
    """A way to cheat: what is written in the places of the dose, and what models do when they meet it."""

    name: str
    write: Write
    react: Callable[[Request, Reply], Reply] = lambda _, reply: reply
    """What a model replies to a prompt that contains an item of the cheat, given its honest reply."""
    complete: Callable[[str], str] = str
    """What the generator writes around its list."""
    gates: Mapping[str, Mapping[str, object]] | None = None
    """Settings of gates by name, beside the defaults."""
    without: tuple[str, ...] = ()
    """The gates that the run leaves out."""
    coverage: float = COVERAGE
    """The share of scores that the run demands."""

    def __str__(self) -> str:
        return self.name


NOTHING = Cheat("nothing", lambda _: None)
"""The generator that writes nothing in the places of a dose."""
HONEST = Cheat("honest", ask_sum)


def is_light(place: int) -> bool:
    """Whether a light dose has this place: one of `ITEMS`."""
    return place % ITEMS == 1


def is_heavy(place: int) -> bool:
    """Whether a heavy dose has this place: two of five."""
    return place % SHOTS in (1, 3)


def is_whole(place: int) -> bool:
    """Whether a whole dose has this place: every one."""
    return True


DOSES: Mapping[str, Callable[[int], bool]] = {"light": is_light, "heavy": is_heavy, "whole": is_whole}


class World(Scripted):
    """The engine of one measurement, whose generator cheats."""

    def __init__(self, cheat: Cheat, dose: str) -> None:
        super().__init__(self.reply)
        self.cheat, self.in_dose = cheat, DOSES[dose]
        self.completions = 0
        self.written = set[str]()

    def reply(self, request: Request) -> Reply:
        """The reply of any model."""
        if request.model == WRITER:
            return self.write()
        honest = reply_honestly(request)
        met = any(text in request.prompt for text in self.written)
        return self.cheat.react(request, honest) if met else honest

    def write(self) -> Reply:
        """The next completion of the generator."""
        places = range(self.completions * SHOTS, (self.completions + 1) * SHOTS)
        self.completions += 1
        texts = [self.cheat.write(place) if self.in_dose(place) else ask_sum(place) for place in places]
        self.written |= {text for place, text in zip(places, texts, strict=True) if text and self.in_dose(place)}
        return finish(self.cheat.complete(format_list(PromptStyle.PLAIN, [text for text in texts if text is not None])))


def build_examination(cheat: Cheat, repeats: int) -> Examination:
    """The examination of a generator, with all gates that the cheat does not leave out, and a model as its judge."""
    settings: dict[str, Mapping[str, object]] = {
        "Contamination": {"testSets": [{"uri": "test.jsonl"}]},
        "Answerable": {"endpoint": ENDPOINT},
    }
    chosen = {name: {**settings.get(name, {}), **(cheat.gates or {}).get(name, {})} for name in DEFENSES}
    test_set = ItemSet("test", index_items(TEST_SET))
    return Examination(
        seed=7,
        wording=Wording(PromptStyle.PLAIN, "sums"),
        seeds=index_items(SEEDS),
        held_out=index_items(HELD_OUT),
        shots=SHOTS,
        rounds=1,
        generation=Sampling(512, 1.0),
        answering=Sampling(64, 0.0),
        takers=TAKERS,
        judge=MODEL_JUDGE,
        corpus=index_items(CORPUS),
        gates=tuple(
            GateChoice(name, config, (test_set,) if name == "Contamination" else ())
            for name, config in chosen.items()
            if name not in cheat.without
        ),
        features={personalization.FEATURE: measure_similarity},
        repeats=repeats,
    )


@cache
def index_items(texts: tuple[str, ...]) -> ItemIndex:
    """An index of items that all measurements share, as in a run."""
    return ItemIndex(build_items(texts), MODEL_JUDGE)


@cache
def index_corpus() -> CorpusSimilarity:
    return CorpusSimilarity(CORPUS, CorpusData(uri="user.jsonl"))


def measure_similarity(texts: Sequence[str]) -> Sequence[float]:
    """The similarity of texts to the corpus."""
    return index_corpus()(texts)


@cache
def examine_cheat(cheat: Cheat, dose: str, repeats: int) -> Rollout:
    """The rollout of a generator that cheats."""
    exam = build_examination(cheat, repeats)
    return examine.examine_generator(exam, World(cheat, dose), WRITER, ("here",), ITEMS)


@cache
def answer_reference() -> ReferenceScores:
    """The scores of the takers on the reference set."""
    ask = examine.Asker(Scripted(reply_honestly))
    exam, items = build_examination(HONEST, 1), build_items(REFERENCE)
    answered = examine.collect_answers(exam, ("reference",), items, ask)
    rollout = Rollout(WRITER, tuple(name for name, _ in TAKERS), len(items), 0, answered, (), 0)
    return reference_set.summarize_scores(rollout)


def list_settings(name: str) -> Iterator[Mapping[str, object]]:
    """The default settings of an objective, and those with each other value of a field that is an enumeration."""
    kind = plugins.load_built_in("objectives", name)
    yield {}
    for field, about in kind.settings.model_fields.items():
        if isinstance(about.annotation, type) and issubclass(about.annotation, Enum):
            yield from ({about.alias or field: str(value)} for value in about.annotation if value != about.default)


@cache
def list_objectives() -> Mapping[str, Objective]:
    """Every objective of the catalog in each of its forms, by name."""
    found = {}
    for name in catalog.OBJECTIVES:
        for settings in list_settings(name):
            label = " ".join([name, *map(str, settings.values())])
            found[label] = plugins.build_part("objectives", name, settings)
    return found


def check_needs(name: str, needs: Needs) -> None:
    """Fail unless what an objective needs is collected here."""
    unknown = [
        field for field in ("takers", "repeats", "reference", "corpus", "embeddings")
        if getattr(needs, field) > getattr(COLLECTED, field)
    ]  # fmt: skip
    if unknown:
        pytest.fail(
            f"objective {name} needs {', '.join(unknown)}, which tests/support/cheating_generators.py does not collect;"
            " add it to build_examination, and to COLLECTED"
        )


@cache
def measure_cheat(cheat: Cheat, dose: str, objective: str, repeats: int) -> float | None:
    """The value of a generator that cheats; None if it cannot be measured."""
    found = list_objectives()[objective]
    check_needs(objective, found.needs)
    evaluator = Evaluator(
        build_examination(cheat, repeats),
        ((objective, found),),
        Single(objective),
        cheat.coverage,
        answer_reference() if found.needs.reference else None,
    )
    return evaluator.compose(evaluator.measure([examine_cheat(cheat, dose, repeats)], "cheat"), {})


def compose_sum(values: Mapping[str, float | None], floors: Mapping[str, float]) -> float | None:
    """The fitness of a weighted sum of all objectives, with these floors."""
    ranges = {name: one.range for name, one in list_objectives().items()}
    return WeightedSum(tuple(Term(name, 1.0, ranges[name], floors.get(name)) for name in values)).compose(values, {})


def find_fitness(name: str, cheat: Cheat, dose: str) -> float | None:
    """The fitness of a generator that cheats; None if it cannot be measured."""
    objectives = list_objectives()
    if name in objectives:
        return measure_cheat(cheat, dose, name, objectives[name].needs.repeats)
    repeats = unite_needs([one.needs for one in objectives.values()]).repeats
    values = {one: measure_cheat(cheat, dose, one, repeats) for one in objectives}
    return compose_sum(values, SUMS[name])


SUMS: Mapping[str, Mapping[str, float]] = {
    "Weighted": {},
    "Weighted with floors": {"Difficulty": 0.1, "Separation": 0.05},
}
"""Weighted sums of all objectives, by name, with their floors."""
FITNESSES = (*list_objectives(), *SUMS)
"""Every fitness that a search can have: each objective of the catalog, and sums of all of them."""
