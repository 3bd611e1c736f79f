"""The API client on a real server, and the fake cluster, with the same tests."""

import asyncio
import socket
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import cluster_environment
import pytest
import swarmrun_documents as documents
from control_plane import ADMIN, ControlPlane
from fake_cluster import FakeCluster

from swarm_operator.api_client import client, token_bucket
from swarm_operator.api_client.cluster import (
    AlreadyExistsError,
    ApiError,
    Cluster,
    ConflictError,
    NotFoundError,
    NotLeaderError,
    ObjectReference,
)

pytestmark = pytest.mark.cluster
Ask = Callable[[Callable[[Cluster], Awaitable[Any]]], Any]


@pytest.fixture(params=["fake", "real"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Run a question to its end."""
    if request.param == "fake":
        fake = FakeCluster()
        return lambda question: asyncio.run(question(fake))
    plane: ControlPlane = request.getfixturevalue("plane")
    cluster_environment.await_crds(plane.api)
    return lambda question: asyncio.run(connected(plane, question))


async def connected(
    plane: ControlPlane, question: Callable[[Cluster], Awaitable[Any]], seconds: float = 5, **changes: Any
) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", str(plane.write_kubeconfig(plane.home / "client.kubeconfig", ADMIN, **changes)))
        api = await client.connect()
    told: list[tuple[Any, ...]] = []
    limit = token_bucket.TokenBucket(0, 1, asyncio.get_running_loop().time)
    try:
        answer = await question(client.AioCluster(api, lambda: seconds, limit, lambda *call: told.append(call)))
    finally:
        await api.close()
    assert told or not seconds
    return answer


def config(data: dict[str, str] | None = None, **metadata: Any) -> dict[str, Any]:
    name = f"c-{uuid.uuid4().hex[:8]}"
    about = {"name": name, "namespace": "default", **metadata}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": about, "data": data or {"a": "1"}}


def target(thing: Any) -> ObjectReference:
    return ObjectReference(thing["kind"], thing["metadata"]["namespace"], thing["metadata"]["name"])


def test_what_is_created_is_read_back_with_uid_and_version(ask: Ask) -> None:
    async def question(cluster: Cluster) -> None:
        made = await cluster.create(config())
        assert made["metadata"]["uid"]
        assert int(made["metadata"]["resourceVersion"]) > 0
        assert (await cluster.read(target(made)))["data"] == {"a": "1"}

    ask(question)


def test_a_name_is_taken_once(ask: Ask) -> None:
    async def question(cluster: Cluster) -> None:
        manifest = config()
        await cluster.create(manifest)
        with pytest.raises(AlreadyExistsError):
            await cluster.create(manifest)

    ask(question)


def test_a_list_is_of_all_with_a_label_and_not_older_than_they(ask: Ask) -> None:
    async def question(cluster: Cluster) -> None:
        mark = uuid.uuid4().hex
        made = [await cluster.create(config(labels={"mark": mark})) for _ in range(3)]
        await cluster.create(config())
        for selector in ("mark", f"mark={mark}"):
            listing = await cluster.list("ConfigMap", "default", selector)
            assert {thing["metadata"]["uid"] for thing in made} <= {t["metadata"]["uid"] for t in listing.objects}
            assert int(listing.version) >= int(made[-1]["metadata"]["resourceVersion"])
        assert len((await cluster.list("ConfigMap", None, f"mark={mark}")).objects) == 3

    ask(question)


def test_a_list_longer_than_a_page_is_whole(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PAGE_SIZE", 2)

    async def question(cluster: Cluster) -> None:
        mark = uuid.uuid4().hex
        for _ in range(5):
            await cluster.create(config(labels={"mark": mark}))
        assert len((await cluster.list("ConfigMap", "default", f"mark={mark}")).objects) == 5

    ask(question)


def test_a_merge_patch_changes_what_it_names_and_only_in_the_version_it_names(ask: Ask) -> None:
    async def question(cluster: Cluster) -> None:
        made = await cluster.create(config({"a": "1", "b": "2"}))
        fences = {name: made["metadata"][name] for name in ("uid", "resourceVersion")}
        patched = await cluster.patch(target(made), {"metadata": fences, "data": {"a": "3", "b": None}})
        assert patched["data"] == {"a": "3"}
        with pytest.raises(ConflictError):
            await cluster.patch(target(made), {"metadata": fences, "data": {"a": "4"}})
        with pytest.raises(ConflictError):
            await cluster.patch(target(made), {"metadata": {"uid": "another"}, "data": {"a": "4"}})

    ask(question)


def test_a_delete_is_of_one_uid(ask: Ask) -> None:
    async def question(cluster: Cluster) -> None:
        made = await cluster.create(config())
        with pytest.raises(ConflictError):
            await cluster.delete(target(made), "another")
        assert await cluster.delete(target(made), made["metadata"]["uid"]) is None
        with pytest.raises(NotFoundError):
            await cluster.delete(target(made), made["metadata"]["uid"])
        with pytest.raises(NotFoundError):
            await cluster.read(target(made))

    ask(question)


def test_what_a_finalizer_holds_is_going_and_not_gone(ask: Ask) -> None:
    async def question(cluster: Cluster) -> None:
        made = await cluster.create(config(finalizers=["dataswarm.io/test"]))
        going = await cluster.delete(target(made), made["metadata"]["uid"])
        assert going is not None
        assert going["metadata"]["deletionTimestamp"]
        free = [{"op": "add", "path": "/metadata/finalizers", "value": []}]
        gone = await cluster.patch(target(made), free)
        assert gone["metadata"]["deletionTimestamp"]
        assert not gone["metadata"].get("finalizers")
        with pytest.raises(NotFoundError):
            await cluster.read(target(made))

    ask(question)


def run() -> dict[str, Any]:
    """A SwarmRun that the server accepts."""
    name = f"r-{uuid.uuid4().hex[:8]}"
    return documents.patched({"metadata.name": name, "metadata.namespace": "default"})


def test_a_status_is_written_whole_for_one_uid_and_one_version(ask: Ask) -> None:
    async def question(cluster: Cluster) -> None:
        made = await cluster.create(run())
        for status in ({"phase": "Preparing", "message": "a"}, {"phase": "Seeding"}):
            there = await cluster.read(target(made))
            body = [*fences(there), {"op": "add", "path": "/status", "value": status}]
            written = await cluster.patch(target(made), body, "status")
            assert {name: written["status"].get(name) for name in ("phase", "message")} == {"message": None, **status}
            assert written["spec"] == made["spec"]
        stale = [*fences(made), {"op": "add", "path": "/status", "value": {"phase": "Failed"}}]
        with pytest.raises(ConflictError):
            await cluster.patch(target(made), stale, "status")
        other = [*fences({**written, "metadata": {**written["metadata"], "uid": "another"}}), stale[-1]]
        with pytest.raises(ConflictError):
            await cluster.patch(target(made), other, "status")

    ask(question)


def fences(thing: Any) -> list[dict[str, Any]]:
    metadata = thing["metadata"]
    return [
        {"op": "test", "path": "/metadata/uid", "value": metadata["uid"]},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]},
    ]


def test_without_leadership_nothing_is_sent(plane: ControlPlane) -> None:
    async def question(cluster: Cluster) -> None:
        with pytest.raises(NotLeaderError):
            await cluster.create(config())

    asyncio.run(connected(plane, question, seconds=0))


def test_a_call_ends_though_nobody_answers(plane: ControlPlane) -> None:
    async def question(cluster: Cluster) -> None:
        with pytest.raises(ApiError, match=r"no response within 0\.2 s"):
            await cluster.list("Pod", None)

    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, and says nothing
        address = f"https://127.0.0.1:{silent.getsockname()[1]}"
        asyncio.run(connected(plane, question, 0.2, server=address))


def test_a_refusal_keeps_the_servers_words(plane: ControlPlane) -> None:
    async def question(cluster: Cluster) -> None:
        with pytest.raises(ApiError, match=r"metadata\.name"):
            await cluster.create({**config(), "metadata": {"name": "../../x", "namespace": "default"}})
        with pytest.raises(ApiError):
            await cluster.read(ObjectReference("ConfigMap", "../../kube-system", "a/b"))

    asyncio.run(connected(plane, question))


def test_a_field_that_the_server_does_not_know_is_refused_by_name_and_not_dropped(plane: ControlPlane) -> None:
    affinity = {"nodeAffinity": {"required": {"nodeSelectorTerms": []}}}
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "i"}], "affinity": affinity}
    metadata = {"name": "misspelled", "namespace": "default"}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": {"spec": pod}}}

    async def question(cluster: Cluster) -> None:
        with pytest.raises(ApiError, match=r"nodeAffinity\.required") as refused:
            await cluster.create(job)
        assert refused.value.status == 400

    asyncio.run(connected(plane, question))
