"""An outage of a taker, of the judge or of a gate's model changes no value of any objective.

What may succeed later is an outage: nothing of the measurement is left, and a repetition gives the same bytes. What a
server refuses for good has no score: its item is worth nothing, or there is no measurement.
"""

import random
from collections.abc import Callable

import pytest
from arithmetic_stand_ins import JUDGE, MEDIUM, STRONG, TAKERS, WEAK, WRITER, Script, ask_sum, is_judgment
from cheating_generators import (
    FITNESSES,
    HONEST,
    ITEMS,
    Cheat,
    World,
    build_examination,
    examine_cheat,
    find_fitness,
    list_objectives,
)
from known_cheats import is_validity_check

from swarm_core.objectives import intervals
from swarm_core.objectives.scores import UnscoredReason
from swarm_core.ports import InferenceError, Reply, Request, RequestFailure
from swarm_core.recipe import ModelName
from swarm_trainer.evaluation import examine

ROUNDING = 1e-12
Who = Callable[[Request], bool]
MODELS: dict[str, Who] = {
    **{name: (lambda request, model=model: request.model == model) for name, model in TAKERS},
    "judge": is_judgment,
    "gate": is_validity_check,
    "generator": lambda request: request.model == WRITER,
}
REPEATS = 4


@pytest.fixture(autouse=True)
def few_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Intervals need many halves of a sample, and values need none."""
    monkeypatch.setattr(intervals, "HALVES", 2)


def fail(script: Script, who: Who, when: Callable[[int], bool]) -> Script:
    """A script in which the requests to some models fail by an outage, as their numbers say."""
    numbers = iter(range(1_000_000))

    def reply(request: Request) -> Reply:
        down = who(request) and when(next(numbers))
        return RequestFailure("connection refused", UnscoredReason.UNAVAILABLE) if down else script(request)

    return reply


@pytest.mark.parametrize(
    "when",
    [lambda number: number == 0, lambda number: number % 7 == 3, lambda number: number >= 2, lambda _: True],
    ids=["the first request", "some requests", "all after two", "all requests"],
)
@pytest.mark.parametrize("model", MODELS)
def test_an_outage_leaves_nothing_of_a_measurement_and_a_repetition_has_the_same_bytes(
    model: str, when: Callable[[int], bool]
) -> None:
    exam, world = build_examination(HONEST, REPEATS), World(HONEST, "whole")
    world.script = fail(world.reply, MODELS[model], when)
    with pytest.raises(InferenceError, match="connection refused; nothing was stored for this measurement"):
        examine.examine_generator(exam, world, WRITER, ("here",), ITEMS)
    again = examine.examine_generator(exam, World(HONEST, "whole"), WRITER, ("here",), ITEMS)
    assert again.to_bytes() == examine_cheat(HONEST, "whole", REPEATS).to_bytes()


def refuse_some(name: str, chosen: dict[int, tuple[ModelName, ...]], coverage: float) -> tuple[Cheat, Cheat]:
    """A generator of honest items, some of which the servers of some models refuse, and one that never wrote those.

    `chosen`: the models that refuse the item of a place.
    """
    refused = {ask_sum(place): models for place, models in chosen.items()}

    def react(request: Request, reply: Reply) -> Reply:
        models = next((models for text, models in refused.items() if text in request.prompt), ())
        is_refused = request.model in models and not is_validity_check(request)
        return RequestFailure("flagged", UnscoredReason.REFUSED) if is_refused else reply

    absent = Cheat(f"{name}, absent", lambda place: None if place in chosen else ask_sum(place), coverage=coverage)
    return Cheat(name, ask_sum, react, coverage=coverage), absent


def draw_refusals(seed: int) -> tuple[Cheat, Cheat]:
    """Refusals of one to ten places by one to four models."""
    draw = random.Random(seed)
    models = (WEAK, MEDIUM, STRONG, JUDGE)
    places = draw.sample(range(REPEATS * ITEMS), draw.randint(1, 10))
    chosen = {place: tuple(draw.sample(models, draw.randint(1, 4))) for place in places}
    return refuse_some(f"refusals {seed}", chosen, coverage=0.5)


RANDOM_REFUSALS = [draw_refusals(seed) for seed in range(6)]


@pytest.mark.parametrize("fitness", FITNESSES)
@pytest.mark.parametrize(("refusing", "absent"), RANDOM_REFUSALS, ids=str)
def test_refused_items_are_worth_nothing_whichever_models_refuse_them(
    refusing: Cheat, absent: Cheat, fitness: str
) -> None:
    expected = find_fitness(fitness, absent, "whole")
    assert expected is not None
    assert find_fitness(fitness, refusing, "whole") == pytest.approx(expected, abs=ROUNDING)


EVERYWHERE = range(REPEATS * ITEMS)
WHOLE = {
    name: refuse_some(name, dict.fromkeys(EVERYWHERE, (model,)), coverage=0.5)[0]
    for name, model in (*TAKERS, ("judge", JUDGE))
}


@pytest.mark.parametrize("fitness", FITNESSES)
@pytest.mark.parametrize("model", WHOLE)
def test_a_model_that_refuses_everything_leaves_no_fitness(model: str, fitness: str) -> None:
    assert find_fitness(fitness, WHOLE[model], "whole") is None


@pytest.mark.parametrize("model", [WEAK, STRONG, JUDGE], ids=["weak", "strong", "judge"])
def test_a_model_that_refuses_one_repeat_leaves_no_comparison_of_repeats(model: ModelName) -> None:
    chosen = dict.fromkeys(range(ITEMS, 2 * ITEMS), (model,))
    refusing, absent = refuse_some("one repeat", chosen, coverage=0.5)
    for name, objective in list_objectives().items():
        if objective.needs.repeats > 1:
            assert find_fitness(name, refusing, "whole") is None
            assert find_fitness(name, absent, "whole") == 0.0, "a repeat without an item is the generator's fault"


def test_the_stand_ins_answer_as_their_skills_say() -> None:
    """A matrix over takers that are all right or all wrong would compare zeros."""
    rollout = examine_cheat(HONEST, "whole", 1)
    means = [sum(one.answers[taker].score == 1.0 for one in rollout.items) for taker in range(len(TAKERS))]
    assert len(rollout.items) == ITEMS
    assert 0 < means[0] < means[1] < means[2] < ITEMS
