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
from swarm_core.gates import admission, duplicate, held_out_gate, verifiable
from swarm_core.gates.admission import Rejection
from swarm_core.judges.rubric import RubricJudge
from swarm_core.objectives.scores import Unscored
from swarm_core.ports import Completion, Gate, Inference, Judge, Request, RequestFailure
from swarm_core.recipe import ModelName
from swarm_core.rollout import AnsweredItem, Rollout, TakerAnswer
from swarm_core.text import item_parser, prompts
from swarm_trainer.evaluation import scoring
from swarm_trainer.evaluation.completions import complete_with_retry

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
    pool: tuple[str, ...]
    """Seed items that examples are drawn from."""
    held_out: frozenset[str]
    shots: int
    """Examples shown, and items asked for, per prompt."""
    rounds: int
    generation: Sampling
    answering: Sampling
    takers: tuple[tuple[str, ModelName], ...]
    judge: Judge | RubricJudge
    remote: frozenset[ModelName] = frozenset()
    """The models that somebody else serves: they take chat turns, whatever the style of our own."""

    def style_of(self, model: ModelName) -> prompts.PromptStyle:
        """The words in which a taker is asked."""
        return prompts.PromptStyle.CHAT if model in self.remote else self.style


@dataclass(slots=True)
class ExaminationState:
    """One examination as it grows."""

    gates: tuple[Gate, ...]
    accepted: list[str] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    asked: int = 0
    lost: int = 0
    tokens: int = 0


def examine_generator(exam: Examination, engine: Inference, model: ModelName, place: Stage, items: int) -> Rollout:
    """Ask `model` for `items` items and have them answered. The model and the takers must be served."""
    held_out = held_out_gate.HeldOutGate(exam.held_out)
    sheet = ExaminationState((verifiable.VerifiableGate(exam.judge), held_out, duplicate.DuplicateGate()))
    for turn in range(exam.rounds):
        missing = items - len(sheet.accepted)
        if missing > 0:
            count = ceil(missing / exam.shots)
            requests = [build_generation_request(exam, model, (*place, turn, number)) for number in range(count)]
            before = len(sheet.accepted)
            admit_items(sheet, complete_with_retry(engine, requests), exam.shots)
            filter_by_judge(exam, engine, sheet, before)
    answered, tokens = collect_answers(exam, engine, place, sheet.accepted)
    return Rollout(
        model=model,
        takers=tuple(name for name, _ in exam.takers),
        asked=sheet.asked,
        lost=sheet.lost,
        items=answered,
        rejections=tuple(sheet.rejections),
        tokens=sheet.tokens + tokens,
    )


def examine_taker(
    exam: Examination, engine: Inference, model: ModelName, place: Stage, items: Sequence[str]
) -> Rollout:
    """Have `model` answer `items`, as a taker; it must be served."""
    answered, tokens = collect_answers(replace(exam, takers=(("taker", model),)), engine, place, items)
    return Rollout(model, ("taker",), len(items), 0, answered, (), tokens)


def admit_items(sheet: ExaminationState, results: Sequence[Completion | RequestFailure], shots: int) -> None:
    """One round onto the sheet: what was written goes through the gates, `shots` items asked for in each request."""
    sheet.asked += len(results) * shots
    for result in results:
        if isinstance(result, RequestFailure):
            sheet.lost += shots
            continue
        parsed = item_parser.parse(result.text, shots, finished=result.finished)
        admitted = admission.admit(parsed.items, sheet.gates)
        sheet.tokens += result.tokens
        sheet.accepted += admitted.accepted
        sheet.rejections += [Rejection(r.text, "parse", str(r.reason)) for r in parsed.rejected]
        sheet.rejections += admitted.rejections


def filter_by_judge(exam: Examination, engine: Inference, sheet: ExaminationState, start: int) -> None:
    """Have a model that judges look at the items from `start` on; what it cannot be asked about is lost."""
    if not isinstance(exam.judge, RubricJudge) or not exam.judge.vet:
        return
    items = sheet.accepted[start:]
    seen = scoring.vet_items(exam.judge, engine, items)
    sheet.accepted[start:] = [item for item, valid in zip(items, seen.valid, strict=True) if valid]
    sheet.rejections += [
        Rejection(item, "verifiable", "the judge says that it cannot be answered")
        for item, valid in zip(items, seen.valid, strict=True)
        if valid is False
    ]
    sheet.lost += seen.valid.count(None)
    sheet.tokens += seen.tokens


def build_generation_request(exam: Examination, model: ModelName, place: Stage) -> Request:
    """The request for `shots` items: examples and seed depend on `place` alone."""
    drawn = streams.sample(exam.seed, len(exam.pool), exam.shots, "examples", *place)
    prompt = prompts.format_generation(exam.style, exam.domain, [exam.pool[index] for index in drawn])
    return Request(
        model=model,
        prompt=prompt,
        max_tokens=exam.generation.max_tokens,
        temperature=exam.generation.temperature,
        seed=streams.seed(exam.seed, "generate", *place),
        chat=prompts.TEMPLATES[exam.style].chat,
    )


def collect_answers(
    exam: Examination, engine: Inference, place: Stage, items: Sequence[str]
) -> tuple[tuple[AnsweredItem, ...], int]:
    """Every taker's judged answer to every item, and the tokens it took.

    Where answers are sampled, one that cannot be scored is sampled once more; a greedy one would come out the same.
    """
    asked = [(item, name, taker, number) for number, item in enumerate(items) for name, taker in exam.takers]
    answers, tokens = ask_and_score(exam, engine, (*place, "first"), asked)
    if exam.answering.temperature > 0:
        missing = [index for index, given in enumerate(answers) if isinstance(given.score, Unscored)]
        again, more = ask_and_score(exam, engine, (*place, "again"), [asked[index] for index in missing])
        for index, given in zip(missing, again, strict=True):
            answers[index] = given
        tokens += more
    width = len(exam.takers)
    rows = (tuple(answers[number * width : (number + 1) * width]) for number in range(len(items)))
    return tuple(AnsweredItem(item, row) for item, row in zip(items, rows, strict=True)), tokens


def ask_and_score(
    exam: Examination, engine: Inference, place: Stage, asked: Sequence[tuple[str, str, ModelName, int]]
) -> tuple[list[TakerAnswer], int]:
    """The judged answer to each (item, taker's name, taker, number of the item), and the tokens it took."""
    requests = [
        build_answering_request(exam, taker, item, (*place, number, name)) for item, name, taker, number in asked
    ]
    results = complete_with_retry(engine, requests)
    found = scoring.score_answers(
        exam.judge, engine, [(one[0], result) for one, result in zip(asked, results, strict=True)]
    )
    return found.answers, found.tokens + sum(result.tokens for result in results if isinstance(result, Completion))


def build_answering_request(exam: Examination, taker: ModelName, item: str, place: Stage) -> Request:
    style = exam.style_of(taker)
    templates = prompts.TEMPLATES[style]
    return Request(
        model=taker,
        prompt=prompts.format_answering(style, item),
        max_tokens=exam.answering.max_tokens,
        temperature=exam.answering.temperature,
        seed=streams.seed(exam.seed, "answer", *place),
        stop=templates.stops,
        chat=templates.chat,
    )
