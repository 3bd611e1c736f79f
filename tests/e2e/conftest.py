"""Whole runs of the arena's tiny model, which really learns: on this machine, and on a cluster."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import e2e_cluster
import mesh_policies
import pytest
import s3_servers
import swarmruns
import warm_process
from arena_inputs import upload_folder
from command_line import ARENA, ENVIRONMENT, GAME, FinishedRun, dataswarm
from e2e_cluster import NAMESPACE, SYSTEM, Cluster
from made_once import made_once


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """The short run, undisturbed, once for all tests, which leave it as it is."""
    return undisturbed(ARENA / "short.yaml", tmp_path_factory, "run")


@pytest.fixture(scope="session")
def game(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """The short game, likewise."""
    return undisturbed(GAME / "short.yaml", tmp_path_factory, "game")


def undisturbed(file: Path, factory: pytest.TempPathFactory, name: str) -> FinishedRun:
    def make(folder: Path) -> None:
        done = dataswarm("run", file, "--folder", folder / "run")
        assert done.returncode == 0, done.stderr
        (folder / "output").write_text(done.stdout)

    made = made_once(factory, name, make)
    return FinishedRun(file, made / "run", (made / "output").read_text())


@pytest.fixture
def half(finished: FinishedRun, tmp_path: Path) -> Path:
    """A copy of the short run that has yet to conclude."""
    folder = Path(shutil.copytree(finished.folder, tmp_path / "half"))
    names = folder / "store" / "names"
    for left in ("receipts/conclude.json", "choice", "final"):
        path = names / left
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.rmtree(folder / "cache", ignore_errors=True)
    (folder / "state.json").unlink()
    return folder


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where a process listens that has imported everything: for what commands say and do, not for how they start."""
    with warm_process.serving(tmp_path_factory.mktemp("warm"), ENVIRONMENT) as place:
        yield place


@pytest.fixture
def arena(tmp_path: Path) -> Path:
    """A copy of the arena that a test may spoil; `short.yaml` lies in it."""
    return Path(shutil.copytree(ARENA, tmp_path / "arena"))


@pytest.fixture
def servers_keys(keys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The credentials, for the processes that the tests start too."""
    for name, value in s3_servers.KEYS.items():
        monkeypatch.setitem(ENVIRONMENT, name, value) if value else ENVIRONMENT.pop(name, None)
    monkeypatch.setitem(ENVIRONMENT, "AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def cluster(prepared: Cluster, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """The cluster, and the keys of its S3 server in the environment."""
    for name, value in {**prepared.keys, "AWS_EC2_METADATA_DISABLED": "true"}.items():
        monkeypatch.setenv(name, value)
    return prepared


@pytest.fixture
def mesh(cluster: Cluster) -> Iterator[None]:
    """The cluster adds a proxy to the pods whose label `mesh` names a form of it."""
    with mesh_policies.install(cluster):
        yield


@pytest.fixture
def accelerators(cluster: Cluster) -> Iterator[Callable[[int], None]]:
    """Lets the first node offer accelerators that it does not have; in the end it offers none."""
    e2e_cluster.require_variable(
        "DATASWARM_E2E_FAKE_GPUS", "set it where a node may offer accelerators that it does not have"
    )
    node = cluster.get("nodes")["items"][0]["metadata"]["name"]

    def offer(count: int) -> None:
        path = f"/status/%s/{swarmruns.ACCELERATOR.replace('/', '~1')}"
        patch = [{"op": "add", "path": path % part, "value": str(count)} for part in ("capacity", "allocatable")]
        cluster.run("patch", "node", node, "--subresource=status", "--type=json", "--patch", json.dumps(patch))

    yield offer
    offer(0)


@pytest.fixture(scope="session")
def prepared() -> Iterator[Cluster]:
    """The cluster with the operator on it, a namespace for runs, their keys and their inputs."""
    cluster = e2e_cluster.from_environment()
    prepare(cluster)
    yield cluster
    tear_down(cluster)


def prepare(cluster: Cluster) -> None:
    s3 = cluster.s3()
    there = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    for bucket in {swarmruns.INPUTS, swarmruns.RUNS} - there:
        s3.create_bucket(Bucket=bucket)
    for arena in (ARENA, ARENA.with_name("arithmetic-2")):
        for part in ("base", "takers"):
            upload_folder(s3, swarmruns.INPUTS, f"{arena.name}/{part}", arena / part)
    for data in (ARENA / "seeds.jsonl", GAME / "seeds.jsonl", GAME / "takers.jsonl"):
        s3.put_object(Bucket=swarmruns.INPUTS, Key=f"{data.parent.name}/{data.name}", Body=data.read_bytes())
    cluster.install("replicas=2")
    restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
    about = {"name": swarmruns.SECRET, "namespace": NAMESPACE}
    cluster.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": restricted}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": about, "stringData": cluster.keys},
    )


def tear_down(cluster: Cluster) -> None:
    """Leave the cluster as it was, but for the definition, which the chart keeps, and the buckets."""
    cluster.run("delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=90s")
    command = [cluster.helm, "--kubeconfig", str(cluster.kubeconfig), "uninstall", "dataswarm", "--namespace", SYSTEM]
    subprocess.run(command, capture_output=True, check=False, timeout=90)
    cluster.run("delete", "namespace", SYSTEM, "--ignore-not-found", "--timeout=60s")
