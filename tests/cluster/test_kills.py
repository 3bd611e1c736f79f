"""Whole runs with servers, while everything around them is killed. benchmarks/operator_kills.py runs longer."""

import pytest
import simulated_containers
from chaos import Campaign, Chaos
from cluster_environment import ClusterNamespace
from simulated_containers import ITERATIONS, SERVED, SimulatedContainers

pytestmark = pytest.mark.cluster
FAULTS = 12


def test_whatever_is_killed_every_run_ends_as_an_undisturbed_one(site: ClusterNamespace) -> None:
    bench = SimulatedContainers(ITERATIONS, seconds=0.3)
    chaos = Chaos(site, bench, seed=11)
    campaign = Campaign(
        chaos, lambda name: site.create(name, SERVED), simulated_containers.undisturbed_result(ITERATIONS)
    )
    try:
        campaign.go(FAULTS, beside=2, pause=2.0)
        assert campaign.differing == []
        assert bench.faults == []
        for name in campaign.ended:
            site.api.call("DELETE", f"{site.runs}/{name}")
        site.until(lambda: not site.left(), 60, "nothing is left")
    finally:
        chaos.close()
