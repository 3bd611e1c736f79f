"""What a pod that is over says about its item: its receipt, or why there is none.

    container                                          is
    exit 0 and the receipt of this item                done
    exit 0 and anything else                           an error: waiting would bring nothing, trying again may
    exit 65, or a message that says so                 bad input
    exit 75; a pod the cluster ended or never started  lost
    killed for memory                                  an error that names the field to raise
    anything else                                      an error in the words of its message

The kubelet cuts a message at 4,096 bytes without a word, so one that is no JSON is expected and never guessed at.
"""

import json
from dataclasses import dataclass

from swarm_core.engine import state_update
from swarm_core.engine.container_contract import EXIT_BAD_INPUT, EXIT_DONE, EXIT_DRAINED
from swarm_core.engine.state import EngineState
from swarm_core.engine.work import Done, Failed, FailureReason, Receipt, WorkItem
from swarm_core.text import printable
from swarm_operator.common.children import ContainerExit, Pod

SIGKILL_EXIT_CODE, SIGTERM_EXIT_CODE = 137, 143
"""Exit codes that no container of ours chooses: SIGKILL and SIGTERM, as shells count them."""
MESSAGE_BYTES = 240
"""Of a message: 64 of them and the rest of a status stay under 64 KiB."""


@dataclass(frozen=True, slots=True)
class FailureMessage:
    """A termination message that says why there is no receipt."""

    reason: str
    message: str


def read_outcome(pod: Pod, item: WorkItem) -> Done | Failed:
    """What `pod`, which is over, says about `item`."""
    at = pod.ended or pod.deleted or pod.created
    if pod.exit is None:
        return Failed(pod.attempt, FailureReason.LOST, "the pod ended before its container began", at)
    if pod.exit.code == EXIT_DONE:
        receipt = parse_receipt(pod.exit.message, item)
        return Done(receipt) if receipt else Failed(pod.attempt, FailureReason.ERROR, UNREADABLE_RECEIPT, at)
    return Failed(pod.attempt, _failure_reason(pod, pod.exit), shorten(_failure_message(pod.exit)), at)


UNREADABLE_RECEIPT = (
    "ended well but left no receipt that can be read; the next attempt finds the work done and says it again"
)


def parse_receipt(message: str, item: WorkItem) -> Receipt | None:
    """The receipt of `item` in a termination message; None if it is anything else."""
    try:
        receipt = Receipt.from_bytes(message.encode())
        state_update.apply_receipt(EngineState(), item, receipt)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return receipt


def parse_failure(message: str) -> FailureMessage:
    """What a message says, as far as it can be read."""
    try:
        fields = json.loads(message)["failed"]
        return FailureMessage(str(fields["reason"]), str(fields["message"]))
    except (ValueError, TypeError, KeyError):
        return FailureMessage("", message.strip().rpartition("\n")[2])


def format_purge_outcome(message: str) -> str:
    """What a pod that purges said, in words."""
    try:
        purged = json.loads(message)["purged"]
        return f"{int(purged['objects'])} objects, {int(purged['size']):,} bytes"
    except (ValueError, TypeError, KeyError):
        return shorten(parse_failure(message).message) or "it did not say why"


def shorten(text: str) -> str:
    """`text` in one line of printable characters and at most WORDS_BYTES."""
    encoded = printable.to_single_line(text).encode()
    if len(encoded) <= MESSAGE_BYTES:
        return encoded.decode()
    return encoded[: MESSAGE_BYTES - 3].decode(errors="ignore") + "…"


def _failure_reason(pod: Pod, exited: ContainerExit) -> FailureReason:
    if pod.disrupted or exited.code == EXIT_DRAINED:
        return FailureReason.LOST
    if (
        exited.reason != "OOMKilled"
        and exited.code in (SIGKILL_EXIT_CODE, SIGTERM_EXIT_CODE)
        and pod.deleted is not None
    ):
        return FailureReason.LOST
    if exited.code == EXIT_BAD_INPUT or parse_failure(exited.message).reason == FailureReason.BAD_INPUT:
        return FailureReason.BAD_INPUT
    return FailureReason.ERROR


def _failure_message(exited: ContainerExit) -> str:
    if exited.reason == "OOMKilled":
        return "OOMKilled: it needs more memory; raise memory of execution.kubernetes.trainer or .worker"
    message = parse_failure(exited.message).message
    return message or f"ended with exit code {exited.code}"
