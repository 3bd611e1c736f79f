"""What a pod is told and what it tells: its item, its surroundings, its last words."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import swarmrun_documents as documents

from swarm_core.api import loading, parts, resolution
from swarm_core.api.execution import Device, InferenceType
from swarm_core.api.resolved import ResolvedSpec
from swarm_core.engine.work import MAX_RECEIPT_BYTES, Failed, FailureReason, Kind, Receipt, WorkItem
from swarm_core.errors import BadInputError
from swarm_core.recipe import Digest, digest_bytes
from swarm_trainer.inference import vllm_server
from swarm_trainer.inference.endpoint import Endpoint, ExternalServers, FixedEndpoint
from swarm_trainer.pod import pod_context, termination_message, work
from swarm_trainer.run_store import pins, receipt_store
from swarm_trainer.runtime import engines
from swarm_trainer.runtime.context import Context
from swarm_trainer.sources.fetching import Pin
from swarm_trainer.stores.local import LocalStore
from swarm_trainer.worker import session
from swarm_trainer.worker.messages import FailedAttempt

SEED = WorkItem(Kind.TRAIN, parent=digest_bytes(b"the experiment"))
BUCKET = {"type": "S3", "s3": {"bucket": "swarms"}}


def resolved(**patch: object) -> ResolvedSpec:
    """A spec on a cluster; `patch` sets fields by their path, `__` for a dot."""
    dotted = {"spec." + path.replace("__", "."): value for path, value in patch.items()}
    return resolution.resolve_run(loading.parse_object(documents.patched({"spec.storage": BUCKET, **dotted}), "test"))


def test_a_pod_of_an_indexed_job_finds_its_seed_by_its_index() -> None:
    keys = "train.generators.002,train.takers.005"
    found = work.select_item(SEED, {"JOB_COMPLETION_INDEX": "1", "DATASWARM_ITEMS": keys})
    assert (found.key, found.parent) == ("train.takers.005", SEED.parent)
    assert work.select_item(SEED, {}).key == "train.generators.000"


@pytest.mark.parametrize("place", ["{broken", '{"bucket": 3}', "/a/folder"])
def test_a_place_to_purge_that_is_no_bucket_is_not_tried_again(place: str, tmp_path: Path) -> None:
    last = tmp_path / "message"
    command = [sys.executable, "-m", "swarm_trainer.pod", "purge", "--place", place, "--message", str(last)]
    assert subprocess.run(command, capture_output=True, timeout=120, check=False).returncode == 65
    told = json.loads(last.read_bytes())["failed"]
    assert told["reason"] == "BadInput"
    assert told["message"].startswith(f"--place {place!r}: not a bucket")


HELD = """
import runpy, signal, sys, types
command = types.ModuleType("swarm_trainer.pod.command")
command.main = lambda: 0 if signal.SIGTERM in signal.pthread_sigmask(signal.SIG_BLOCK, ()) else 1
sys.modules[command.__name__] = command
runpy.run_module("swarm_trainer.pod", run_name="__main__")
"""
"""The command of a pod, whose long imports are replaced by a look at the signals that wait."""


def test_a_pod_that_is_told_to_end_while_it_imports_does_not_miss_it() -> None:
    assert subprocess.run([sys.executable, "-c", HELD], timeout=120, check=False).returncode == 0


def test_other_work_has_no_index_of_a_job() -> None:
    item = WorkItem(Kind.ITERATE, index=7)
    assert work.select_item(item, {"JOB_COMPLETION_INDEX": "0"}) == item


def test_a_job_with_more_completions_than_indexes_is_refused() -> None:
    with pytest.raises(ValueError, match="JOB_COMPLETION_INDEX is 2, but DATASWARM_ITEMS lists 2"):
        work.select_item(
            SEED, {"JOB_COMPLETION_INDEX": "2", "DATASWARM_ITEMS": "train.generators.000,train.generators.004"}
        )


@pytest.mark.parametrize(
    ("reason", "code"), [(FailureReason.BAD_INPUT, 65), (FailureReason.LOST, 75), (FailureReason.ERROR, 1)]
)
def test_the_exit_code_tells_whether_another_attempt_can_help(reason: FailureReason, code: int) -> None:
    assert termination_message.exit_code(FailedAttempt("prepare", Failed(1, reason, "x"))) == code


def test_a_receipt_is_told_as_it_stands_in_the_store() -> None:
    receipt = Receipt("prepare", {"experiment": digest_bytes(b"")}, {"clusters": "4"})
    assert termination_message.exit_code(receipt) == 0
    assert termination_message.encode(receipt) == receipt.to_bytes()


@pytest.mark.parametrize("text", ["plain", "é" * 9000, "\U0001f41d" * 9000, '"\\' * 9000, "\x00\x1b\n" * 9000])
def test_no_failure_is_longer_than_a_termination_message_may_be(text: str) -> None:
    data = termination_message.encode(FailedAttempt("iterate.generators.0007", Failed(3, FailureReason.ERROR, text)))
    assert len(data) < MAX_RECEIPT_BYTES
    told = json.loads(data)["failed"]
    assert (told["key"], told["attempt"], told["reason"]) == ("iterate.generators.0007", 3, "Error")
    assert told["message"][:3] == text[:3] or "\x00" in text


@pytest.mark.parametrize(
    ("quota", "most"), [("max 100000", 10**6), ("50000 100000", 1), ("100000 100000", 1), ("9900000 100000", 99)]
)
def test_a_pod_uses_the_cores_of_its_limit(tmp_path: Path, quota: str, most: int) -> None:
    file = tmp_path / "cpu.max"
    file.write_text(quota + "\n")
    assert pod_context.count_cores(file) == min(most, len(os.sched_getaffinity(0)))


def test_without_a_limit_a_pod_uses_all_cores(tmp_path: Path) -> None:
    assert pod_context.count_cores(tmp_path / "absent") == len(os.sched_getaffinity(0))


def test_on_a_cluster_servers_write_the_texts_unless_the_spec_says_local() -> None:
    for said in ("Auto", "VLLM"):
        hosted = pod_context.resolve_execution(resolved(execution__kubernetes={"inference": said}))
        assert hosted.execution.local.inference is InferenceType.VLLM
        assert hosted.execution.local.lanes == pod_context.MIN_LANES
    hosted = pod_context.resolve_execution(resolved(execution__kubernetes={"inference": "Local"}))
    assert hosted.execution.local.inference is InferenceType.LOCAL
    assert hosted.execution.local.lanes == 1


def test_a_pod_works_on_the_device_it_was_given_and_keeps_the_experiment() -> None:
    spec = resolved(execution__local={"device": "cpu", "threads": 2})
    hosted = pod_context.resolve_execution(spec)
    assert (hosted.execution.local.device, hosted.execution.local.threads) == (Device.AUTO, 2)
    assert resolution.spec_digest(hosted) == resolution.spec_digest(spec)


def test_servers_are_those_of_the_environment_and_none_beside_the_local_engine() -> None:
    environment = {"DATASWARM_SERVERS": '{"s3://m/base": "http://base:8000"}', "DATASWARM_SERVER_KEY": "sesame"}
    served = pod_context.resolve_execution(resolved())
    assert pod_context.find_servers(served, environment) == ExternalServers(
        {"s3://m/base": "http://base:8000"}, "sesame"
    )
    assert pod_context.find_servers(served, {}) == ExternalServers({}, None)
    assert "sesame" not in repr(pod_context.find_servers(served, environment))
    alone = pod_context.resolve_execution(resolved(execution__kubernetes={"inference": "Local"}))
    assert pod_context.find_servers(alone, environment) is None


def test_pods_without_a_bucket_are_refused() -> None:
    with pytest.raises(BadInputError, match=r"spec\.storage: pods share no folder"):
        pod_context.require_bucket(resolved(storage=None))


def test_a_server_in_a_cluster_listens_to_it_and_takes_what_the_spec_gives() -> None:
    served = vllm_server.ServerConfig(
        base=Digest("b" * 64), folder=Path("/m"), name=vllm_server.ModelName("n"), rank=8,
        adapters_per_batch=2, live_adapters=4, cpu=False,
        host="0.0.0.0", tensor_parallel=2, memory_fraction=0.5, extra_arguments=("--max-num-seqs=64",),
    )  # fmt: skip
    words = vllm_server.build_command(served, 8000)
    flags = dict(itertools.pairwise(words))
    assert (flags["--host"], flags["--port"]) == ("0.0.0.0", "8000")
    assert (flags["--tensor-parallel-size"], flags["--gpu-memory-utilization"]) == ("2", "0.5")
    assert "--max-num-seqs=64" in words


def test_each_base_is_asked_at_the_address_given_for_its_model() -> None:
    base, other = Digest("b" * 64), Digest("c" * 64)
    stock = engines.ServedModels({base: Path("/cache/base")}, lambda _: Path("/nowhere"), ())
    told = ExternalServers(
        {"s3://m/base": "http://base:8000", "s3://m/unpinned": "http://x", "s3://m/other": "http://y"}, "k"
    )
    hosts = engines.list_external_servers(told, stock, {"s3://m/base": base, "s3://m/other": other})
    assert hosts == {base: FixedEndpoint(Endpoint("http://base:8000", Path("/cache/base"), "k"))}


def test_a_server_that_cannot_be_says_so_and_ends(tmp_path: Path) -> None:
    order, said = tmp_path / "order.json", tmp_path / "message"
    order.write_text("{}")
    command = [sys.executable, "-m", "swarm_trainer.pod", "serve", "--model", "base", "--order", str(order)]
    done = subprocess.run(
        [*command, "--cache", str(tmp_path), "--message", str(said)], check=False, capture_output=True, timeout=60
    )
    assert done.returncode == 1
    assert json.loads(said.read_bytes())["failed"]["key"] == "serve"


def test_a_store_that_holds_another_experiment_is_refused_though_its_receipt_is_there(tmp_path: Path) -> None:
    """A run that is deleted and made anew under its old name, with another spec, must not end in the old results."""
    store, item = LocalStore(tmp_path / "store"), WorkItem(Kind.PREPARE)
    pinned = {use.uri: Pin(digest_bytes(use.uri.encode()), use.uri) for use in resolution.list_uris(resolved(seed=1))}
    pins.publish(store, pinned)
    prepared = resolution.serialize_identity(
        resolved(seed=1), pins.digests(pinned), parts.identify_parts(resolved(seed=1))
    )
    store.publish(pins.IDENTITY_KEY, prepared)
    receipt = Receipt(item.key, {"experiment": digest_bytes(b"")})
    store.publish(receipt_store.key(item.key), receipt.to_bytes())

    def carried_out(spec: ResolvedSpec) -> Receipt:
        return session.build_executor(Context(spec, store, tmp_path, tmp_path, session.reject_progress))(
            item, lambda _: None
        )

    assert carried_out(resolved(seed=1)) == receipt
    with pytest.raises(BadInputError, match=r"spec\.seed: not as in the experiment that this store holds"):
        carried_out(resolved(seed=2))
    with pytest.raises(BadInputError, match=r"'models/new' is no input of the experiment"):
        carried_out(resolved(base__model="models/new"))
