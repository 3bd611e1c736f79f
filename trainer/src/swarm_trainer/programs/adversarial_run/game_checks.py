"""Is the game fair? What two sides and a pool must satisfy beyond what each side must; asked while preparing."""

from collections.abc import Iterable

from swarm_core.api.resolved import ResolvedSpec
from swarm_core.errors import BadInputError
from swarm_core.experiment import SeedData
from swarm_core.items import Item
from swarm_core.ports import Solver
from swarm_core.programs.adversarial_run.resolved import find_game
from swarm_core.text.normalization import normalize
from swarm_trainer.evaluation import run_parts
from swarm_trainer.runtime import remote_endpoints

MAX_NAMED_ITEMS = 3
"""Items named in a refusal; the number of the others is said."""


def check(resolved: ResolvedSpec, generators: SeedData, takers: SeedData) -> None:
    """Raises BadInputError, naming the field, for the first thing that would make the game meaningless."""
    game = find_game(resolved)
    assert game is not None
    size, most = game.pool.size, len(generators.pool)
    if size > most:
        raise BadInputError(
            f"spec.pool.size: {size} items, but the generators' data holds {most} that are not held out, and the first"
            " pool is drawn from them; lower it, or give more items"
        )
    if len(takers.held_out) < 2:
        raise BadInputError(
            f"spec.takers.data.heldOut: {len(takers.held_out)} items are held out, and two at least are needed: some"
            " for the curve, others for the verdict; raise it, or give more items"
        )
    check_unseen(takers.held_out, generators.pool, "the generators' data, from which the pool is filled")
    check_unseen(takers.held_out, takers.pool, "what takers are trained on, written otherwise")
    if not isinstance(run_parts.build_judge(resolved), Solver):
        raise BadInputError(
            f"spec.judge: {remote_endpoints.judge_name(resolved)} knows no answers, and takers are trained on"
            f" verified ones;"
            " choose a verifier that does"
        )


def check_unseen(held_out: Iterable[Item], seen: Iterable[Item], where: str) -> None:
    """Raises BadInputError, naming the items, if any held-out item stands in `seen`."""
    known = {normalize(item.text) for item in seen}
    found = [item.text for item in held_out if normalize(item.text) in known]
    if found:
        named = ", ".join(repr(text[:60]) for text in found[:MAX_NAMED_ITEMS])
        more = f" and {len(found) - MAX_NAMED_ITEMS} more" if len(found) > MAX_NAMED_ITEMS else ""
        raise BadInputError(
            f"spec.takers.data.heldOut: {named}{more} are held out of the takers' data and stand in {where}, too: they"
            " would show what was learnt by heart; remove them from one of the two"
        )
