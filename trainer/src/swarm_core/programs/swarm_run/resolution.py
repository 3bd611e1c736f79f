"""The resolution of a SwarmRun: every default becomes explicit."""

from collections.abc import Iterable, Iterator

from swarm_core.api import endpoint_access, optimizer_blocks, prompt_texts, resolution
from swarm_core.api.optimizer_blocks import OptimizerBlock
from swarm_core.api.resolution import CORPUS_FIELD, REFERENCE_FIELD, STUDENT_TEST_FIELD, UriRole, UriUse
from swarm_core.api.resolved import RemoteTaker, ResolvedSpec, ResolvedSwarm, ResolvedTaker
from swarm_core.api.swarm import Exact, Groups, PerLayer, PublishedSpec, StandardSpec, SwarmSpec
from swarm_core.programs.swarm_run.spec import SwarmRun
from swarm_core.recipe import Merge


def resolve_swarm_run(run: SwarmRun) -> ResolvedSpec:
    """`run` with every default explicit."""
    spec = run.spec
    return ResolvedSpec(
        **resolution.resolve_common(run),
        base=spec.base,
        generators=resolution.resolve_generators(spec.generators),
        domain=spec.domain,
        takers=tuple(resolution.resolve_taker(taker, spec.base.model) for taker in spec.takers),
        generation=spec.generation,
        answering=spec.answering,
        prompts=prompt_texts.resolve_prompts(spec.prompts),
        judge=resolution.resolve_judge(spec.judge),
        gates=resolution.resolve_gates(spec.gates, spec.judge),
        objective=resolution.resolve_objective(spec.objective),
        weighted=resolution.resolve_weighted(spec.objective),
        pareto=resolution.resolve_pareto(spec.objective),
        reference=resolution.resolve_reference(spec.objective),
        corpus=spec.objective.corpus,
        swarm=resolve_swarm(spec.swarm),
        rule=resolve_rule(spec.swarm),
        evaluation=spec.evaluation.model_copy(update={"rivals": (), "unseen": ()}),
        rivals=tuple(map(resolution.resolve_part, spec.evaluation.rivals)),
        unseen=tuple(resolution.resolve_taker(taker, spec.base.model) for taker in spec.evaluation.unseen),
        access=tuple(endpoint_access.list_accesses(spec.takers, spec.judge, spec.gates, spec.evaluation)),
        resume_from=spec.resume_from,
    )


def resolve_swarm(swarm: SwarmSpec) -> ResolvedSwarm:
    """Return the sizes and limits of `swarm` with every default explicit."""
    return ResolvedSwarm(
        particles=swarm.particles,
        iterations=swarm.iterations,
        patience=swarm.patience,
        per_layer=(swarm.per_layer or PerLayer()) if swarm.groups is Groups.PER_LAYER else None,
        exact=(swarm.exact or Exact()) if swarm.merge is Merge.EXACT else None,
    )


def resolve_rule(swarm: SwarmSpec) -> StandardSpec | PublishedSpec | OptimizerBlock:
    """Return the constants of the optimizer, or of the rule of the particle swarm, with every default explicit."""
    if swarm.optimizer == optimizer_blocks.PARTICLE_SWARM:
        return resolution.resolve_particle_rule(swarm)
    return optimizer_blocks.get_constants(swarm, swarm.optimizer)


def list_uris(resolved: ResolvedSpec) -> Iterator[UriUse]:
    """Every URI of the experiment, in the order of the spec. A taker's model is listed only if it is not the base
    model."""
    yield UriUse(UriRole.BASE, resolved.base.model, "spec.base.model")
    yield from resolution.iterate_origin_uses(resolved.generators, "spec.generators")
    yield from iterate_taker_uses(resolved.takers, "spec.takers", resolved.base.model)
    yield from resolution.iterate_part_uses(resolved)
    if resolved.reference is not None and resolved.reference.source is not None:
        yield resolution.build_data_use(resolved.reference.source, REFERENCE_FIELD)
    if resolved.corpus is not None:
        yield resolution.build_data_use(resolved.corpus.source, CORPUS_FIELD)
    student = resolved.evaluation.student
    if student is not None and student.test is not None:
        yield resolution.build_data_use(student.test, STUDENT_TEST_FIELD)
    yield from iterate_taker_uses(resolved.unseen, "spec.evaluation.unseen", resolved.base.model)


def iterate_taker_uses(takers: Iterable[ResolvedTaker | RemoteTaker], field: str, base: str) -> Iterator[UriUse]:
    """The URIs of the models and adapters of some takers. `field`: the path of the field that lists them."""
    for index, taker in enumerate(takers):
        if isinstance(taker, RemoteTaker):
            continue
        if taker.model != base:
            yield UriUse(UriRole.TAKER_MODEL, taker.model, f"{field}[{index}].model")
        if taker.adapter is not None:
            yield UriUse(UriRole.TAKER_ADAPTER, taker.adapter, f"{field}[{index}].adapter")
