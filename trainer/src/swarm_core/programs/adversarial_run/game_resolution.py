"""The resolution of an AdversarialRun: every default becomes explicit."""

from collections.abc import Iterator

from swarm_core.api import endpoint_access, prompt_texts, resolution
from swarm_core.api.evaluation import Evaluation
from swarm_core.api.resolution import UriRole, UriUse
from swarm_core.api.resolved import Part, ResolvedSwarm
from swarm_core.api.swarm import PublishedSpec, RuleName, StandardSpec
from swarm_core.programs.adversarial_run.adversarial_run_spec import AdversarialRun, AdversarialRunSpec
from swarm_core.programs.adversarial_run.game import BestsPolicy, Decay, LearningType, Movement, RoundTraining
from swarm_core.programs.adversarial_run.resolved import ResolvedAdversarialRun, ResolvedGame, ResolvedSide


def resolve_adversarial_run(run: AdversarialRun) -> ResolvedAdversarialRun:
    """`run` with every default explicit, as a search for generators whose takers are a second swarm."""
    spec = run.spec
    moving = resolve_side(spec.generators.swarm, spec), resolve_side(spec.takers.swarm, spec)
    return ResolvedAdversarialRun(
        **resolution.resolve_common(run),
        base=spec.base,
        generators=resolution.resolve_generators(spec.generators),
        domain=spec.domain,
        takers=(),
        generation=spec.generation,
        answering=spec.answering,
        prompts=prompt_texts.resolve_prompts(spec.prompts),
        judge=resolution.resolve_judge(spec.judge),
        gates=resolution.resolve_gates(spec.gates, spec.judge),
        access=tuple(endpoint_access.list_accesses((), spec.judge, spec.gates)),
        objective=Part(name="Difficulty"),
        swarm=moving[0].swarm,
        rule=moving[0].rule,
        evaluation=Evaluation(**spec.evaluation.model_dump()),
        game=resolve_game(spec, moving),
    )


def resolve_game(spec: AdversarialRunSpec, moving: tuple[ResolvedSide, ResolvedSide]) -> ResolvedGame:
    """Return the game with every default explicit. `moving`: the generators' side and the takers' side."""
    learning = spec.takers.learning
    return ResolvedGame(
        rounds=spec.rounds,
        takers=resolution.resolve_generators(spec.takers),
        sides=moving,
        reference=spec.generators.swarm.reference,
        opponents=spec.generators.opponents,
        train=(learning.train or RoundTraining()) if learning.type is LearningType.TRAIN else None,
        pool=spec.pool,
        stop=spec.stop,
    )


def resolve_side(movement: Movement, spec: AdversarialRunSpec) -> ResolvedSide:
    """Return the movement of one side. It has as many iterations as the game has rounds, and patience only if the
    game has it."""
    bests = movement.bests or (BestsPolicy.STALE if movement.reference else BestsPolicy.RESCORE)
    size = ResolvedSwarm(
        particles=movement.particles,
        iterations=spec.rounds,
        patience=spec.stop.patience or spec.rounds + 1,
        rescored=bests is BestsPolicy.RESCORE,
        decay=(movement.decay or Decay()).factor if bests is BestsPolicy.DECAY else 1.0,
    )
    return ResolvedSide(swarm=size, rule=resolve_rule(movement))


def resolve_rule(movement: Movement) -> StandardSpec | PublishedSpec:
    """Return the rule of one side. By default there are no random positions: each round measures anew, so no region
    stays lost."""
    if movement.rule is RuleName.PUBLISHED:
        return movement.published or PublishedSpec()
    return resolution.set_scattered(movement.standard or StandardSpec(), 0)


def list_uris(resolved: ResolvedAdversarialRun) -> Iterator[UriUse]:
    """Every URI of the experiment, in the order of the spec."""
    yield UriUse(UriRole.BASE, resolved.base.model, "spec.base.model")
    yield from resolution.iterate_origin_uses(resolved.generators, "spec.generators")
    yield from resolution.iterate_origin_uses(resolved.game.takers, "spec.takers")
    yield from resolution.iterate_part_uses(resolved)
