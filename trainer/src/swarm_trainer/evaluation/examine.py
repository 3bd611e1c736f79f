"""Examines one model: it writes items, gates filter them, every taker answers them, and the judge scores every answer.

If the model also writes the answers of its items, they are checked (`swarm_core.answer_check`): by the judge before the
takers answer, and by the answers of the takers.

The requests depend on the run's seed and on `stage`, never on the model. So all candidates of one iteration get the
same examples and the same sampling seeds (common random numbers), and a difference between their values is not due to
luck.

A shortfall of items is requested again, in at most `rounds` rounds in total, and is never padded with copies. A request
that its server refuses is left out as missing; it never counts as an empty answer. An outage raises InferenceError, so
no rollout has holes that an outage made.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil

from swarm_core import answer_check, streams
from swarm_core.answer_check import AnswerCheck
from swarm_core.asking import Ask
from swarm_core.gates import admission
from swarm_core.gates.admission import Measures, Rejection
from swarm_core.gates.gate_context import GateContext
from swarm_core.gates.registry import DEFAULT_CHOICES, GateChoice, build_gates
from swarm_core.item_index import ItemIndex
from swarm_core.items import Item
from swarm_core.objectives.objective import RequestCount
from swarm_core.objectives.scores import Score, Unscored, UnscoredReason
from swarm_core.ports import Gate, Inference, Judge, Reply, Request, RequestFailure
from swarm_core.recipe import ModelName
from swarm_core.rollout import AnsweredItem, Rollout, TakerAnswer, merge_repeats
from swarm_core.text import item_formats, item_parser, prompts
from swarm_core.text.item_parser import RejectionReason
from swarm_trainer.evaluation import scoring
from swarm_trainer.evaluation.completions import Asker
from swarm_trainer.evaluation.scoring import DEFAULT_RULES, AnswerRules

THINKING_ONLY = "no list follows the thinking; raise spec.generation.thinkingTokens, or set it to 0"
Stage = tuple[str | int, ...]
"""The point in the run where an examination takes place: ("iteration", 7), ("choice",), ("final", 2)."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How text is sampled."""

    max_tokens: int
    temperature: float
    thinking_tokens: int = 0
    """The tokens that a model may think, in addition to `max_tokens`. With 0, models that can are told not to think."""

    @property
    def limit(self) -> int:
        """The maximum number of tokens of a reply, thinking included."""
        return self.max_tokens + self.thinking_tokens


ItemFeature = Callable[[Sequence[str]], Sequence[float]]
"""Measures something of each text, without a model of the run."""


@dataclass(frozen=True, slots=True)
class Examination:
    """The settings that are the same for every model examined in a run."""

    seed: int
    wording: prompts.Wording
    seeds: ItemIndex
    """The seed items that no generator may copy: those for training, and the examples in prompts."""
    held_out: ItemIndex
    shots: int
    """The number of examples in a prompt, and of items requested with it."""
    rounds: int
    generation: Sampling
    answering: Sampling
    takers: tuple[tuple[str, ModelName], ...]
    judge: Judge
    corpus: ItemIndex = field(default_factory=ItemIndex)
    """The documents of the objective's corpus; empty if it has none."""
    gates: tuple[GateChoice, ...] = DEFAULT_CHOICES
    """The gates, in the order in which items pass them."""
    remote: frozenset[ModelName] = frozenset()
    """The models at remote endpoints. They take chat turns, whatever the style of the run's own models."""
    rules: AnswerRules = DEFAULT_RULES
    """The rules for answers that no judge scores."""
    features: Mapping[str, ItemFeature] = field(default_factory=dict)
    """What is measured of each accepted item beside its answers, by name."""
    answer_check: AnswerCheck | None = None
    """The check of the answers that generators write; None if they write questions alone."""
    examples: tuple[Item, ...] = ()
    """The items that examples are drawn from; empty if they are the seed items."""
    repeats: int = 1
    """The number of independent sets of items in one measurement. Each has prompts, seeds and gates of its own."""
    lists_per_prompt: int = 1
    """The number of requests in a row that show the same examples. Each has a sampling seed of its own."""

    def find_wording(self, model: ModelName) -> prompts.Wording:
        """Return the wording of the prompts of a taker."""
        return replace(self.wording, style=prompts.PromptStyle.CHAT) if model in self.remote else self.wording

    def start(self) -> "ExaminationState":
        """Start one examination, with new gates. Raises BadInputError if a gate refuses its config."""
        examples: list[tuple[Item, ...]] = []
        context = GateContext(self.judge, self.seeds, self.held_out, self.corpus, examples)
        return ExaminationState(build_gates(self.gates, context), examples)

    def start_generation(self) -> "ExaminationState":
        """Start the examination of a generator. If it writes answers, their gate is the last one."""
        state = self.start()
        state.gates += () if self.answer_check is None else self.answer_check.gates
        return state


@dataclass(slots=True)
class ExaminationState:
    """One examination in progress."""

    gates: tuple[Gate, ...]
    examples: list[tuple[Item, ...]] = field(default_factory=list)
    """The examples that each request showed, [request][example]."""
    accepted: list[Item] = field(default_factory=list)
    measures: list[Measures] = field(default_factory=list)
    """What the gates measured of each accepted item."""
    rejections: list[Rejection] = field(default_factory=list)
    requests: list[RequestCount] = field(default_factory=list)
    """The requests for items in order."""
    rounds: int = 0
    asked: int = 0
    """The number of items requested, including `lost` ones."""
    lost: int = 0

    def lose(self, request: int, items: int) -> None:
        """Count `items` items of a request as lost."""
        count = self.requests[request]
        self.requests[request] = replace(count, asked=count.asked - items)
        self.lost += items


def examine_generator(exam: Examination, engine: Inference, model: ModelName, stage: Stage, items: int) -> Rollout:
    """Request `items` items from `model` in each repeat and have the takers answer them. The engine must serve all of
    these models.

    Raises InferenceError if the engine can answer nothing at all.
    """
    stages = [find_stage(stage, repeat) for repeat in range(exam.repeats)]
    return merge_repeats([examine_once(exam, engine, model, one, items) for one in stages])


def find_stage(stage: Stage, repeat: int) -> Stage:
    """Return the stage of one repeat of a measurement."""
    return stage if repeat == 0 else (*stage, "repeat", repeat)


def examine_once(exam: Examination, engine: Inference, model: ModelName, stage: Stage, items: int) -> Rollout:
    """Request one set of `items` items from `model` and have the takers answer them.

    Raises InferenceError if the engine can answer nothing at all.
    """
    ask, state = Asker(engine), exam.start_generation()
    for turn in range(exam.rounds):
        missing = items - len(state.accepted)
        if missing > 0:
            count = ceil(missing / exam.shots)
            requests = build_round(exam, state, model, [(*stage, turn, number) for number in range(count)])
            admit_items(exam, state, ask(requests), ask)
    return complete_rollout(exam, model, stage, state, ask)


def complete_rollout(exam: Examination, model: ModelName, stage: Stage, state: ExaminationState, ask: Asker) -> Rollout:
    """Have the takers answer the accepted items, and return the rollout of `model`, which wrote them."""
    answered = add_features(exam, collect_answers(exam, stage, state.accepted, ask), state.measures)
    answered = confirm_answers(exam, state, answered)
    return Rollout(
        model=model,
        takers=tuple(name for name, _ in exam.takers),
        asked=state.asked,
        lost=state.lost,
        items=answered,
        rejections=tuple(state.rejections),
        tokens=ask.tokens,
        requests=tuple(state.requests),
        thinking_tokens=ask.thinking_tokens,
    )


def examine_taker(
    exam: Examination, engine: Inference, model: ModelName, stage: Stage, items: Sequence[Item]
) -> Rollout:
    """Have `model` answer `items`, as a taker. The engine must serve it.

    Raises InferenceError if the engine can answer nothing at all.
    """
    ask = Asker(engine)
    rules = replace(exam.rules, taker_is_measured=True)
    answered = collect_answers(replace(exam, takers=(("taker", model),), rules=rules), stage, items, ask)
    return Rollout(model, ("taker",), len(items), 0, answered, (), ask.tokens, thinking_tokens=ask.thinking_tokens)


def admit_items(exam: Examination, state: ExaminationState, results: Sequence[Reply], ask: Ask) -> None:
    """Add one round to the state: its items pass through the gates."""
    admitted = admission.admit(parse_items(exam, state, results), state.gates, ask)
    state.accepted += admitted.accepted
    state.measures += admitted.measures
    state.rejections += (*admitted.rejections, *admitted.undecided)


def parse_items(exam: Examination, state: ExaminationState, results: Sequence[Reply]) -> list[Item]:
    """Return the items of one round, each with the number of its completion. Each request asked for `shots` items.

    Texts that are not items are added to the state as rejections; the items of a failed request are counted as lost.
    """
    items: list[Item] = []
    shots, first = exam.shots, len(state.requests)
    state.requests += [RequestCount(state.rounds, number, shots) for number in range(len(results))]
    state.rounds += 1
    state.asked += len(results) * shots
    for number, result in enumerate(results, first):
        if isinstance(result, RequestFailure):
            state.lose(number, shots)
            continue
        if result.thinking and not result.text.strip():
            state.rejections.append(Rejection(Item(result.text, request=number), "thinking", THINKING_ONLY))
            continue
        parsed = item_parser.parse_answer(result.text, shots, finished=result.finished)
        for entry in parsed.items:
            item = read_item(exam, entry)
            if isinstance(item, RejectionReason):
                state.rejections.append(Rejection(Item(entry, request=number), "parse", str(item)))
            else:
                items.append(replace(item, request=number))
        state.rejections += [Rejection(Item(r.text, request=number), "parse", str(r.reason)) for r in parsed.rejected]
    return items


def read_item(exam: Examination, entry: str) -> Item | RejectionReason:
    """Return the item of an entry of a list, as takers will see it, or the reason why the entry is no item."""
    item = item_formats.read_entry(exam.wording.format, entry)
    if isinstance(item, RejectionReason):
        return item
    return item_formats.show_choices(exam.wording.format, item_formats.shuffle_choices(item))


def confirm_answers(
    exam: Examination, state: ExaminationState, answered: tuple[AnsweredItem, ...]
) -> tuple[AnsweredItem, ...]:
    """Return the items whose takers give the writer's answer, as far as the run's check asks them. The others are added
    to the state."""
    if exam.answer_check is None:
        return answered
    found = answer_check.confirm(exam.answer_check, answered)
    state.rejections += (*found.rejections, *found.undecided)
    return found.items


def build_round(exam: Examination, state: ExaminationState, model: ModelName, stages: Sequence[Stage]) -> list[Request]:
    """Build the requests of one round, one per stage, and add the examples that they show to the state."""
    state.examples += [draw_examples(exam, stage) for stage in stages]
    return [build_generation_request(exam, model, stage) for stage in stages]


def draw_examples(exam: Examination, stage: Stage) -> tuple[Item, ...]:
    """Return the examples that the request at `stage` shows. The last part of `stage` is the request's number."""
    *place, number = stage
    prompt = int(number) // exam.lists_per_prompt
    items = exam.examples or exam.seeds.items
    drawn = streams.sample(exam.seed, len(items), exam.shots, "examples", *place, prompt)
    return tuple(items[index] for index in drawn)


def build_generation_request(exam: Examination, model: ModelName, stage: Stage) -> Request:
    """Build the request for `shots` items. Its examples and its seed depend on `stage` alone."""
    examples = prompts.format_entries(exam.wording, draw_examples(exam, stage))
    return Request(
        model=model,
        prompt=prompts.format_generation(exam.wording, examples),
        max_tokens=exam.generation.limit,
        temperature=exam.generation.temperature,
        seed=streams.derive_seed(exam.seed, "generate", *stage),
        chat=exam.wording.chat,
        system=exam.wording.texts.generation_system,
        thinks=exam.generation.thinking_tokens > 0,
    )


def collect_answers(exam: Examination, stage: Stage, items: Sequence[Item], ask: Ask) -> tuple[AnsweredItem, ...]:
    """Return every taker's judged answer to every item.

    If answers are sampled, an answer without a score is sampled once more; a greedy answer would be the same again.
    """
    questions = [(item, name, taker, number) for number, item in enumerate(items) for name, taker in exam.takers]
    answers = ask_and_score(exam, (*stage, "first"), questions, ask)
    if exam.answering.temperature > 0:
        missing = [index for index, answer in enumerate(answers) if may_differ(answer.score)]
        retried = ask_and_score(exam, (*stage, "again"), [questions[index] for index in missing], ask)
        for index, answer in zip(missing, retried, strict=True):
            answers[index] = answer
    width = len(exam.takers)
    rows = (tuple(answers[number * width : (number + 1) * width]) for number in range(len(items)))
    return tuple(AnsweredItem(item, row) for item, row in zip(items, rows, strict=True))


def add_features(
    exam: Examination, answered: tuple[AnsweredItem, ...], measures: Sequence[Measures]
) -> tuple[AnsweredItem, ...]:
    """Return the items with the features that the examination measures, and with those that the gates measured."""
    texts = [one.text for one in answered]
    columns = [[(name, value) for value in measure(texts)] for name, measure in exam.features.items()]
    rows = zip(*columns, strict=True) if columns else ((),) * len(answered)
    return tuple(
        replace(one, features=tuple(sorted((*row, *mine))))
        for one, row, mine in zip(answered, rows, measures, strict=True)
    )


def may_differ(score: Score) -> bool:
    """Whether another sample of an answer may have a score that this one lacks. A refusal would come again."""
    return isinstance(score, Unscored) and score.reason is not UnscoredReason.REFUSED


def ask_and_score(
    exam: Examination, stage: Stage, questions: Sequence[tuple[Item, str, ModelName, int]], ask: Ask
) -> list[TakerAnswer]:
    """Return the judged answer to each (item, taker's name, taker, number of the item)."""
    results = ask(
        [build_answering_request(exam, taker, item, (*stage, number, name)) for item, name, taker, number in questions]
    )
    answered = [(item, result) for (item, *_), result in zip(questions, results, strict=True)]
    return scoring.score_answers(exam.judge, answered, ask, exam.rules)


def build_answering_request(exam: Examination, taker: ModelName, item: Item, stage: Stage) -> Request:
    """Build the request for a taker's answer to an item. Its seed depends on `stage` alone."""
    wording = exam.find_wording(taker)
    return Request(
        model=taker,
        prompt=prompts.format_answering(wording, item.shown_text),
        max_tokens=exam.answering.limit,
        temperature=exam.answering.temperature,
        seed=streams.derive_seed(exam.seed, "answer", *stage),
        stop=prompts.TEMPLATES[wording.style].stops,
        chat=wording.chat,
        system=wording.texts.answering_system if wording.chat else None,
        thinks=exam.answering.thinking_tokens > 0,
    )
