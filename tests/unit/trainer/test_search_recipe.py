"""The model at a position: what a spec's groups and merge make of the coefficients."""

from dataclasses import replace

import pytest
import swarmrun_documents as documents

from swarm_core.api import loading, resolution
from swarm_core.composition import Single
from swarm_core.experiment import Experiment, SeedData
from swarm_core.items import build_items
from swarm_core.objectives.difficulty import Difficulty
from swarm_core.programs import search_settings
from swarm_core.recipe import Merge, TensorGroup, build_mixture, digest_bytes
from swarm_trainer.evaluation import evaluator
from swarm_trainer.evaluation.evaluator import Evaluator
from swarm_trainer.evaluation.search_setup import SearchSetup
from swarm_trainer.runtime.layers import Layers
from swarm_trainer.runtime.search_space import SearchSpace

BASE, *BASIS = (digest_bytes(name.encode()) for name in ("base", "one", "two"))
PREFIXES = ("base_model.model.model.layers.0.", "base_model.model.model.layers.1.")


def made(swarm: documents.Document, layers: Layers | None = None) -> SearchSetup:
    """The setup of a run without takers or data that matter."""
    document = documents.patched({"spec.generators.adapters": ["a", "b"], "spec.swarm": swarm})
    resolved = resolution.resolve_run(loading.parse_object(document, "run.yaml"))
    experiment = Experiment(digest=BASE, base=BASE, takers=(), data=BASE, adapters=tuple(BASIS))
    return SearchSetup(
        resolved=resolved,
        manifest=BASE,
        experiment=experiment,
        plan=search_settings.build_plan(resolved, len(layers.prefixes) if layers else 1),
        space=SearchSpace(BASE, tuple(BASIS), resolved.base.dtype, resolved.swarm.exact, layers),
        evaluator=Evaluator(
            evaluator.build_examination(resolved, experiment, SeedData((build_items(["1+1"]),), ())),
            (("Difficulty", Difficulty()),),
            Single("Difficulty"),
            resolved.evaluation.coverage,
        ),
    )


def test_by_default_a_position_is_one_elementwise_sum_for_all_tensors() -> None:
    assert made({}).space.recipe((0.25, 0.75)) == build_mixture(BASE, BASIS, (0.25, 0.75), "bfloat16")


def test_a_position_per_layer_is_one_group_per_layer() -> None:
    run = made({"groups": "PerLayer"}, Layers(PREFIXES, rest=False))
    groups = run.space.recipe((1.0, 0.0, -0.5, 1.5)).groups
    assert groups == (TensorGroup((1.0, 0.0), PREFIXES[:1]), TensorGroup((-0.5, 1.5), PREFIXES[1:]))
    assert run.plan.groups == 2


def test_an_exact_merge_names_its_highest_rank() -> None:
    recipe = made({"merge": "Exact", "exact": {"maxRank": 12}}).space.recipe([0.5, 0.5])
    assert (recipe.merge, recipe.max_rank) == (Merge.EXACT, 12)
    assert replace(recipe, merge=Merge.ELEMENTWISE, max_rank=None) == made({}).space.recipe([0.5, 0.5])


def test_a_position_of_other_blocks_is_refused() -> None:
    with pytest.raises(ValueError, match="3 coefficients are not 2 blocks"):
        made({"groups": "PerLayer"}, Layers(PREFIXES, rest=False)).space.recipe((1.0, 0.0, 0.0))
