"""What the engine and the swarm are told of a spec's search."""

import pytest
import swarmrun_documents as documents

from swarm_core.api import loading, resolution
from swarm_core.api.resolved import ResolvedSpec
from swarm_core.engine import search_settings
from swarm_core.swarm import pso


def resolved(swarm: documents.Document) -> ResolvedSpec:
    return resolution.resolve(loading.from_object(documents.patched({"spec.swarm": swarm}), "run.yaml"))


@pytest.mark.parametrize(
    ("swarm", "rule"),
    [
        ({}, pso.Standard()),
        ({"standard": {}}, pso.Standard()),
        ({"standard": {"start": "Generators", "maxVelocity": 2}}, pso.Standard(analogies=False, max_velocity=2.0)),
        ({"standard": {"scattered": 0}}, pso.Standard(scattered=0)),
        ({"standard": {"scattered": 5.0}}, pso.Standard(scattered=5)),
        ({"rule": "Published", "published": {"repel": 0.2}}, pso.Published(repel=0.2)),
        ({"rule": "Published", "published": {"compat": "Reference"}}, pso.Published(compat=pso.Compat.REFERENCE)),
        ({"optimizer": "RandomSearch", "randomSearch": {"halfWidth": 2}}, pso.RandomSearch(half_width=2.0)),
        ({"optimizer": "CmaEs"}, pso.CmaEs()),
        ({"optimizer": "CmaEs", "cmaEs": {"sigma": 1, "maxPosition": 3}}, pso.CmaEs(sigma=1.0, max_position=3.0)),
    ],
    ids=str,
)
def test_every_constant_of_the_spec_reaches_the_swarm(swarm: documents.Document, rule: pso.Rule) -> None:
    assert search_settings.build_plan(resolved(swarm)).rule == rule


@pytest.mark.parametrize(
    ("swarm", "iterations"),
    [({}, 20), ({"rule": "Published"}, 20), ({"optimizer": "CmaEs"}, 38), ({"optimizer": "RandomSearch"}, 38)],
    ids=str,
)
def test_the_engine_goes_on_for_as_long_as_the_search_does(swarm: documents.Document, iterations: int) -> None:
    spec = resolved(swarm)
    assert (
        search_settings.build_outline(spec).iterations == iterations == pso.iterations(search_settings.build_plan(spec))
    )


@pytest.mark.parametrize(
    ("swarm", "groups", "cohesion"),
    [
        ({"groups": "Global"}, 1, pso.Standard().cohesion),
        ({"groups": "PerLayer"}, 7, 0.2),
        ({"groups": "PerLayer", "perLayer": {"cohesion": 0.75}, "standard": {"remeasured": 0}}, 7, 0.75),
    ],
    ids=["global", "per layer", "per layer, constants written"],
)
def test_layers_make_blocks_only_where_they_have_coefficients_of_their_own(
    swarm: documents.Document, groups: int, cohesion: float
) -> None:
    plan = search_settings.build_plan(resolved(swarm), layers=7)
    assert isinstance(plan.rule, pso.Standard)
    assert (plan.groups, plan.rule.cohesion) == (groups, cohesion)
    assert pso.budget(plan) == pso.budget(search_settings.build_plan(resolved(swarm)))


def test_rivals_and_the_default_choose_among_finalists_with_as_many_items() -> None:
    chosen = {search_settings.items_per_finalist(resolved(swarm)) for swarm in ({}, {"optimizer": "CmaEs"})}
    assert len(chosen) == 1
