"""The rule for several objectives: constriction PSO with an archive of non-dominated positions that knows the noise.

Sources: OMOPSO and SMPSO (Nebro et al. 2009) for an external archive whose members lead the particles, chosen by binary
tournament on crowding distance; NSGA-II (Deb et al. 2002) for crowding and for constraints. Moves, bounds and start
are those of `standard`.

The addition: scores are noisy, and an archive that believes every score fills with lucky ones, which dominate better
positions for ever. So a member is the mean of all its scores, the least measured members are measured again in every
iteration, and positions behind the front are kept, so that they return when a lucky one falls. `benchmarks/pareto.py`
measures what this changes.

Limits: an archive still looks better than it is. A final choice on fresh data corrects that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

from swarm_core import streams
from swarm_core.optimizers import candidate, estimates, pareto_front, particle_swarm, positions, vector_estimates
from swarm_core.optimizers.candidate import Candidate, Fitness, VectorResult
from swarm_core.optimizers.checks import require_range
from swarm_core.optimizers.estimates import Estimate
from swarm_core.optimizers.optimizer import Optimizer, Plan
from swarm_core.optimizers.particle_swarm import Particle, SwarmState
from swarm_core.optimizers.positions import Position
from swarm_core.optimizers.standard import Standard
from swarm_core.optimizers.vector_estimates import Known, VectorEstimate

KEPT = 16
"""The number of positions behind the archive that are kept. See `memory.KEPT`."""


@dataclass(frozen=True, slots=True)
class FrontState(SwarmState):
    """The state of a search for a front. `estimates` stays empty."""

    known: tuple[VectorEstimate, ...] = ()
    """Each kept position once, in the order first measured: the initial generators, the particles' bests, the archive,
    and the positions next behind it."""


@dataclass(frozen=True, slots=True)
class MultiObjective(Optimizer[FrontState]):
    """Constriction PSO whose leaders are the archive of non-dominated positions."""

    name: ClassVar[str] = "MultiObjective"
    revision: ClassVar[int] = 1
    is_particle_rule: ClassVar[bool] = True
    takes_vectors: ClassVar[bool] = True

    archive: int = 16
    """The most positions in the archive. The most crowded ones are left out."""
    moves: Standard = field(default_factory=Standard)
    """The moves, the start and the number of positions that are measured again."""

    def __post_init__(self) -> None:
        require_range("swarm rule MultiObjective: archive", self.archive, 4)

    @classmethod
    def from_constants(cls, constants: Mapping[str, Any]) -> Self:
        """Return the rule with the constants of a resolved spec: `archive`, and those of rule Standard."""
        others = {name: value for name, value in constants.items() if name != "archive"}
        return cls(constants["archive"], Standard.from_constants(others))

    def start(self, plan: Plan) -> FrontState:
        return FrontState(plan)

    def current_positions(self, state: FrontState) -> tuple[Position, ...]:
        return particle_swarm.current_positions(state)

    def ask(self, state: FrontState) -> tuple[Candidate, ...]:
        """Return the initial candidates in iteration 0, and then every particle and the members to measure again."""
        if state.iteration == 0:
            return self.moves.list_initial_candidates(state.plan)
        return candidate.explore(self.current_positions(state)) + candidate.remeasure(self._select_uncertain(state))

    def _select_uncertain(self, state: FrontState) -> list[Position]:
        """Return the positions to measure again, of those that no particle occupies.

        They are the members of the archive with the fewest measurements; of members with as many, the least crowded
        ones. If the archive has too few members, the positions next behind it follow.
        """
        archive = {one.position for one in self.select_archive(state)}
        occupied = set(self.current_positions(state))
        free = [one for one in vector_estimates.rank(state.known) if one.position not in occupied]
        members = sorted((one for one in free if one.position in archive), key=lambda one: one.count)
        behind = [one for one in free if one.position not in archive]
        return [one.position for one in (*members, *behind)][: self.moves.remeasured]

    def tell(self, state: FrontState, fitness: Mapping[str, Fitness]) -> FrontState:
        results = candidate.match_vectors(self.ask(state), fitness)
        updated = vector_estimates.update_estimates(state.known, results, state.iteration)
        if state.iteration == 0:
            particles = _create_particles(state.plan, results)
        else:
            particles = _update_bests(state.particles, results, updated)
        learned = replace(state, particles=particles, known=self._retain(state.plan, updated, particles))
        stale = self._count_stale(learned, results)
        arriving = replace(learned, iteration=state.iteration + 1, stale=stale)
        archive = self.select_archive(arriving)
        leaders = [_select_leader(arriving, archive, index) for index in range(len(particles))]
        moved = tuple(self.moves.move_toward(arriving, index, leader) for index, leader in enumerate(leaders))
        return replace(arriving, particles=moved)

    def select_archive(self, state: FrontState) -> tuple[VectorEstimate, ...]:
        """Return the archive: the front of the means, thinned by crowding."""
        return vector_estimates.select_front(state.known, self.archive)

    def _retain(self, plan: Plan, updated: Known, particles: Sequence[Particle]) -> tuple[VectorEstimate, ...]:
        """Return the estimates to keep, in the order first measured."""
        every = list(updated.values())
        leading = {one.position for one in vector_estimates.select_front(every, self.archive)}
        behind = [one.position for one in vector_estimates.rank(every) if one.position not in leading][:KEPT]
        needed = {*leading, *behind, *positions.vertices(plan.basis), *(one.best for one in particles)}
        return tuple(one for one in every if one.position in needed)

    def _count_stale(self, learned: FrontState, results: Sequence[VectorResult]) -> int:
        """Return the number of iterations since the front last grew. An iteration without scores does not count.

        It has grown if the positions found since then raise the hypervolume by more than its standard error. While no
        position meets all floors, it has grown if a position of this iteration lacks least.
        """
        if all(score is None for _, score in results):
            return learned.stale
        archive = self.select_archive(learned)
        if all(pareto_front.measure_lack(one.values) > 0 for one in archive):
            return 0 if any(one.iteration == learned.iteration for one in archive) else learned.stale + 1
        growth, error = vector_estimates.measure_growth(archive, learned.iteration - learned.stale - 1)
        return 0 if growth > error else learned.stale + 1

    def best(self, state: FrontState) -> Estimate | None:
        """Return the knee of the archive, with the hypervolume that it has alone."""
        archive = self.select_archive(state)
        if not archive:
            return None
        knee = archive[pareto_front.find_knee(vector_estimates.list_values(archive))]
        return _summarize(knee)

    def initial_best(self, state: FrontState) -> Estimate | None:
        """Return the initial generator with the largest hypervolume alone."""
        return estimates.best(map(_summarize, self._list_initial(state)))

    def rank_positions(self, state: FrontState) -> list[Estimate]:
        """Return the knee, then the archive, the ones to keep longest first, and then the positions behind it."""
        known = vector_estimates.rank(state.known)
        archive = {one.position for one in self.select_archive(state)}
        ranked = [_summarize(one) for one in sorted(known, key=lambda one: one.position not in archive)]
        knee = self.best(state)
        return [] if knee is None else [knee, *(one for one in ranked if one.position != knee.position)]

    def attained(self, state: FrontState) -> float | None:
        """Return the hypervolume of the archive."""
        return _measure_hypervolume(self.select_archive(state))

    def initial_attained(self, state: FrontState) -> float | None:
        """Return the hypervolume of the initial generators."""
        return _measure_hypervolume(self._list_initial(state))

    def _list_initial(self, state: FrontState) -> list[VectorEstimate]:
        """Return the initial generators that have a score."""
        corners = positions.vertices(state.plan.basis)
        return [one for one in state.known if one.position in corners]

    def budget(self, plan: Plan) -> int:
        return self.moves.budget(plan)

    def iterations(self, plan: Plan) -> int:
        return plan.iterations


def _measure_hypervolume(found: Sequence[VectorEstimate]) -> float | None:
    return vector_estimates.measure_hypervolume(found) if found else None


def _summarize(one: VectorEstimate) -> Estimate:
    """Return the estimate of the fitness of a position: the hypervolume that it has alone."""
    return Estimate(one.name, one.position, pareto_front.measure_hypervolume([one.values]), 1, one.iteration)


def _create_particles(plan: Plan, results: Sequence[VectorResult]) -> tuple[Particle, ...]:
    """Return particles at the leading candidates, in the order asked. Candidates without a score come last."""
    scored = [(one, score.values) for one, score in results if score is not None]
    ranked = [scored[index][0] for index in pareto_front.rank([values for _, values in scored])]
    missing = [one for one, score in results if score is None]
    chosen = {one.name for one in (*ranked, *missing)[: plan.particles]}
    found = {one.name for one, _ in scored}
    kept = [(one, one.name in found) for one, _ in results if one.name in chosen]
    return particle_swarm.place_particles(plan, kept)


def _update_bests(
    particles: Sequence[Particle], results: Sequence[VectorResult], updated: Known
) -> tuple[Particle, ...]:
    """Return the particles after the scores of their positions. A particle without a score does not change."""
    scored = {one.position for one, score in results if score is not None}
    return tuple(_update_best(one, updated) if one.position in scored else one for one in particles)


def _update_best(particle: Particle, updated: Known) -> Particle:
    """Return the particle with its position as its best, unless its best dominates the position."""
    best = None if particle.best is None else updated.get(particle.best)
    if best is None or not pareto_front.dominates(best.values, updated[particle.position].values):
        return replace(particle, best=particle.position, stale=0)
    return replace(particle, stale=particle.stale + 1)


def _select_leader(state: FrontState, archive: Sequence[VectorEstimate], index: int) -> Position | None:
    """Return the less crowded of two random members of the archive; None before there is one."""
    if len(archive) < 2:
        return archive[0].position if archive else None
    crowding = pareto_front.measure_crowding(vector_estimates.list_values(archive))
    pair = streams.sample(state.plan.seed, len(archive), 2, "leader", state.iteration, index)
    return archive[max(pair, key=crowding.__getitem__)].position
