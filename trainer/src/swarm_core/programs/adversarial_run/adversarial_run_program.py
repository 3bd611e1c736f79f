"""The program of the kind AdversarialRun, in which generators and takers are two swarms that move in turns."""

from collections.abc import Iterator

from swarm_core.api.custom_resources import CustomResource
from swarm_core.api.figures import Figure, FigureShape
from swarm_core.api.resolution import UriUse
from swarm_core.api.run_status import RunStatus
from swarm_core.engine.planning import Outline, Turn
from swarm_core.engine.state import EngineState
from swarm_core.engine.work import Kind
from swarm_core.programs import search_settings
from swarm_core.programs.adversarial_run import game_resolution, status_projection
from swarm_core.programs.adversarial_run.adversarial_run_spec import (
    FIXED_NON_IDENTITY_FIELDS,
    IDENTITY_FIELDS,
    AdversarialRun,
)
from swarm_core.programs.adversarial_run.resolved import ResolvedAdversarialRun
from swarm_core.swarm_names import GENERATORS, RIVALS, TAKERS

SPEC_ONLY_FIELDS = frozenset({"rounds", "pool", "stop"})
"""The fields of the spec that are in the block `game` of the resolved run."""
RESOURCE = CustomResource(
    model=AdversarialRun,
    plural="adversarialruns",
    short="avr",
    fixed=IDENTITY_FIELDS + FIXED_NON_IDENTITY_FIELDS,
    figures=(
        Figure("round", "round", FigureShape.PROGRESS, column="Progress"),
        Figure("difficulty", "difficulty", column="Difficulty"),
        Figure("taker", "takerScore", column="Taker"),
        Figure("held-out", "heldOutScore", column="Held-Out", wide=True),
        Figure("takers", "takers", FigureShape.DIFFERENCE, column="Gain"),
        Figure("answers", "answers", FigureShape.COUNTS),
    ),
)


class AdversarialRunProgram:
    """The program of the kind AdversarialRun."""

    kind = "AdversarialRun"
    resource = RESOURCE
    resolved = ResolvedAdversarialRun
    identity = frozenset({*IDENTITY_FIELDS, "objective", "swarm", "rule", "game"}) - SPEC_ONLY_FIELDS
    trainer = "swarm_trainer.programs.adversarial_run.game_program:PROGRAM"

    def resolve(self, run: AdversarialRun) -> ResolvedAdversarialRun:
        """`run` with every default explicit."""
        return game_resolution.resolve_adversarial_run(run)

    def uris(self, resolved: ResolvedAdversarialRun) -> Iterator[UriUse]:
        """Return every URI of the experiment, in the order of the spec."""
        return game_resolution.list_uris(resolved)

    def outline(self, resolved: ResolvedAdversarialRun) -> Outline:
        """Return the schedule of a game. In each round, the generators move first and the takers second.

        Before each turn of the takers but the first, an adapter may be trained for them. Its index continues the
        indices of their initial adapters. Rivals are trained and never move.
        """
        takers = search_settings.list_training(TAKERS, resolved.game.takers)
        generators, rivals = (
            search_settings.list_training(swarm, resolved.generators) for swarm in (GENERATORS, RIVALS)
        )
        later = (Turn(Kind.TRAIN, TAKERS, first_iteration=1, index_offset=len(takers) - 1),)
        return Outline(
            iterations=resolved.game.rounds,
            training=(*generators, *takers, *rivals),
            turns=(Turn(), *(later if resolved.game.train else ()), Turn(swarm=TAKERS)),
            needs=search_settings.build_needs(resolved),
            iteration_noun="round",
        )

    def status(self, outline: Outline, state: EngineState, common: RunStatus) -> RunStatus:
        """Return the status of an AdversarialRun."""
        return status_projection.build_adversarial_run_status(outline, state, common)


PROGRAM = AdversarialRunProgram()
