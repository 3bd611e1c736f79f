"""Whole runs with the real operator on a real control plane. Containers answer at once with prepared receipts.

The final digest of a run depends on its whole history, so one comparison proves that nothing was lost, done twice or
done in the wrong order.
"""

import json
from typing import Any

import pytest
import simulated_containers
import swarmrun_documents as documents
import yaml
from cluster_environment import ClusterNamespace
from simulated_containers import ITERATIONS, LOCAL, SERVED, SimulatedContainers

from swarm_core.engine.phases import Phase
from swarm_core.engine.work import Kind
from swarm_operator.common import names

pytestmark = pytest.mark.cluster
GAME: documents.Patch = {
    **{path: SERVED[path] for path in ("spec.storage", "spec.generators.count", "spec.execution")},
    "spec.takers.count": 2,
    "spec.takers.learning": {"type": "Train"},
    "spec.rounds": ITERATIONS,
}
KIBI = 1024
PHASES = (Phase.PREPARING, Phase.SEEDING, Phase.ITERATING, Phase.CONCLUDING)


def assert_same(site: ClusterNamespace, bench: SimulatedContainers, name: str, seconds: float = 90) -> Any:
    """Check that the run succeeds with the digest of an undisturbed one, and that every launch was in order."""
    run = site.succeeded(name, seconds)
    assert simulated_containers.saved_engine_state(run)["outcome"]["result"] == simulated_containers.undisturbed_result(
        bench.iterations
    )
    assert bench.faults == []
    return run


def test_a_run_without_servers_succeeds_and_leaves_nothing_once_deleted(site: ClusterNamespace) -> None:
    bench = SimulatedContainers(ITERATIONS)
    site.node("n", bench.behave)
    site.operator("a")
    before = site.create("local", LOCAL)
    run = assert_same(site, bench, "local")
    assert set(bench.begun.values()) == {1}
    assert run["spec"] == before["spec"]
    assert len(json.dumps(run)) < 64 * KIBI
    managers = {(entry["manager"], entry.get("subresource")) for entry in run["metadata"]["managedFields"]}
    assert {part for manager, part in managers if manager == "dataswarm-operator"} == {"status"}
    site.api.call("DELETE", f"{site.runs}/local")
    site.until(lambda: not site.left(), 30, "nothing is left of it")


def test_servers_and_trainers_share_one_accelerator_by_turns(site: ClusterNamespace) -> None:
    bench = SimulatedContainers(
        ITERATIONS, seconds=0.6
    )  # accelerators are counted by pods' times, which are whole seconds
    node = site.node("n", bench.behave, gpus=1)
    site.operator("a")
    site.create("served", SERVED)
    run = assert_same(site, bench, "served", 120)
    works = [pod["metadata"]["labels"][names.WORK_LABEL] for pod in node.history]
    assert works.count("train") == 3
    assert works.index("serve") > max(number for number, work in enumerate(works) if work == "train")
    site.until(lambda: not serving(site), 30, "the server is gone")
    assert sum(run["status"]["gpuSeconds"][part] for part in ("busy", "loading", "idle")) > 0


def test_a_game_takes_its_turns_and_what_it_trains_shares_one_accelerator_with_its_servers(
    site: ClusterNamespace,
) -> None:
    bench = SimulatedContainers(ITERATIONS, takers=2)
    node = site.node("n", bench.behave, gpus=1)
    site.operator("a")
    site.create_game("game", GAME)
    run = site.succeeded("game", 180)
    assert simulated_containers.saved_engine_state(run)["outcome"]["result"] == simulated_containers.undisturbed_result(
        ITERATIONS, takers=2
    )
    assert bench.faults == []
    assert set(bench.begun.values()) == {1}
    assert [row["round"] for row in run["status"]["history"]] == list(range(ITERATIONS + 1))
    works = [pod["metadata"]["labels"][names.WORK_LABEL] for pod in node.history]
    assert works.count("train") == 3 + 2 + 3 + ITERATIONS
    assert works.count("serve") == 1 + ITERATIONS
    site.api.call("DELETE", f"{site.games}/game")
    site.until(lambda: not site.left(), 30, "nothing is left of it")


def test_applying_the_same_yaml_again_changes_nothing(site: ClusterNamespace) -> None:
    bench = SimulatedContainers(ITERATIONS)
    site.node("n", bench.behave)
    site.operator("a")
    document = documents.patched({"metadata.name": "applied", **LOCAL})
    apply(site, document)
    assert_same(site, bench, "applied")
    before = site.run("applied")
    apply(site, document)
    after = site.run("applied")
    assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]


@pytest.mark.parametrize(("phase", "kind"), list(zip(PHASES, Kind, strict=True)), ids=PHASES)
def test_a_run_suspended_in_any_phase_frees_its_node_and_goes_on_to_the_same_end(
    site: ClusterNamespace, phase: Phase, kind: Kind
) -> None:
    bench = SimulatedContainers(ITERATIONS, held=kind)
    node = site.node("n", bench.behave)
    site.operator("a")
    site.create("held", LOCAL)
    site.until(lambda: site.phase("held") == phase and living(node), 60, f"it is {phase}")
    path = f"{site.runs}/held"
    assert site.api.merge(path, {"spec": {"suspend": True}})[0] == 200
    site.until(lambda: not living(node) and not alive(site), 30, "nothing of it runs")
    # The pods go first; the operator writes the condition when it has seen them gone.
    site.until(lambda: condition(site.run("held"), "Suspended") == "True", 30, "it says so")
    bench.held = None
    assert site.api.merge(path, {"spec": {"suspend": False}})[0] == 200
    assert_same(site, bench, "held")


def test_a_recreated_run_takes_over_no_child_of_its_forerunner(site: ClusterNamespace) -> None:
    bench = SimulatedContainers(ITERATIONS, seconds=0.3)
    site.node("n", bench.behave)
    site.operator("a")
    site.create("again", LOCAL)
    site.until(lambda: site.phase("again") == Phase.ITERATING, 60, "the first iterates")
    site.api.call("DELETE", f"{site.runs}/again")
    second = site.until(lambda: created(site, "again"), 20, "the name is free")
    assert_same(site, bench, "again")
    uid = second["metadata"]["uid"]
    site.until(lambda: owners(site) == {uid}, 30, "the first one's are gone")


REFUSED: list[tuple[str, documents.Patch]] = [
    ("spec.storage", {"spec.storage": {"type": "Local", "local": {"path": "runs"}}}),
    ("worker.cpuLimit", {"spec.execution": {"kubernetes": {"worker": {"cpu": "2", "cpuLimit": "1"}}}}),
    ("maxAccelerators", {"spec.execution": {"kubernetes": {"maxAccelerators": 1, "servers": {"replicas": 2}}}}),
    ("nodeSelector", {"spec.execution": {"kubernetes": {"podTemplate": {"nodeSelector": {"a b": "c"}}}}}),
]


def test_what_only_a_cluster_can_refuse_is_refused_with_the_field_and_without_a_child(site: ClusterNamespace) -> None:
    bench = SimulatedContainers(ITERATIONS)
    site.node("n", bench.behave)
    operator = site.operator("a")
    for number, (_, patch) in enumerate(REFUSED):
        site.create(f"bad-{number}", {**LOCAL, **patch})
    site.create("good", LOCAL)
    assert_same(site, bench, "good")
    for number, (field, _) in enumerate(REFUSED):
        run = site.until(lambda name=f"bad-{number}": answered(site, name), 10, "it is answered")
        assert condition(run, "Validated") == "False"
        assert field in message(run, "Validated")
    assert {thing["metadata"]["labels"][names.RUN_LABEL] for thing in site.children("Job")} == {"good"}
    assert operator.alive()


def test_hostile_names_and_texts_go_nowhere(site: ClusterNamespace) -> None:
    bench = SimulatedContainers(ITERATIONS)
    site.node("n", bench.behave)
    site.operator("a")
    longest = "x" * 63
    site.create(longest, {**LOCAL, "metadata.labels": {"dataswarm.io/run-uid": "secrets"}})
    site.create(
        "texts",
        {**LOCAL, "spec.domain": "$(cat /etc/passwd) `id` %s {0} \u202e \U0001f600", "spec.base.model": "a/../../b"},
    )
    for name in (longest, "texts"):
        site.until(lambda name=name: site.phase(name) or answered(site, name), 30, "it is answered")
    assert_same(site, bench, longest)


def serving(site: ClusterNamespace) -> list[Any]:
    return [pod for pod in site.children("Pod") if pod["metadata"]["labels"][names.WORK_LABEL] == names.SERVE]


def living(node: Any) -> list[Any]:
    """Containers that have not ended."""
    return [life for life in list(node.lives.values()) if life.ended() is None]


def alive(site: ClusterNamespace) -> list[Any]:
    return [pod for pod in site.children("Pod") if pod["status"].get("phase") in ("Pending", "Running")]


def condition(run: Any, kind: str) -> str:
    return next((one["status"] for one in run.get("status", {}).get("conditions", ()) if one["type"] == kind), "")


def message(run: Any, kind: str) -> str:
    return next(one["message"] for one in run["status"]["conditions"] if one["type"] == kind)


def answered(site: ClusterNamespace, name: str) -> Any:
    """The run, once it says whether it can be executed."""
    run = site.run(name)
    return run if condition(run, "Validated") else None


def owners(site: ClusterNamespace) -> set[str]:
    """The runs that have a Job."""
    return {thing["metadata"]["labels"][names.RUN_UID_LABEL] for thing in site.children("Job")}


def created(site: ClusterNamespace, name: str) -> Any:
    document = documents.patched({"metadata.name": name, **LOCAL})
    status, answer = site.api.call("POST", site.runs, document)
    return answer if status == 201 else None


def apply(site: ClusterNamespace, document: documents.Document) -> None:
    text = yaml.safe_dump(document)
    path = f"{site.runs}/{document['metadata']['name']}?fieldManager=user"
    status, answer = site.api.call("PATCH", path, text, "application/apply-patch+yaml")
    assert status in (200, 201), answer
