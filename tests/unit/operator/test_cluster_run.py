"""Refusals that depend on the cluster, before any child is created."""

import copy

import generated_documents as generated
import pod_world
import pytest
import swarmrun_documents as documents
from hypothesis import given, settings
from pod_world import World

from swarm_core.api import loading, resolution
from swarm_core.api.resolved import ResolvedSpec
from swarm_core.errors import BadInputError
from swarm_core.programs import program_protocol
from swarm_operator.common import accelerators, cluster_run
from swarm_trainer.worker import session

CLUSTER = "spec.execution.kubernetes"
REFUSALS = [
    ({"spec.storage": documents.GONE}, "spec.storage: pods share no folder; write type S3 and name a bucket"),
    ({"spec.storage": {"type": "Local", "local": {"path": "a"}}}, "spec.storage: pods share no folder"),
    ({f"{CLUSTER}.trainer.accelerators": 3}, "one training pod needs more accelerators than the run may hold"),
    ({f"{CLUSTER}.servers.replicas": 2}, "servers of 2 base models need 4 at once; raise it"),
    (
        {f"{CLUSTER}.modelCache": {"claim": {"size": "1Gi", "accessMode": "ReadWriteOnce"}}},
        "modelCache.claim.accessMode: it is ReadWriteOnce",
    ),
    ({f"{CLUSTER}.podTemplate.nodeSelector": {"a b": "c"}}, "podTemplate.nodeSelector: 'a b' is not a valid key"),
    ({f"{CLUSTER}.podTemplate.labels": {"-a": "c"}}, "podTemplate.labels: '-a' is not a valid key"),
    ({f"{CLUSTER}.podTemplate.annotations": {"a/b/c": "d"}}, "podTemplate.annotations: 'a/b/c' is not a valid key"),
    ({f"{CLUSTER}.worker": {"cpu": "2", "cpuLimit": "1900m"}}, "worker.cpuLimit: 1900m is below the request 2"),
    ({f"{CLUSTER}.servers": {"cpu": "1k", "cpuLimit": "999"}}, "servers.cpuLimit: 999 is below the request 1k"),
    ({"spec.evaluation.student": {}}, "spec.evaluation.student: the conclusion trains it and holds no accelerator"),
    ({"spec.swarm.particles": 1}, "spec.swarm.particles"),
    ({"spec.takers": []}, "spec.takers"),
    ({"spec.unknown": 1}, "spec.unknown: unknown field"),
    ({"metadata.name": "../../etc"}, "metadata.name"),
    ({"spec": None}, "spec"),
]


@pytest.mark.parametrize(("patch", "words"), REFUSALS)
def test_a_run_that_cannot_be_had_is_refused_by_name_and_gets_no_child(patch: documents.Patch, words: str) -> None:
    world = World(pod_world.run({**pod_world.SERVED}))
    world.run = documents.patched(patch, world.run)
    world.operate()
    (told,) = [one for one in world.run["status"]["conditions"] if one["type"] == "Validated"]
    assert (told["status"], told["reason"]) == ("False", "InvalidSpec")
    assert words in told["message"]
    assert not world.things
    assert world.events == ["InvalidSpec"]
    world.operate()
    assert world.events == ["InvalidSpec"]


def test_a_run_that_was_refused_begins_once_it_is_mended() -> None:
    world = World(pod_world.run({**pod_world.LOCAL, f"{CLUSTER}.maxAccelerators": 0}))
    world.operate()
    assert world.conditions()["Stalled"] == ("True", "InvalidSpec")
    world.edit({f"{CLUSTER}.maxAccelerators": 2})
    world.drive()
    assert world.phase == "Succeeded"
    assert world.conditions()["Validated"] == ("True", "Valid")


def test_a_cache_of_one_node_suits_a_run_whose_pods_follow_one_another() -> None:
    claim = {"claim": {"size": "1Gi", "accessMode": "ReadWriteOnce"}}
    alone = {**pod_world.LOCAL, f"{CLUSTER}.modelCache": claim, f"{CLUSTER}.maxAccelerators": 1}
    assert cluster_run.parse(pod_world.run(alone), pod_world.Defaults())


@settings(max_examples=150, deadline=None)
@given(generated.documents())
def test_no_document_stops_the_operator(document: documents.Document) -> None:
    run = copy.deepcopy(document)
    if not isinstance(run.get("metadata"), dict):
        run["metadata"] = {"name": "a"}
    run["metadata"] |= {"uid": "u", "namespace": "n", "resourceVersion": "1"}
    World(run).operate()


def test_pods_are_told_what_a_worker_is_told_and_nothing_of_a_pause() -> None:
    run = pod_world.run(pod_world.LOCAL)
    parsed = cluster_run.parse(run, pod_world.Defaults())
    held = cluster_run.parse(documents.patched({"spec.suspend": True, "spec.stopAfter": 2}, run), pod_world.Defaults())
    told = session.WorkerSpec.from_bytes(parsed.order_json.encode())
    assert (told.resolved, str(told.base_folder)) == (parsed.resolved, cluster_run.BASE_FOLDER)
    assert held.order_json == parsed.order_json
    assert held.digest == parsed.digest


def resolved(patch: documents.Patch) -> ResolvedSpec:
    run = pod_world.run(patch)
    run["metadata"].pop("uid")
    return resolution.resolve_run(loading.parse_object(run, "run"))


@pytest.mark.parametrize(
    ("patch", "training", "searching"),
    [
        (pod_world.LOCAL, 2, 1),
        (pod_world.SERVED, 2, 2),
        ({**pod_world.SERVED, f"{CLUSTER}.servers": {"tensorParallel": 4, "replicas": 2}}, 2, 16),
        ({**pod_world.SERVED, f"{CLUSTER}.servers": {"accelerators": 0}}, 2, 0),
        ({**pod_world.LOCAL, f"{CLUSTER}.trainer.accelerators": 0}, 0, 0),
        ({**pod_world.SERVED, "spec.generators.adapters": ["a", "b", "c"]}, 0, 2),
    ],
)
def test_the_peak_is_the_larger_of_training_and_searching(
    patch: documents.Patch, training: int, searching: int
) -> None:
    spec = resolved(patch)
    held = spec.execution.kubernetes, program_protocol.build_outline(spec)
    assert (accelerators.count_for_training(*held), accelerators.count_for_search(*held)) == (training, searching)
    assert accelerators.peak(*held) == max(training, searching)


def test_a_refusal_is_an_error_of_the_user() -> None:
    with pytest.raises(BadInputError, match="pods share no folder"):
        cluster_run.parse(pod_world.run({"spec.storage": documents.GONE}), pod_world.Defaults())
