"""Carries out rewriting: drafts of the best initial generator for each final seed, rounds of rewriting, new answers.

The drafts have the prompts and seeds of the final evaluation, and a rewritten item keeps the place of its draft. What
is kept is answered again, so its value is not one of lucky answers. A draft that was rejected stays rejected.
"""

from collections.abc import Sequence
from dataclasses import replace

from swarm_core import commit, recipe, streams
from swarm_core.canonical_items import canonicalize_item
from swarm_core.ports import Inference
from swarm_core.recipe import ModelName
from swarm_core.rivals import rewrite
from swarm_core.rivals.best_of_n import Selector
from swarm_core.rivals.rewrite import Rewrite
from swarm_core.rivals.rival import SearchCost
from swarm_core.rollout import AnsweredItem, Rollout
from swarm_trainer.evaluation import examine
from swarm_trainer.evaluation.completions import Asker
from swarm_trainer.evaluation.examine import Stage
from swarm_trainer.rivals.rival_context import FinalData, MeasurementRequest, RivalContext, RivalError, RolloutJob


def carry_out(rival: Rewrite, context: RivalContext) -> FinalData:
    """Return the items after the last round, with new answers. Raises RivalError if they cannot be rewritten."""
    check_repeats(context)
    written = write_drafts(context)
    for number in range(rival.config.rounds):
        rewritten = rewrite_all(rival, context, number, written)
        if rewritten is None:
            break
        written = rewritten
    return context.answer_final(written)


def check_repeats(context: RivalContext) -> None:
    """Raises RivalError if the objective compares independent sets of items."""
    repeats = context.setup.examination.repeats
    if repeats > 1:
        raise RivalError(f"the objective compares {repeats} independent sets of items, which rewriting would tie")


def write_drafts(context: RivalContext) -> list[Rollout]:
    """Return the drafts of each final seed. Raises RivalError if the budget does not pay for them."""
    generator = context.setup.space.recipe(context.found.initial.position)
    items = context.setup.resolved.evaluation.final.items
    wanted = [
        MeasurementRequest(f"seed-{seed}", generator, stage, "drafts", items)
        for seed, stage in enumerate(context.final_stages)
    ]
    drafts = [one for one in context.measure(wanted) if one is not None]
    if len(drafts) < len(wanted):
        raise RivalError(
            f"the search requested {context.budget.items:,} items, which do not pay for {items:,} drafts for each of"
            f" {len(wanted)} final seeds; lower spec.evaluation.final"
        )
    return drafts


def rewrite_all(rival: Rewrite, context: RivalContext, number: int, written: Sequence[Rollout]) -> list[Rollout] | None:
    """Rewrite the items of every final seed once; None if the budget does not pay for all."""
    wanted = sum(len(one.items) for one in written)
    if context.spent.items + wanted > context.budget.items:
        return None
    base = recipe.build_single(context.setup.space.base, dtype=context.setup.space.dtype)
    model = rival.config.remote_model or base.name
    jobs = [build_job(rival, context, model, ("rewrite", number, *stage), one)
            for stage, one in zip(context.final_stages, written, strict=True)]  # fmt: skip
    rollouts = list(context.run([] if rival.config.remote_model else [base], jobs))
    cost = context.spent + SearchCost.sum(rollouts)
    if not cost.fits_into(context.budget):
        return None
    context.spent = cost
    return [select(context, before, after) for before, after in zip(written, rollouts, strict=True)]


def build_job(rival: Rewrite, context: RivalContext, model: ModelName, stage: Stage, written: Rollout) -> RolloutJob:
    """Build the job of rewriting the items of one rollout. Item i of its rollout has request i: that of original i."""
    exam = replace(context.setup.examination, shots=1)
    chat = exam.wording.chat or model in exam.remote

    def make(engine: Inference) -> Rollout:
        state, ask = exam.start(), Asker(engine)
        requests = [
            rival.build_request(
                model, one.text, exam.wording.domain, streams.derive_seed(exam.seed, *stage, index), chat
            )
            for index, one in enumerate(written.items)
        ]
        state.examples += [(one.item,) for one in written.items]
        examine.admit_items(exam, state, ask(requests), ask)
        return examine.complete_rollout(exam, model, stage, state, ask)

    folder, name = "/".join(map(str, stage[:2])), "-".join(map(str, stage[2:]))
    return RolloutJob(commit.rival_key(context.name, folder, name), model, make)


def select(context: RivalContext, before: Rollout, after: Rollout) -> Rollout:
    """Return the rollout of what is kept of the originals and the rewritten items."""
    exam, evaluator = context.setup.examination, context.setup.evaluator
    selector = Selector(evaluator.find_reported(context.start), before.takers, evaluator.reference)
    originals, rewritten = list(before.items), {one.item.request: one for one in after.items}
    pooled: list[AnsweredItem] = [*originals, *rewritten.values()]
    forms = [canonicalize_item(one.item, exam.judge) for one in pooled]
    kept = rewrite.keep_better(selector, originals, rewritten, forms)
    places = zip(kept, originals, strict=True)
    return replace(
        before, items=tuple(replace(one, item=replace(one.item, request=old.item.request)) for one, old in places)
    )
