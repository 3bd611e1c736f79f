"""Checks a game while it is prepared: the conditions on both sides and the pool, beyond those on each side."""

from collections.abc import Iterable

from swarm_core.api.resolved import ResolvedSpec
from swarm_core.canonical_items import canonicalize_item
from swarm_core.errors import BadInputError
from swarm_core.experiment import SeedData
from swarm_core.items import Item
from swarm_core.ports import Judge, Solver
from swarm_core.programs.adversarial_run.resolved import find_game
from swarm_trainer.evaluation import run_parts
from swarm_trainer.runtime import remote_endpoints

MAX_NAMED_ITEMS = 3
"""The number of items that an error quotes; it gives the number of the others."""


def check(resolved: ResolvedSpec, generators: SeedData, takers: SeedData) -> None:
    """Check that the game has a meaning. Raises BadInputError, naming the field, for the first violation."""
    game = find_game(resolved)
    assert game is not None
    size, most = game.pool.size, len(generators.example_items)
    if size > most:
        raise BadInputError(
            f"spec.pool.size: {size} items, but the generators' data holds {most} that are not held out, and the first"
            " pool is drawn from them; lower it, or give more items"
        )
    if len(takers.held_out) < 2:
        raise BadInputError(
            f"spec.takers.data.heldOut: {len(takers.held_out)} items are held out, but at least two are needed: one"
            " for the curve and one for the final evaluation; raise it, or give more items"
        )
    judge = run_parts.build_judge(resolved)
    check_unseen(
        takers.held_out, generators.example_items, "the generators' data, from which the pool is filled", judge
    )
    check_unseen(takers.held_out, takers.example_items, "the items that takers are trained on", judge)
    if not isinstance(judge, Solver):
        raise BadInputError(
            f"spec.judge: {remote_endpoints.judge_name(resolved)} knows no answers, but takers are trained on"
            " verified answers; choose a verifier that knows them"
        )


def check_unseen(held_out: Iterable[Item], seen: Iterable[Item], where: str, judge: Judge) -> None:
    """Check that no held-out item is in `seen` in any spelling. Raises BadInputError, naming the items."""
    seen_items = {canonicalize_item(item, judge) for item in seen}
    repeated = [item.text for item in held_out if canonicalize_item(item, judge) in seen_items]
    if repeated:
        named = ", ".join(repr(text[:60]) for text in repeated[:MAX_NAMED_ITEMS])
        more = f" and {len(repeated) - MAX_NAMED_ITEMS} more" if len(repeated) > MAX_NAMED_ITEMS else ""
        raise BadInputError(
            f"spec.takers.data.heldOut: {named}{more} are held out of the takers' data but also occur in {where}:"
            " they would measure memorization; remove them from one of the two"
        )
