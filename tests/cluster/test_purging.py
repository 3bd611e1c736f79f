"""Runs that are deleted with their results, on a real control plane: finalizers, cascading deletion, a Job without an
owner.
"""

import pytest
import swarmrun_documents as documents
from cluster_environment import ClusterNamespace
from process_node import Answer
from simulated_containers import ITERATIONS, LOCAL, SimulatedContainers

from swarm_core.engine.phases import Phase
from swarm_operator.common import names

pytestmark = pytest.mark.cluster
PURGE: documents.Patch = {**LOCAL, "spec.deletionPolicy": "Purge"}
BAD = Answer(65, '{"failed": {"reason": "BadInput", "message": "access denied"}}')
SLOW = Answer(forever=True)


def gone(site: ClusterNamespace, name: str) -> bool:
    return bool(site.api.call("GET", f"{site.runs}/{name}")[0] == 404)


def await_events(site: ClusterNamespace, reason: str) -> list[str]:
    """The messages of the events with this reason. The operator writes them after it has let the run go."""
    path = f"/api/v1/namespaces/{site.namespace}/events?fieldSelector=reason={reason}"
    return [one["message"] for one in site.until(lambda: site.api.items(path), 30, f"an event {reason} is there")]


@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
def test_results_go_before_the_run_and_nothing_is_left(site: ClusterNamespace, propagation: str) -> None:
    bench = SimulatedContainers(ITERATIONS)
    node = site.node("n", bench.behave)
    site.operator("a")
    before = site.create("purged", PURGE)
    run = site.succeeded("purged", 90)
    assert run["metadata"]["finalizers"] == [names.FINALIZER]
    assert run["spec"] == before["spec"]
    site.api.call("DELETE", f"{site.runs}/purged", {"propagationPolicy": propagation})
    site.until(lambda: gone(site, "purged"), 60, "the run is gone")
    works = [pod["metadata"]["labels"][names.WORK_LABEL] for pod in node.history]
    assert works.count(names.PURGE) == 1
    assert works[-1] == names.PURGE
    site.until(lambda: not site.left(), 30, "nothing is left of it")
    assert await_events(site, "Purged") == ["its results were deleted: 12 objects, 3,456 bytes"]
    assert bench.faults == []


def test_a_run_in_the_middle_of_its_work_stops_before_its_results_go(site: ClusterNamespace) -> None:
    bench = SimulatedContainers(ITERATIONS, seconds=2.0)
    node = site.node("n", bench.behave)
    first, second = site.operator("a"), site.operator("b")
    site.create("busy", PURGE)
    site.until(lambda: site.phase("busy") == Phase.ITERATING, 60, "it iterates")
    site.api.call("DELETE", f"{site.runs}/busy")
    first.kill()
    site.until(lambda: gone(site, "busy"), 90, "the run is gone")
    assert [pod["metadata"]["labels"][names.WORK_LABEL] for pod in node.history][-1] == names.PURGE
    site.until(lambda: not site.left(), 30, "nothing is left of it")
    assert second.alive()


def test_results_that_cannot_be_deleted_hold_the_run_no_longer(site: ClusterNamespace) -> None:
    site.node("n", SimulatedContainers(ITERATIONS, purge=BAD).behave)
    site.operator("a")
    site.create("stuck", PURGE)
    site.succeeded("stuck", 90)
    site.api.call("DELETE", f"{site.runs}/stuck")
    site.until(lambda: gone(site, "stuck"), 60, "the run is gone")
    site.until(lambda: not site.left(), 30, "nothing is left of it")
    (message,) = await_events(site, "PurgeAbandoned")
    assert "access denied" in message
    assert "s3://swarms/stuck" in message


def test_a_namespace_that_is_deleted_does_not_wait_for_the_purge(site: ClusterNamespace) -> None:
    """No Job can be created there. The Lease of the operator is elsewhere, as in an installation."""
    site.node("n", SimulatedContainers(ITERATIONS).behave)
    operator = site.operator("a", settings={"DATASWARM_LEASE_NAMESPACE": "kube-system"})
    site.create("leaving", PURGE)
    site.succeeded("leaving", 90)
    site.api.call("DELETE", f"/api/v1/namespaces/{site.namespace}")
    site.until(lambda: gone(site, "leaving"), 60, "the run is gone")
    assert "its results stay at s3://swarms/leaving" in operator.log.read_text()


def test_a_run_that_is_to_be_retained_after_all_is(site: ClusterNamespace) -> None:
    node = site.node("n", SimulatedContainers(ITERATIONS, purge=SLOW).behave)
    site.operator("a")
    site.create("kept", PURGE)
    site.succeeded("kept", 90)
    site.api.call("DELETE", f"{site.runs}/kept")
    site.until(
        lambda: node.history[-1]["metadata"]["labels"][names.WORK_LABEL] == names.PURGE, 60, "it is being purged"
    )
    assert site.api.merge(f"{site.runs}/kept", {"spec": {"deletionPolicy": "Retain"}})[0] == 200
    site.until(lambda: gone(site, "kept"), 30, "the run is gone")
    site.until(lambda: not site.left(), 30, "nothing is left of it")
