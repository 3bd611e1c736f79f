"""Examine one model: have it write items, gate them, have every taker answer, have every answer judged.

Everything asked is a function of the run's seed and of `place`, never of the model, so all candidates of one iteration
get the same examples and the same sampling seeds (common random numbers: their difference is theirs, not luck's).

A shortfall is asked for again, at most `rounds` times in all, and never padded with copies. A request that failed is
asked once more and then left out as missing; it is never an empty answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import ceil

from swarm_core import streams
from swarm_core.asking import Ask
from swarm_core.gates import admission
from swarm_core.gates.admission import Rejection
from swarm_core.gates.registry import GateChoice, build_gates
from swarm_core.items import Item, get_texts
from swarm_core.objectives.scores import Unscored
from swarm_core.ports import Gate, Inference, Judge, Reply, Request, RequestFailure
from swarm_core.recipe import ModelName
from swarm_core.rollout import AnsweredItem, Rollout, TakerAnswer
from swarm_core.text import item_parser, prompts
from swarm_trainer.evaluation import scoring
from swarm_trainer.evaluation.completions import Asker

Stage = tuple[str | int, ...]
"""Where in the run an examination stands: ("iteration", 7), ("choice",), ("final", 2)."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How text is drawn."""

    max_tokens: int
    temperature: float


@dataclass(frozen=True, slots=True)
class Examination:
    """What is the same for every model examined in a run."""

    seed: int
    style: prompts.PromptStyle
    domain: str
    pool: tuple[Item, ...]
    """Seed items that examples are drawn from."""
    held_out: frozenset[Item]
    shots: int
    """Examples shown, and items asked for, per prompt."""
    rounds: int
    generation: Sampling
    answering: Sampling
    takers: tuple[tuple[str, ModelName], ...]
    judge: Judge
    gates: tuple[GateChoice, ...] = ()
    """The gates beyond those that every examination has."""
    remote: frozenset[ModelName] = frozenset()
    """The models that somebody else serves: they take chat turns, whatever the style of our own."""

    def style_of(self, model: ModelName) -> prompts.PromptStyle:
        """The words in which a taker is asked."""
        return prompts.PromptStyle.CHAT if model in self.remote else self.style

    def build_gates(self) -> tuple[Gate, ...]:
        """New gates for one examination, in the order in which items meet them."""
        always = (
            GateChoice("Verifiable", {"judge": self.judge}),
            GateChoice("HeldOut", {"items": self.held_out}),
            GateChoice("Duplicate"),
        )
        return build_gates((*always, *self.gates))


@dataclass(slots=True)
class ExaminationState:
    """One examination as it grows."""

    gates: tuple[Gate, ...]
    accepted: list[Item] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    requests: int = 0
    """Completions asked for."""
    asked: int = 0
    """Items asked for."""
    lost: int = 0


def examine_generator(exam: Examination, engine: Inference, model: ModelName, place: Stage, items: int) -> Rollout:
    """Ask `model` for `items` items and have them answered. The model and the takers must be served."""
    ask, sheet = Asker(engine), ExaminationState(exam.build_gates())
    for turn in range(exam.rounds):
        missing = items - len(sheet.accepted)
        if missing > 0:
            count = ceil(missing / exam.shots)
            requests = [build_generation_request(exam, model, (*place, turn, number)) for number in range(count)]
            admit_items(sheet, ask(requests), exam.shots, ask)
    answered = collect_answers(exam, place, sheet.accepted, ask)
    return Rollout(
        model=model,
        takers=tuple(name for name, _ in exam.takers),
        asked=sheet.asked,
        lost=sheet.lost,
        items=answered,
        rejections=tuple(sheet.rejections),
        tokens=ask.tokens,
    )


def examine_taker(
    exam: Examination, engine: Inference, model: ModelName, place: Stage, items: Sequence[Item]
) -> Rollout:
    """Have `model` answer `items`, as a taker; it must be served."""
    ask = Asker(engine)
    answered = collect_answers(replace(exam, takers=(("taker", model),)), place, items, ask)
    return Rollout(model, ("taker",), len(items), 0, answered, (), ask.tokens)


def admit_items(sheet: ExaminationState, results: Sequence[Reply], shots: int, ask: Ask) -> None:
    """One round onto the sheet: what was written goes through the gates, `shots` items asked for in each request."""
    found = admission.admit(parse_items(sheet, results, shots), sheet.gates, ask)
    sheet.accepted += found.accepted
    sheet.rejections += found.rejections
    sheet.lost += len(found.undecided)


def parse_items(sheet: ExaminationState, results: Sequence[Reply], shots: int) -> list[Item]:
    """The items of one round, each with the number of its completion; what is no item is put onto the sheet."""
    items: list[Item] = []
    for number, result in enumerate(results, sheet.requests):
        if isinstance(result, RequestFailure):
            sheet.lost += shots
            continue
        parsed = item_parser.parse(result.text, shots, finished=result.finished)
        items += [Item(text, request=number) for text in parsed.items]
        sheet.rejections += [Rejection(Item(r.text, request=number), "parse", str(r.reason)) for r in parsed.rejected]
    sheet.requests += len(results)
    sheet.asked += len(results) * shots
    return items


def build_generation_request(exam: Examination, model: ModelName, place: Stage) -> Request:
    """The request for `shots` items: examples and seed depend on `place` alone."""
    drawn = streams.sample(exam.seed, len(exam.pool), exam.shots, "examples", *place)
    prompt = prompts.format_generation(exam.style, exam.domain, get_texts(exam.pool[index] for index in drawn))
    return Request(
        model=model,
        prompt=prompt,
        max_tokens=exam.generation.max_tokens,
        temperature=exam.generation.temperature,
        seed=streams.seed(exam.seed, "generate", *place),
        chat=prompts.TEMPLATES[exam.style].chat,
    )


def collect_answers(exam: Examination, place: Stage, items: Sequence[Item], ask: Ask) -> tuple[AnsweredItem, ...]:
    """Every taker's judged answer to every item.

    Where answers are sampled, one that cannot be scored is sampled once more; a greedy one would come out the same.
    """
    asked = [(item, name, taker, number) for number, item in enumerate(items) for name, taker in exam.takers]
    answers = ask_and_score(exam, (*place, "first"), asked, ask)
    if exam.answering.temperature > 0:
        missing = [index for index, given in enumerate(answers) if isinstance(given.score, Unscored)]
        again = ask_and_score(exam, (*place, "again"), [asked[index] for index in missing], ask)
        for index, given in zip(missing, again, strict=True):
            answers[index] = given
    width = len(exam.takers)
    rows = (tuple(answers[number * width : (number + 1) * width]) for number in range(len(items)))
    return tuple(AnsweredItem(item, row) for item, row in zip(items, rows, strict=True))


def ask_and_score(
    exam: Examination, place: Stage, asked: Sequence[tuple[Item, str, ModelName, int]], ask: Ask
) -> list[TakerAnswer]:
    """The judged answer to each (item, taker's name, taker, number of the item)."""
    results = ask(
        [build_answering_request(exam, taker, item, (*place, number, name)) for item, name, taker, number in asked]
    )
    answered = [(item, result) for (item, *_), result in zip(asked, results, strict=True)]
    return scoring.score_answers(exam.judge, answered, ask)


def build_answering_request(exam: Examination, taker: ModelName, item: Item, place: Stage) -> Request:
    style = exam.style_of(taker)
    templates = prompts.TEMPLATES[style]
    return Request(
        model=taker,
        prompt=prompts.format_answering(style, item.text),
        max_tokens=exam.answering.max_tokens,
        temperature=exam.answering.temperature,
        seed=streams.seed(exam.seed, "answer", *place),
        stop=templates.stops,
        chat=templates.chat,
    )
