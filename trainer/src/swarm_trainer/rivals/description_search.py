"""Carries out the search by descriptions: proposals, measurements of the items of each topic, and the best topic.

Proposals are stored before anything is measured with them, so a rival that is killed goes on with the same topics.
"""

import json
from dataclasses import replace
from itertools import count

from swarm_core import format_version, recipe, streams
from swarm_core.ports import Completion
from swarm_core.recipe import Recipe, canonical_json
from swarm_core.rivals import description_search
from swarm_core.rivals.description_search import DescriptionSearch, TriedTopic
from swarm_core.rivals.rival import SearchCost
from swarm_trainer.evaluation import serving
from swarm_trainer.evaluation.completions import Asker
from swarm_trainer.evaluation.examine import Examination
from swarm_trainer.rivals.rival_context import FinalData, MeasurementRequest, RivalContext, RivalError

VERSION = 1
"""The version of stored proposals."""
MAX_FRUITLESS = 3
"""The number of rounds in a row without a new topic after which the search ends."""


def carry_out(rival: DescriptionSearch, context: RivalContext) -> FinalData:
    """Have the base write the final items with the best topic. Raises RivalError if no topic could be measured."""
    base = recipe.build_single(context.setup.space.base, dtype=context.setup.space.dtype)
    tried, fruitless = list[TriedTopic](), 0
    for number in count():
        topics = propose(rival, context, base, number, tried) if tried else (context.setup.resolved.domain,)
        if topics is None:
            break
        measured = measure_topics(context, base, number, topics)
        tried += measured
        fruitless = 0 if topics else fruitless + 1
        if len(measured) < len(topics) or fruitless == MAX_FRUITLESS:
            break
    scored = [(one.value, -place) for place, one in enumerate(tried) if one.value is not None]
    if not scored:
        raise RivalError("no topic could be measured within the budget of the search")
    _, place = max(scored)
    return context.write_final(base, write_about(context, tried[-place].topic))


def write_about(context: RivalContext, topic: str) -> Examination:
    """Return the examination whose generators are asked for items about `topic`."""
    exam = context.setup.examination
    return replace(exam, wording=replace(exam.wording, domain=topic))


def measure_topics(context: RivalContext, base: Recipe, number: int, topics: tuple[str, ...]) -> list[TriedTopic]:
    """Measure the items of each topic. Those that the budget does not pay for are left out."""
    items = context.setup.resolved.evaluation.items
    wanted = [
        MeasurementRequest(
            f"{place:02d}", base, ("topic", number, place), f"rounds/{number:04d}", items, write_about(context, topic)
        )
        for place, topic in enumerate(topics)
    ]
    rollouts = context.measure(wanted)
    return [
        TriedTopic(topic, context.compose([rollout], "topic", number, place))
        for place, (topic, rollout) in enumerate(zip(topics, rollouts, strict=True))
        if rollout is not None
    ]


def propose(
    rival: DescriptionSearch, context: RivalContext, base: Recipe, number: int, tried: list[TriedTopic]
) -> tuple[str, ...] | None:
    """Return the topics of a round: those that are stored, or new ones. Their tokens count.

    Returns None if they cost more than is left of the budget: then they are left out. Raises InferenceError.
    """
    store, key = context.context.store, f"rivals/{context.name}/rounds/{number:04d}/topics.json"
    stored = store.read(key) or store.publish(key, ask_for_topics(rival, context, base, number, tried))
    fields = format_version.check(json.loads(stored), "the topics of a rival", VERSION)
    cost = context.spent + SearchCost(tokens=int(str(fields["tokens"])))
    if not cost.fits_into(context.budget):
        return None
    context.spent = cost
    return tuple(fields["topics"])  # type: ignore[arg-type]


def ask_for_topics(
    rival: DescriptionSearch, context: RivalContext, base: Recipe, number: int, tried: list[TriedTopic]
) -> bytes:
    """Ask for new topics, and return them as they are stored. Raises InferenceError."""
    engine = serving.serve(context.context, context.setup, [] if rival.config.remote_model else [base])[0]
    ask, seed = Asker(engine), streams.derive_seed(context.setup.examination.seed, "topics", number)
    shown = description_search.select_shown(tried)
    model, exam = rival.config.remote_model or base.name, context.setup.examination
    chat = exam.wording.chat or model in exam.remote
    (reply,) = ask([rival.build_request(model, shown, exam.wording.domain, seed, chat)])
    topics: tuple[str, ...] = ()
    if isinstance(reply, Completion):
        topics = description_search.read_topics(reply, rival.config.proposals, tried)
    return canonical_json({format_version.FIELD: VERSION, "topics": topics, "tokens": ask.tokens})
