"""A game that would mean nothing is refused while it is prepared, with the items named."""

import pytest
import swarmrun_documents as documents
from fake_game import document

from swarm_core.api import loading, resolution
from swarm_core.api.resolution import ResolvedSpec
from swarm_core.errors import BadInputError
from swarm_core.experiment import SeedData
from swarm_core.items import build_items
from swarm_trainer.programs.adversarial_run import game_checks

SEEDS = SeedData((build_items(f"{n}+1" for n in range(12)),), ())
QUESTIONS = SeedData((build_items(["1+2", "2+2"]),), build_items(["3+3", "4+4"]))


def resolved(size: int = 12) -> ResolvedSpec:
    patch = {"spec.pool.size": size}
    return resolution.resolve_run(loading.parse_object(documents.patched(patch, document()), "run.yaml"))


def test_a_fair_game_passes() -> None:
    game_checks.check(resolved(), SEEDS, QUESTIONS)


def test_a_pool_larger_than_the_data_is_refused_with_both_sizes() -> None:
    with pytest.raises(BadInputError, match=r"spec\.pool\.size: 13 items, but the generators' data holds 12"):
        game_checks.check(resolved(13), SEEDS, QUESTIONS)


def test_held_out_items_that_stand_in_the_pools_data_are_named_however_they_are_spaced() -> None:
    leaky = SeedData(QUESTIONS.clusters, build_items(["3 + 1", "4+1", "5+1", "6+1", "9+9"]))
    with pytest.raises(BadInputError, match=r"heldOut: '3 \+ 1', '4\+1', '5\+1' and 1 more .* the pool is filled"):
        game_checks.check(resolved(), SEEDS, leaky)


@pytest.mark.parametrize("copy", ["2 + 2", "2+2=?", "(2)+2", "２+2", "2\u200b+2.0", "0+2+2"])
def test_held_out_items_that_takers_are_trained_on_under_another_spelling_are_named(copy: str) -> None:
    with pytest.raises(BadInputError, match=r"heldOut: '.*2.*' are held out .* trained on"):
        game_checks.check(resolved(), SEEDS, SeedData(QUESTIONS.clusters, build_items([copy, "3+3"])))


def test_one_held_out_item_is_too_few_for_a_curve_and_a_verdict() -> None:
    with pytest.raises(BadInputError, match="at least two are needed"):
        game_checks.check(resolved(), SEEDS, SeedData(QUESTIONS.clusters, build_items(["3+3"])))
