"""Carries out best of N: drafts of the best initial generator, a selection, and new answers to what was selected.

The generator was chosen before, in the final choice of the search. Drafts come in sets of as many items as one final
measurement wants. The first set of each final seed has the prompts and seeds of the final evaluation, so that its
requests have the places of those of the other generators. Sets are added, one for each final seed at a time, as long as
they fit into what the iterations of the search spent.

A draft that is not kept costs budget and no value: the accepted share of the result is that of the wanted items.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from swarm_core import rollout as rollouts
from swarm_core.canonical_items import canonicalize_item
from swarm_core.objectives.objective import RequestCount
from swarm_core.rivals.best_of_n import BestOfN, Selector
from swarm_core.rollout import AnsweredItem, Rollout
from swarm_trainer.rivals.rival_context import FinalData, MeasurementRequest, RivalContext, RivalError


def carry_out(rival: BestOfN, context: RivalContext) -> FinalData:
    """Return the best drafts with new answers. Raises RivalError if the budget does not pay for two sets of drafts."""
    evaluator, items = context.setup.evaluator, context.setup.resolved.evaluation.final.items
    takers = tuple(name for name, _ in context.setup.examination.takers)
    selector = Selector(evaluator.find_reported(context.start), takers, evaluator.reference)
    return context.answer_final(
        [keep_best_drafts(context, selector, drafts, items) for drafts in write_drafts(rival, context)]
    )


def write_drafts(rival: BestOfN, context: RivalContext) -> list[list[Rollout]]:
    """Return the drafts of every final seed, [seed][set]."""
    generator = context.setup.space.recipe(context.found.initial.position)
    items, stages = context.setup.resolved.evaluation.final.items, context.final_stages
    sets: list[list[Rollout]] = []
    for number in range(rival.drafts) if rival.drafts else count():
        wanted = [
            MeasurementRequest(
                f"seed-{seed}",
                generator,
                (*stage, "draft", number) if number else stage,
                f"drafts/{number:04d}",
                items,
            )
            for seed, stage in enumerate(stages)
        ]
        written = [one for one in context.measure(wanted, context.searched) if one is not None]
        if len(written) < len(stages):
            break
        sets.append(written)
    if len(sets) < 2:
        raise RivalError(
            f"the search requested {context.searched.items:,} items, which do not pay for two sets of {items:,} drafts"
            f" for each of {len(stages)} final seeds; lower spec.evaluation.final"
        )
    return [list(of_seed) for of_seed in zip(*sets, strict=True)]


def keep_best_drafts(context: RivalContext, selector: Selector, drafts: Sequence[Rollout], items: int) -> Rollout:
    """Return the best `items` drafts of each repeat of one final seed as one rollout."""
    exam = context.setup.examination
    by_repeat = zip(*(rollouts.split_repeats(one) for one in drafts), strict=True)
    joined = [join_sets(sets, exam.rounds) for sets in by_repeat]
    distinct = [list_distinct(one.items, context) for one in joined]
    kept = selector.select(distinct, items)
    return rollouts.merge_repeats([
        keep_items(one, chosen, items) for one, chosen in zip(joined, kept, strict=True)
    ])  # fmt: skip


def join_sets(sets: Sequence[Rollout], rounds: int) -> Rollout:
    """Return several rollouts of one model as one. The rounds of each set follow those of the set before it."""
    joined = rollouts.merge_repeats(sets)
    counts = [
        replace(one, repeat=0, round=one.round + number * rounds)
        for number, of_set in enumerate(sets)
        for one in of_set.requests
    ]
    return replace(joined, requests=tuple(counts))


def list_distinct(items: Sequence[AnsweredItem], context: RivalContext) -> list[AnsweredItem]:
    """Return the items without copies of earlier ones. Gates see the copies within one set alone."""
    judge = context.setup.examination.judge
    first: dict[str, AnsweredItem] = {}
    for one in items:
        first.setdefault(canonicalize_item(one.item, judge), one)
    return list(first.values())


def keep_items(drafts: Rollout, kept: Sequence[AnsweredItem], wanted: int) -> Rollout:
    """Return the rollout of the kept items. Its requests asked for these alone, and one more for those that lack."""
    numbers = [one.item.request for one in kept]
    counts = [replace(one, asked=numbers.count(place)) for place, one in enumerate(drafts.requests)]
    missing = wanted - len(kept)
    if missing > 0:
        last = max(one.round for one in counts)
        counts.append(RequestCount(last + 1, 0, missing))
    return replace(drafts, asked=wanted, lost=0, items=tuple(kept), rejections=(), requests=tuple(counts))
