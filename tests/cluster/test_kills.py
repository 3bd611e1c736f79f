"""Whole runs, with servers, while everything around them is killed. benchmarks/operator_kills.py does it for longer."""

import canned
import pytest
import swarmrun_documents as documents
from canned import Bench
from chaos import Campaign, Chaos
from cluster_site import CHILDREN, Site

pytestmark = pytest.mark.cluster
ITERATIONS = 3
RUN: documents.Patch = {
    "spec.storage": {"type": "S3", "s3": {"bucket": "swarms"}},
    "spec.generators.count": 3,
    "spec.swarm": {"iterations": ITERATIONS},
    "spec.execution": {"kubernetes": {"inference": "VLLM", "maxAccelerators": 1, "trainer": {"accelerators": 1}}},
}
FAULTS = 12


def test_whatever_is_killed_every_run_ends_as_an_undisturbed_one(site: Site) -> None:
    bench = Bench(ITERATIONS, seconds=0.3)
    chaos = Chaos(site, bench, seed=11)
    campaign = Campaign(chaos, lambda name: site.create(name, RUN), canned.result(ITERATIONS))
    try:
        campaign.go(FAULTS, beside=2, pause=2.0)
        assert campaign.differing == []
        assert bench.faults == []
        for name in campaign.ended:
            site.api.call("DELETE", f"{site.runs}/{name}")
        site.until(lambda: not [thing for kind in CHILDREN for thing in site.children(kind)], 60, "nothing is left")
    finally:
        chaos.close()
