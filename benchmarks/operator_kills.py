"""Do runs end with the same result if operators and objects fail at random? Two operators on a real control plane.

Operators are killed and paused, the Lease is stolen, Jobs, pods and servers are deleted, nodes stop reporting, the API
server is restarted, and watches freeze. The seed draws the faults. New runs start as others end. Every run must end
with the digest of an undisturbed one, every item must follow the one before it, and nothing may be left once the runs
are deleted.

Needs KUBEBUILDER_ASSETS. Limits: the containers answer with fixed receipts; nothing is computed.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))

import cluster_environment  # noqa: E402
import control_plane  # noqa: E402
import simulated_containers  # noqa: E402
from chaos import Campaign, Chaos  # noqa: E402
from control_plane import ControlPlane  # noqa: E402
from simulated_containers import SimulatedContainers  # noqa: E402

ITERATIONS = 4
RUN = {
    "spec.storage": {"type": "S3", "s3": {"bucket": "swarms"}},
    "spec.generators.count": 3,
    "spec.swarm": {"iterations": ITERATIONS},
    "spec.execution": {"kubernetes": {"inference": "VLLM", "maxAccelerators": 1, "trainer": {"accelerators": 1}}},
}


def run_campaign(plane: ControlPlane, folder: Path, arguments: argparse.Namespace) -> int:
    """Run the campaign and print its figures; return the number of runs and items that went wrong."""
    with cluster_environment.open_namespace(plane, plane.api, folder, "kills") as site:
        bench = SimulatedContainers(ITERATIONS, seconds=0.5)
        chaos = Chaos(site, bench, arguments.seed)
        runs = Campaign(chaos, lambda name: site.create(name, RUN), simulated_containers.undisturbed_result(ITERATIONS))
        try:
            runs.go(arguments.times, arguments.parallel, arguments.pause, lambda line: print(line, flush=True))
            for name in runs.ended:
                site.api.call("DELETE", f"{site.runs}/{name}")
            kinds = cluster_environment.CHILDREN
            site.until(lambda: not [one for kind in kinds for one in site.children(kind)], 120, "nothing is left")
        finally:
            chaos.close()
    for name, count in sorted(chaos.done.items()):
        print(f"{count:4d}  {name}")
    twice = sum(count > 1 for count in bench.begun.values())
    print(f"{len(runs.ended)} runs, {len(bench.store)} items, of which {twice} attempts had more than one pod")
    print(f"{chaos.count} faults; {len(runs.differing)} runs differ; {len(bench.faults)} items out of order")
    for line in (*runs.differing, *bench.faults):
        print(line)
    return len(runs.differing) + len(bench.faults)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=200, help="faults")
    parser.add_argument("--seed", type=int, default=0, help="draws the faults and their moments")
    parser.add_argument("--parallel", type=int, default=3, help="runs at the same time")
    parser.add_argument("--pause", type=float, default=3.0, help="maximum seconds between two faults")
    arguments = parser.parse_args()
    assets = control_plane.find_assets()
    if assets is None:
        raise SystemExit("KUBEBUILDER_ASSETS is unset; set it to a folder with etcd, kube-apiserver and its friends")
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as home:
        plane = ControlPlane(assets, Path(home))
        try:
            plane.api = plane.start_api()
            cluster_environment.await_crds(plane.api)
            cluster_environment.grant_rights(plane.api)
            plane.start_controllers()
            wrong = run_campaign(plane, Path(home), arguments)
        finally:
            plane.stop()
    print(f"{time.monotonic() - begun:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
