"""Reads the result of a work item from a pod that has ended: its receipt, or the reason why there is none.

    container                                              result
    exit code 0 and the receipt of this item               done
    exit code 0 and anything else                          error: a wait changes nothing, but a new attempt may help
    exit code 65, or a message with that reason            bad input
    exit code 75; ended by the cluster, or never started   lost
    killed for memory, or evicted for disk                 error that names the field to raise
    anything else                                          error with the text of its message

The kubelet silently cuts a message at 4,096 bytes. So a message may not be valid JSON, and no part of it is guessed.
"""

import json
from dataclasses import dataclass

from swarm_core.engine import state_update
from swarm_core.engine.container_contract import EXIT_BAD_INPUT, EXIT_DONE, EXIT_DRAINED
from swarm_core.engine.state import EngineState
from swarm_core.engine.work import Done, Failed, FailureReason, Receipt, WorkItem
from swarm_core.errors import ErrorCode
from swarm_core.text import printable
from swarm_operator.common.children import ContainerExit, Pod

SIGKILL_EXIT_CODE, SIGTERM_EXIT_CODE = 137, 143
"""Exit codes for SIGKILL and SIGTERM. Our containers never return them on their own."""
MESSAGE_BYTES = 240
"""The longest message of an attempt in a status. 64 of them and the rest of a status fit in 64 KiB."""


@dataclass(frozen=True, slots=True)
class FailureMessage:
    """A termination message that says why there is no receipt."""

    reason: str
    message: str
    code: str = ""
    """The cause in one word; empty if there is none."""


def read_outcome(pod: Pod, item: WorkItem) -> Done | Failed:
    """The result of `item` from `pod`, which has ended."""
    at = pod.ended or pod.deleted or pod.created
    if is_evicted_by_limit(pod):
        message = fit_into_status(f"{pod.disruption}; {EVICTION_ADVICE}")
        return Failed(pod.attempt, FailureReason.ERROR, message, at, ErrorCode.EVICTED)
    if pod.exit is None:
        message = pod.disruption or "the pod ended before its container started"
        return Failed(pod.attempt, FailureReason.LOST, fit_into_status(message), at)
    if pod.exit.code == EXIT_DONE:
        receipt = parse_receipt(pod.exit.message, item)
        return Done(receipt) if receipt else Failed(pod.attempt, FailureReason.ERROR, UNREADABLE_RECEIPT, at)
    message, code = _read_failure(pod, pod.exit)
    return Failed(pod.attempt, _failure_reason(pod, pod.exit), fit_into_status(message), at, code)


def is_evicted_by_limit(pod: Pod) -> bool:
    """Whether the node evicted a pod that exceeded a limit of its own, such as that of ephemeral storage."""
    return pod.disruption.startswith("Evicted") and not pod.disrupted


EVICTION_ADVICE = "raise ephemeralStorage in spec.execution.kubernetes, or set modelCache"
UNREADABLE_RECEIPT = (
    "the container exited with code 0 but left no readable receipt; the next attempt finds the finished work and"
    " writes the receipt again"
)


def parse_receipt(message: str, item: WorkItem) -> Receipt | None:
    """The receipt of `item` in a termination message. None for any other message."""
    try:
        receipt = Receipt.from_bytes(message.encode())
        state_update.apply_receipt(EngineState(), item, receipt)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return receipt


def parse_failure(message: str) -> FailureMessage:
    """The reason and text of a failure. A message that is not JSON yields its last line as the text."""
    try:
        fields = json.loads(message)["failed"]
        return FailureMessage(str(fields["reason"]), str(fields["message"]), str(fields.get("code", "")))
    except (ValueError, TypeError, KeyError):
        return FailureMessage("", message.strip().rpartition("\n")[2])


def format_purge_outcome(message: str) -> str:
    """The report of a purge pod as text."""
    try:
        purged = json.loads(message)["purged"]
        return f"{int(purged['objects'])} objects, {int(purged['size']):,} bytes"
    except (ValueError, TypeError, KeyError):
        return fit_into_status(parse_failure(message).message) or "its pod did not say why"


def fit_into_status(text: str, most: int = MESSAGE_BYTES) -> str:
    """`text` as one line of printable characters with at most `most` bytes."""
    encoded = printable.to_single_line(text).encode()
    if len(encoded) <= most:
        return encoded.decode()
    return encoded[: most - 3].decode(errors="ignore") + "…"


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


def _read_failure(pod: Pod, exited: ContainerExit) -> tuple[str, str]:
    """The message and the code of a failure."""
    if pod.disrupted and pod.disruption:
        return pod.disruption, ""
    if exited.reason == ErrorCode.OUT_OF_MEMORY:
        return (
            "OOMKilled: the container needs more memory; raise spec.execution.kubernetes.trainer.memory or"
            " spec.execution.kubernetes.worker.memory"
        ), ErrorCode.OUT_OF_MEMORY
    failure = parse_failure(exited.message)
    return failure.message or f"the container ended with exit code {exited.code}", failure.code
