"""An AdversarialRun: models and CRD agree, rules have examples, and the digest names the experiment."""

from pathlib import Path

import crd_validator
import pytest
import swarmrun_documents as documents
from adversarial_documents import EXAMPLES, REFERENCE, RESOURCE, SCHEMA, minimal, patched
from engine_simulation import list_training
from rule_example import Example
from swarmrun_documents import Document, Patch

from swarm_core.api import crd, loading, resolution, schema
from swarm_core.blocks.block import VALIDATIONS
from swarm_core.engine.planning import Turn
from swarm_core.engine.work import Kind
from swarm_core.errors import BadInputError
from swarm_core.optimizers.standard import Standard
from swarm_core.programs import program_protocol, search_settings
from swarm_core.programs.adversarial_run.adversarial_run_spec import (
    FIXED_NON_IDENTITY_FIELDS,
    IDENTITY_FIELDS,
    MUTABLE_FIELDS,
    AdversarialRun,
    AdversarialRunSpec,
)

CRDS = Path(__file__).parents[3] / "crds"


def resolved(patch: Patch) -> resolution.ResolvedSpec:
    return resolution.resolve_run(loading.parse_object(patched(patch), "run.yaml"))


def refusal(document: Document) -> str:
    try:
        loading.parse_object(document, "run.yaml")
    except BadInputError as error:
        return str(error)
    return ""


def test_a_game_has_no_rivals_of_a_search() -> None:
    """Its generators and takers are compared with their own initial ones."""
    assert "spec.evaluation.rivals" in refusal(patched({"spec.evaluation": {"rivals": [{"type": "UniformSoup"}]}}))
    assert "rivals" not in SCHEMA["properties"]["spec"]["properties"]["evaluation"]["properties"]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.message.split(";")[0])
def test_models_and_crd_refuse_the_same_for_the_same_reason(example: Example) -> None:
    good, bad = patched(example.accept), patched(example.reject)
    assert refusal(good) == ""
    assert crd_validator.list_refusals(good, SCHEMA) == []
    assert refusal(bad).endswith(example.message)
    assert crd_validator.list_refusals(bad, SCHEMA) == [example.message]


def test_every_rule_of_its_own_has_an_example() -> None:
    old = {rule["message"] for rule in crd_validator.rules(documents.SCHEMA)}
    told = {rule["message"] for rule in crd_validator.rules(SCHEMA) if "oldSelf" not in rule["rule"]}
    assert told - old == {example.message for example in EXAMPLES} - old


def test_every_field_of_the_spec_is_fixed_or_free() -> None:
    assert sorted(IDENTITY_FIELDS + FIXED_NON_IDENTITY_FIELDS + MUTABLE_FIELDS) == sorted(
        SCHEMA["properties"]["spec"]["properties"]
    )
    assert len(IDENTITY_FIELDS + FIXED_NON_IDENTITY_FIELDS + MUTABLE_FIELDS) == len(AdversarialRunSpec.model_fields)
    fixed = [rule for rule in SCHEMA["properties"]["spec"][VALIDATIONS] if "oldSelf" in rule["rule"]]
    assert [rule["fieldPath"] for rule in fixed] == [f".{name}" for name in IDENTITY_FIELDS + FIXED_NON_IDENTITY_FIELDS]
    edited = crd_validator.list_refusals(patched({"spec.rounds": 3}), SCHEMA, before=minimal())
    assert edited == ["rounds is fixed once a run exists; create an AdversarialRun with another name"]


def test_the_committed_crd_and_editor_schema_are_the_generated_ones() -> None:
    assert (CRDS / "dataswarm.io_adversarialruns.yaml").read_text() == crd.text(RESOURCE)
    assert (CRDS / "adversarialrun.schema.json").read_text() == schema.text(AdversarialRun)


def test_a_typo_and_a_bound_are_told_in_the_words_of_the_kind() -> None:
    assert "spec.pool.sise: unknown field; did you mean size?" in refusal(patched({"spec.pool.sise": 9}))
    assert "spec.rounds: 0 must be at least 1" in refusal(patched({"spec.rounds": 0}))
    assert "spec.takers: is missing; it is needed: the side that answers" in refusal(
        patched({"spec.takers": documents.GONE})
    )


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        ({"spec.rounds": 7}, "spec.rounds"),
        ({"spec.pool.turnover": 0.5}, "spec.pool"),
        ({"spec.takers.swarm.particles": 9}, "spec.takers"),
        ({"spec.takers.learning.type": "Train"}, "spec.takers"),
        ({"spec.generators.opponents.league": 2}, "spec.generators"),
        ({"spec.generators.swarm": {"bests": "Stale"}}, "spec.generators"),
        ({"spec.stop": {"mastered": 0.9}}, "spec.stop"),
    ],
    ids=str,
)
def test_what_changes_the_game_changes_the_digest(patch: Patch, field: str) -> None:
    assert resolution.spec_digest(resolved(patch)) != resolution.spec_digest(resolved({})), field


def test_how_it_is_carried_out_does_not() -> None:
    patch = {"spec.execution": {"local": {"lanes": 3}}, "metadata.name": "other"}
    assert resolution.spec_digest(resolved(patch)) == resolution.spec_digest(resolved({}))


def test_the_digest_of_the_smallest_game_stays_what_it_is() -> None:
    assert resolution.spec_digest(resolved({})) == "bdbaa9ee0c22709009bce33fe96a41ce0c6cc93b6aa1e9ed60c95487500f8830"


def test_released_bests_are_stale_and_all_others_measured_again() -> None:
    game = resolved({"spec.generators.swarm": REFERENCE, "spec.takers.swarm": {"bests": "Decay"}}).game
    assert game is not None
    assert [(side.swarm.rescored, side.swarm.decay) for side in game.sides] == [(False, 1.0), (False, 0.8)]
    assert game.reference
    plain = resolved({}).game
    assert plain is not None
    assert all(side.swarm.rescored for side in plain.sides)


def test_a_game_is_outlined_as_two_swarms_that_move_and_one_that_is_only_seeded() -> None:
    patch = {"spec.takers.learning.type": "Train", "spec.takers.count": 3, "spec.rounds": 5}
    outline = program_protocol.build_outline(resolved(patch))
    assert (outline.iterations, outline.iteration_noun) == (5, "round")
    assert outline.training == list_training(generators=4, takers=3, rivals=4)
    assert outline.turns == (Turn(), Turn(Kind.TRAIN, "takers", 1, 2), Turn(swarm="takers"))
    given = program_protocol.build_outline(
        resolved({"spec.takers.adapters": ["a", "b"], "spec.generators.adapters": ["c", "d"]})
    )
    assert (given.training, given.turns) == ((), (Turn(), Turn(swarm="takers")))


def test_each_side_sees_the_spec_as_its_own_and_draws_from_a_seed_of_its_own() -> None:
    spec = resolved({"spec.takers.swarm": {"particles": 5, "rule": "Published"}, "spec.takers.count": 3})
    ours, theirs, rivals = (
        search_settings.build_plan(spec.for_swarm(name)) for name in ("generators", "takers", "rivals")
    )
    assert (ours.basis, ours.particles, theirs.basis, theirs.particles) == (4, 8, 3, 5)
    assert theirs.optimizer.name == "Published"
    assert len({ours.seed, theirs.seed, rivals.seed}) == 3
    assert rivals.basis == ours.basis


@pytest.mark.parametrize(("standard", "places"), [({}, 0), ({"scattered": 7}, 7), ({"scattered": 0}, 0)], ids=str)
def test_a_game_begins_at_random_places_only_where_it_is_told_to(standard: Document, places: int) -> None:
    spec = resolved({"spec.takers.swarm.standard": standard, "spec.generators.swarm.standard": standard})
    for name in ("generators", "takers"):
        assert search_settings.build_plan(spec.for_swarm(name)).optimizer == Standard(scattered=places)


def test_paths_of_both_sides_are_inputs() -> None:
    fields = [use.field for use in resolution.list_uris(resolved({"spec.takers.adapters": ["a", "b"]}))]
    assert fields == [
        "spec.base.model",
        "spec.generators.data.uri",
        "spec.takers.data.uri",
        "spec.takers.adapters[0]",
        "spec.takers.adapters[1]",
    ]


@pytest.mark.parametrize("name", ["resumeFrom", "swarm", "objective"])
def test_what_only_a_swarm_run_has_is_refused_as_that(name: str) -> None:
    said = refusal(patched({f"spec.{name}": {}}))
    assert said == f"run.yaml: spec.{name}: SwarmRun has this field, but AdversarialRun does not; remove it"


def test_takers_of_somebody_else_do_not_move() -> None:
    said = refusal(patched({"spec.takers.endpoint": {"url": "https://host/v1", "model": "large"}}))
    assert said.startswith("run.yaml: spec.takers.endpoint: unknown field; known here: ")
