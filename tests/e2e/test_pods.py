"""What runs in pods, run as processes with nothing in common but a bucket: the same run, whatever is ended."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import s3_servers
from command_line import ARENA, ENVIRONMENT, FinishedRun
from local_pods import Pods, write_order
from s3_servers import Server

from swarm_core.engine.phases import Phase
from swarm_core.engine.work import Kind, WorkItem
from swarm_trainer.run_store import receipt_store
from swarm_trainer.stores.local import LocalStore

KEYS = {**ENVIRONMENT, **{name: value for name, value in s3_servers.KEYS.items() if value}}


@pytest.fixture
def start(versitygw: Server, tmp_path: Path) -> Iterator[Callable[..., Pods]]:
    """Gives the pods of the short run, its store in a new bucket; `changes` replace text of its file."""
    made: list[Pods] = []

    def pods(bucket: str, **changes: str) -> Pods:
        place = versitygw.bucket(bucket)
        text = (ARENA / "short.yaml").read_text()
        for old, new in changes.items():
            text = text.replace(old, new)
        text = text.replace("execution: {local", "execution: {kubernetes: {inference: Local}, local")
        text += f"  storage: {{type: S3, s3: {{bucket: {place.bucket}, endpoint: '{versitygw.endpoint}'}}}}\n"
        file = tmp_path / "run.yaml"
        file.write_text(text)
        made.append(Pods(write_order(file, ARENA, tmp_path / "order.json"), tmp_path / "pods", KEYS))
        return made[-1]

    yield pods
    for one in made:
        one.close()


@pytest.mark.skipif("DATASWARM_E2E_KUBECONFIG" in os.environ, reason="the same is done on the cluster, and more")
@pytest.mark.timeout(900)
def test_pods_one_after_another_end_in_the_result_of_one_machine(
    finished: FinishedRun, versitygw: Server, start: Callable[..., Pods]
) -> None:
    run = start("pods")
    interrupted: list[str] = []

    def disturb(item: WorkItem) -> None:
        """Iteration 1 is told to end when it has a rollout, the third generator is killed while it is trained."""
        if item.key == "iterate.generators.0001":
            pod = run.start(item)
            await_file(versitygw.folder / "pods", "**/iterations/0001/rollouts/*", pod.process.poll)
            pod.process.send_signal(signal.SIGTERM)
            assert pod.ended() == 75, pod.log
            assert pod.failure["reason"] == "Lost"
            interrupted.append(item.key)
        if item.key == "train.generators.002":
            pod = run.start(item)
            await_file(pod.folder, "cache/artifacts/train.generators.002.*", pod.process.poll)
            pod.process.send_signal(signal.SIGKILL)
            assert pod.ended() == -signal.SIGKILL
            interrupted.append(item.key)

    end = run.run(disturb)
    assert end.phase is Phase.SUCCEEDED
    assert interrupted == ["train.generators.002", "iterate.generators.0001"]
    there = LocalStore(finished.folder / "store")
    for key, receipt in run.receipts.items():
        assert receipt == receipt_store.load(there, key), key

    # What is done is told again at once, by a pod that loads no model.
    again = run.start(WorkItem(Kind.CONCLUDE))
    assert again.ended() == 0, again.log
    assert again.message == run.receipts["conclude"].to_bytes()


def test_an_input_that_cannot_work_is_told_with_the_field_and_code_65(start: Callable[..., Pods]) -> None:
    run = start("bad-input", **{"base: {model: base,": "base: {model: no-such-folder,"})
    pod = run.start(WorkItem(Kind.PREPARE, attempt=2))
    assert pod.ended() == 65, pod.log
    assert pod.failure["key"] == "prepare"
    assert (pod.failure["attempt"], pod.failure["reason"]) == (2, "BadInput")
    assert str(pod.failure["message"]).startswith("spec.base.model: 'no-such-folder' is not a folder")


def test_a_key_that_the_store_does_not_take_is_the_users_to_mend_and_told_to_nobody(
    start: Callable[..., Pods],
) -> None:
    run = start("wrong-key")
    pod = run.start(WorkItem(Kind.TRAIN, index=1), AWS_SECRET_ACCESS_KEY="wrong-and-still-a-secret")
    assert pod.ended() == 65, pod.log
    assert "the store rejects this key" in str(pod.failure["message"])
    assert "secret" not in pod.log + pod.message.decode()


def await_file(folder: Path, pattern: str, ended: object) -> None:
    """Return when something matches; fail if the process ends first."""
    while not any(folder.glob(pattern)):
        assert ended() is None, "the pod ended before it could be disturbed"  # type: ignore[operator]
        time.sleep(0.02)
