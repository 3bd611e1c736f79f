"""Runs on a cluster: created from the arena, watched to their end, and compared with the bucket."""

import json
import posixpath
import secrets
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from command_line import DATASWARM, ENVIRONMENT
from e2e_cluster import NAMESPACE, SYSTEM, Cluster, Object

from swarm_core.api.execution import S3Storage
from swarm_core.ports import ArtifactStore
from swarm_trainer.run_store import receipt_store
from swarm_trainer.stores import store_listing, store_location
from swarm_trainer.stores.local import LocalStore

INPUTS, RUNS = "e2e-inputs", "e2e-runs"
PREFIX = f"team-{secrets.token_hex(4)}"
"""The prefix of this session. Without it, a cluster that was used before would have finished runs of the same name."""
SECRET = "store"
CHILDREN = "jobs,pods,deployments,replicasets,services,configmaps,secrets,persistentvolumeclaims"
SMALL = {"accelerators": 0, "cpu": "200m", "memory": "3Gi"}
"""For a CPU, and for many runs on a small node."""
RUN_SECONDS = 1500
"""For a run of two or three minutes. On a busy machine it has taken sixteen."""
SERVERS = {"cpu": "200m", "memory": "5Gi", "startupSeconds": 1200, "idleSeconds": 60}
"""For a run with servers: vLLM takes a while to start."""
ACCELERATOR = "nvidia.com/gpu"


def document(file: Path, name: str, endpoint: str, **cluster: Any) -> Object:
    """The run of `file` with its inputs and its store on the S3 server; `cluster` is execution.kubernetes."""
    run: Object = yaml.safe_load(file.read_text())
    spec = run["spec"]
    run["metadata"] = {"name": name, "namespace": NAMESPACE}
    spec["base"]["model"] = input_uri(file, spec["base"]["model"])
    spec["generators"]["data"]["uri"] = input_uri(file, spec["generators"]["data"]["uri"])
    if run["kind"] == "AdversarialRun":
        spec["takers"]["data"]["uri"] = input_uri(file, spec["takers"]["data"]["uri"])
    else:
        for taker in spec["takers"]:
            taker["adapter"] = input_uri(file, taker["adapter"])
    s3 = {"bucket": RUNS, "prefix": PREFIX, "endpoint": endpoint, "region": "us-east-1"}
    spec["storage"] = {"type": "S3", "s3": {**s3, "credentialsSecretRef": {"name": SECRET}}}
    worker = {"cpu": SMALL["cpu"], "memory": SMALL["memory"]}
    spec["execution"]["kubernetes"] = {"trainer": SMALL, "worker": worker, **cluster}
    return run


def input_uri(file: Path, path: str) -> str:
    """The URI on the S3 server of a relative path in `file`."""
    return f"s3://{INPUTS}/{posixpath.normpath(f'{file.parent.name}/{path}')}"


def kind_and_name(run: str) -> tuple[str, str]:
    """Kind and name of `run`: KIND/NAME, or the name of a SwarmRun."""
    kind, _, name = run.rpartition("/")
    return kind or "swarmrun", name


def open_store(cluster: Cluster, name: str, cache: Path) -> ArtifactStore:
    """The store of a run. The environment must contain the keys of the cluster's S3 server."""
    place = S3Storage(
        bucket=RUNS, prefix=f"{PREFIX}/{kind_and_name(name)[1]}", endpoint=cluster.endpoint, region="us-east-1"
    )
    return store_location.open_store(place, cache)


def read_status(cluster: Cluster, name: str) -> Object:
    found: Object = cluster.get(*kind_and_name(name), "--namespace", NAMESPACE).get("status", {})
    return found


def await_status(cluster: Cluster, name: str, enough: Callable[[Object], bool], seconds: float) -> Object:
    """Wait until the status suffices. Fails the test, with all details, if the run fails or takes too long."""
    with watch_statuses(cluster, name, seconds) as lines:
        for line in lines:
            found: Object = json.loads(line) if line.strip() else {}
            if enough(found):
                return found
            if found.get("phase") == "Failed":
                break
    raise AssertionError(f"{name} within {seconds:.0f} s: {describe_run(cluster, name)}")


@contextmanager
def watch_statuses(cluster: Cluster, name: str, seconds: float) -> Iterator[Any]:
    """The statuses of a run as they come, one line of JSON each, for at most `seconds`."""
    command = [cluster.kubectl, "--kubeconfig", str(cluster.kubeconfig), "get", *kind_and_name(name)]
    command += ["--namespace", NAMESPACE, "--watch", "--output", 'jsonpath={.status}{"\\n"}']
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    try:
        yield process.stdout
    finally:
        timer.cancel()
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def await_idle(cluster: Cluster, name: str) -> None:
    """Wait until nothing of the run is active: each pod was ended, or ended by itself just before."""
    for _ in range(120):
        pods = cluster.get(
            "pods", "--namespace", NAMESPACE, "--selector", f"dataswarm.io/run={kind_and_name(name)[1]}"
        )["items"]
        if not [pod for pod in pods if pod["status"].get("phase") in ("Pending", "Running")]:
            return
        time.sleep(0.9)
    raise AssertionError(f"pods of {name} still work after it was suspended")


def edit(cluster: Cluster, name: str, **spec: Any) -> None:
    """Change fields of the spec."""
    patch = json.dumps({"spec": spec})
    cluster.run("patch", *kind_and_name(name), "--namespace", NAMESPACE, "--type", "merge", "--patch", patch)


def run_disturbed(cluster: Cluster, name: str, count: str) -> Object:
    """The status of a run that succeeded although it was suspended midway and its operators were killed.

    `count` is the name of an iteration in its status.
    """
    await_status(cluster, name, lambda found: (found.get(count) or 0) >= 1, RUN_SECONDS)
    edit(cluster, name, suspend=True)
    await_idle(cluster, name)
    before = read_status(cluster, name)[count]
    kill_operators(cluster)
    edit(cluster, name, suspend=False)
    found = await_status(cluster, name, has_succeeded, RUN_SECONDS)
    assert 1 <= before < found[count]
    return found


def assert_same_receipts(cluster: Cluster, name: str, folder: Path, cache: Path) -> list[str]:
    """Check that every receipt of the run in `folder` equals the one in the bucket. Returns their keys."""
    there, here = open_store(cluster, name, cache), LocalStore(folder / "store")
    keys = sorted(path.stem for path in (folder / "store" / "names" / "receipts").glob("*.json"))
    for key in keys:
        assert receipt_store.load(there, key) == receipt_store.load(here, key), key
    return keys


def kill_operators(cluster: Cluster) -> None:
    """Kill the operators as the loss of a node does: they cannot release the Lease."""
    cluster.run(
        "delete", "pod", "--namespace", SYSTEM, "--selector", "app.kubernetes.io/name=dataswarm", "--force",
        "--grace-period=0",
    )  # fmt: skip


def has_succeeded(found: Mapping[str, Any]) -> bool:
    return found.get("phase") == "Succeeded"


def describe_run(cluster: Cluster, name: str) -> str:
    """All details of a failed run that the cluster has."""
    where = ("--namespace", NAMESPACE)
    return "\n".join(
        [
            json.dumps({**read_status(cluster, name), "engine": ""}, indent=1),
            cluster.run(
                "get", CHILDREN, *where, "--selector", f"dataswarm.io/run={kind_and_name(name)[1]}", "--output", "wide"
            ),
            cluster.run("get", "events", *where, "--sort-by", ".lastTimestamp")[-4000:],
            cluster.attempt(
                "logs", *where, "--selector", f"dataswarm.io/run={kind_and_name(name)[1]}", "--tail", "15", "--prefix"
            ).stdout[-4000:],
            cluster.operator_log()[-6000:],
        ]
    )


def children(cluster: Cluster, uid: str) -> list[str]:
    """All objects of the run with this uid."""
    found = cluster.run(
        "get", CHILDREN, "--namespace", NAMESPACE, "--selector", f"dataswarm.io/run-uid={uid}", "--output", "name"
    )
    return found.split()


def delete(cluster: Cluster, name: str) -> None:
    """Delete a run, and check that no child is left."""
    uid = cluster.get(*kind_and_name(name), "--namespace", NAMESPACE)["metadata"]["uid"]
    assert children(cluster, uid)
    cluster.run("delete", *kind_and_name(name), "--namespace", NAMESPACE)
    chosen = (CHILDREN, "--namespace", NAMESPACE, "--selector", f"dataswarm.io/run-uid={uid}")
    cluster.attempt("wait", "--for=delete", *chosen, "--timeout=90s")  # none left to wait for is an error to it
    assert not children(cluster, uid)


def purge(cluster: Cluster, name: str, cache: Path) -> None:
    """Delete a run with its results, and check that neither a child nor an object is left."""
    listing = store_listing.open_listing(open_store(cluster, name, cache))
    assert list(listing.objects())
    edit(cluster, name, deletionPolicy="Purge")
    held = "jsonpath={.metadata.finalizers[0]}=dataswarm.io/purge"
    cluster.run("wait", "/".join(kind_and_name(name)), "--namespace", NAMESPACE, "--for", held, "--timeout=60s")
    delete(cluster, name)
    assert list(listing.objects()) == []


def command_line(cluster: Cluster, command: str, name: str, *arguments: str) -> str:
    """The output of `dataswarm COMMAND` about the store of a run in the bucket."""
    place = [
        f"s3://{RUNS}/{PREFIX}/{kind_and_name(name)[1]}",
        *arguments,
        "--endpoint",
        cluster.endpoint,
        "--region",
        "us-east-1",
    ]
    environment = {**ENVIRONMENT, **cluster.keys, "AWS_EC2_METADATA_DISABLED": "true"}
    done = subprocess.run(
        [*DATASWARM, command, *place], capture_output=True, text=True, env=environment, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
