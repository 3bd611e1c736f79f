"""What the engine and the swarm are told of a spec's search."""

import pytest
import swarmrun_documents as documents

from swarm_core.api import loading, resolution
from swarm_core.api.resolved import ResolvedSpec
from swarm_core.optimizers import optimization
from swarm_core.optimizers.cma_es import CmaEs
from swarm_core.optimizers.optimizer import Optimizer
from swarm_core.optimizers.published import Compat, Published
from swarm_core.optimizers.random_search import RandomSearch
from swarm_core.optimizers.standard import Standard
from swarm_core.programs import program_protocol, search_settings


def resolved(swarm: documents.Document) -> ResolvedSpec:
    return resolution.resolve_run(loading.parse_object(documents.patched({"spec.swarm": swarm}), "run.yaml"))


@pytest.mark.parametrize(
    ("swarm", "rule"),
    [
        ({}, Standard()),
        ({"standard": {}}, Standard()),
        ({"standard": {"start": "Generators", "maxVelocity": 2}}, Standard(analogies=False, max_velocity=2.0)),
        ({"standard": {"scattered": 0}}, Standard(scattered=0)),
        ({"standard": {"scattered": 5.0}}, Standard(scattered=5)),
        ({"rule": "Published", "published": {"repel": 0.2}}, Published(repel=0.2)),
        ({"rule": "Published", "published": {"compat": "Reference"}}, Published(compat=Compat.REFERENCE)),
        ({"optimizer": "RandomSearch", "randomSearch": {"halfWidth": 2}}, RandomSearch(half_width=2.0)),
        ({"optimizer": "CmaEs"}, CmaEs()),
        ({"optimizer": "CmaEs", "cmaEs": {"sigma": 1, "maxPosition": 3}}, CmaEs(sigma=1.0, max_position=3.0)),
    ],
    ids=str,
)
def test_every_constant_of_the_spec_reaches_the_swarm(swarm: documents.Document, rule: Optimizer) -> None:
    assert search_settings.build_plan(resolved(swarm)).optimizer == rule


@pytest.mark.parametrize(
    ("swarm", "iterations"),
    [({}, 20), ({"rule": "Published"}, 20), ({"optimizer": "CmaEs"}, 38), ({"optimizer": "RandomSearch"}, 38)],
    ids=str,
)
def test_the_engine_goes_on_for_as_long_as_the_search_does(swarm: documents.Document, iterations: int) -> None:
    spec = resolved(swarm)
    assert (
        program_protocol.build_outline(spec).iterations
        == iterations
        == optimization.iterations(search_settings.build_plan(spec))
    )


@pytest.mark.parametrize(
    ("swarm", "groups", "cohesion"),
    [
        ({"groups": "Global"}, 1, Standard().cohesion),
        ({"groups": "PerLayer"}, 7, 0.2),
        ({"groups": "PerLayer", "perLayer": {"cohesion": 0.75}, "standard": {"remeasured": 0}}, 7, 0.75),
    ],
    ids=["global", "per layer", "per layer, constants written"],
)
def test_layers_make_blocks_only_where_they_have_coefficients_of_their_own(
    swarm: documents.Document, groups: int, cohesion: float
) -> None:
    plan = search_settings.build_plan(resolved(swarm), layers=7)
    assert isinstance(plan.optimizer, Standard)
    assert (plan.groups, plan.optimizer.cohesion) == (groups, cohesion)
    assert optimization.budget(plan) == optimization.budget(search_settings.build_plan(resolved(swarm)))


def test_rivals_and_the_default_choose_among_finalists_with_as_many_items() -> None:
    chosen = {search_settings.items_per_finalist(resolved(swarm)) for swarm in ({}, {"optimizer": "CmaEs"})}
    assert len(chosen) == 1
