"""Hundreds of documents at and beyond the limits of every field: each is refused or answered, and none blocks the
operator.

The schema yields the documents: each is a good one with one change. The API server must refuse a bad one, or the
condition `Validated` must be False and its message must name the field. A good one must be accepted. All of them are
suspended, so no Job starts.
"""

import random
from typing import Any

import generated_documents as generated
import pytest
import simulated_containers
import swarmrun_documents as documents
import yaml
from cluster_environment import ClusterNamespace
from simulated_containers import SimulatedContainers

from swarm_core.errors import BadInputError
from swarm_operator.common import cluster_run
from swarm_operator.settings import Settings

pytestmark = pytest.mark.cluster
ITERATIONS = 2
SUITED: documents.Patch = {**simulated_containers.LOCAL, "spec.swarm": {"iterations": ITERATIONS}}
BAD = 300
GOOD = 60
BY_HAND: tuple[tuple[str, Any], ...] = (
    ("spec.base.model", "file:///../../etc/shadow\n"),
    ("spec.base.model", "s3://bucket/../../x y"),
    ("spec.base.model", "https://user:secret@host/model"),
    ("spec.storage.s3.bucket", "../other"),
    ("spec.storage.s3.prefix", "a/../../b"),
    ("spec.storage.s3.prefix", "/absolute"),
    ("spec.storage.s3.endpoint", "http://user:key@store:1/"),
    ("spec.storage.s3.endpoint", "file:///etc/passwd"),
    ("spec.takers.0.name", "$(reboot)"),
    ("spec.takers.0.name", "x" * 64),
    ("spec.execution.kubernetes.queue", "a/b"),
    ("spec.execution.kubernetes.image.trainer", "image; rm -rf /"),
    ("spec.execution.kubernetes.acceleratorResource", "../gpu"),
    ("spec.execution.kubernetes.serviceAccountName", "kube-system/admin"),
    ("spec.execution.kubernetes.podTemplate.nodeSelector", {"a b": "c"}),
    ("spec.execution.kubernetes.podTemplate.env", [{"name": "PATH=/tmp", "value": "x"}]),
    ("spec.execution.kubernetes.servers", {"extraArgs": ["--trust-remote-code"]}),
    ("metadata.name", "../escape"),
    ("metadata.name", "UPPER"),
    ("metadata.name", "a" * 64),
)


def made() -> list[tuple[str, documents.Document]]:
    """Documents with the dotted path of the change: some written by hand, others from the schema in a fixed random
    order.
    """
    found = [(path, changed(path.split("."), value)) for path, value in BY_HAND]
    drawn = [
        (".".join(map(str, way)), changed(list(way), value))
        for way, schema in generated.SCHEMA_PATHS
        for value in (*generated.boundary_values(schema), *generated.JUNK)
    ]
    random.Random(1).shuffle(drawn)
    return found + drawn


def changed(path: list[Any], value: Any) -> documents.Document:
    document = documents.patched({**SUITED, "spec.suspend": True})
    documents.put(document, [int(part) if str(part).isdigit() else part for part in path], value)
    return document


def ours(document: documents.Document) -> str:
    """The reason why the operator would refuse it. Empty if it accepts it."""
    about = (
        {**document["metadata"], "uid": "u", "namespace": "default"} if isinstance(document["metadata"], dict) else {}
    )
    try:
        cluster_run.parse({**document, "metadata": about}, Settings())
    except BadInputError as error:
        return str(error)
    return ""


def test_three_hundred_bad_manifests_are_refused_by_name_and_hold_nobody_up(site: ClusterNamespace) -> None:
    bench = SimulatedContainers(ITERATIONS)
    site.node("n", bench.behave)
    operator = site.operator("a")
    bad = good = 0
    admitted: dict[str, tuple[str, str]] = {}
    for number, (path, document) in enumerate(made()):
        refusal = ours(document)
        if (refusal and bad >= BAD) or (not refusal and good >= GOOD):
            continue
        bad, good = bad + bool(refusal), good + (not refusal)
        if not path.startswith("metadata.name"):
            document["metadata"]["name"] = f"m-{number}"
        status, answer = site.api.call("POST", site.runs, written(document), "application/yaml")
        assert status in (201, 400, 422), answer
        if status == 201:
            admitted[answer["metadata"]["name"]] = (path, refusal)
        else:
            assert refusal, f"{path}: the server refuses what we take: {answer['message']}"
            assert named(path, answer["message"]), f"{path}: {answer['message']}"
    assert (bad, good) == (BAD, GOOD)
    site.create("sound", SUITED)
    assert site.succeeded("sound", 90)["status"]["result"] == simulated_containers.undisturbed_result(ITERATIONS)
    site.until(lambda: all(verdict(run) for run in site.api.items(site.runs)), 60, "all are answered")
    for run in site.api.items(site.runs):
        path, refusal = admitted.get(run["metadata"]["name"], ("", ""))
        status, message = verdict(run)
        assert (status == "False") == bool(refusal), f"{path}: {refusal or 'good'}: {status}: {message}"
        assert not refusal or named(path, message), f"{path}: {message}"
    assert set(bench.begun.values()) == {1}
    assert {key for _, key, _ in bench.begun} <= {key for _, key in bench.store}
    assert operator.alive()
    assert "Traceback" not in operator.log.read_text()


def written(document: documents.Document) -> str:
    return yaml.safe_dump(document, allow_unicode=True)


def named(path: str, message: str) -> bool:
    """Whether a message names the value at `path`, or a value that contains it."""
    parts = [part for part in path.split(".")[1:] if not part.isdigit()]
    return any(part in message for part in parts)


def verdict(run: Any) -> tuple[str, str] | None:
    """Status and message of `Validated`."""
    conditions = (run.get("status") or {}).get("conditions", ())
    return next(((one["status"], one["message"]) for one in conditions if one["type"] == "Validated"), None)
