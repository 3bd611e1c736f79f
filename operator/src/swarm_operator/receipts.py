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

from swarm_core.engine import absorb
from swarm_core.engine.container import BAD_INPUT, DONE, DRAINED
from swarm_core.engine.state import EngineState
from swarm_core.engine.work import Done, Failed, FailureReason, Receipt, WorkItem
from swarm_core.text import printable
from swarm_operator.children import Exit, Pod

KILLED, TERMINATED = 137, 143
"""Exit codes that no container of ours chooses: SIGKILL and SIGTERM, as shells count them."""
WORDS_BYTES = 240
"""Of a message: 64 of them and the rest of a status stay under 64 KiB."""


@dataclass(frozen=True, slots=True)
class Said:
    """A termination message that says why there is no receipt."""

    reason: str
    message: str


def observed(pod: Pod, item: WorkItem) -> Done | Failed:
    """What `pod`, which is over, says about `item`."""
    at = pod.ended or pod.deleted or pod.created
    if pod.exit is None:
        return Failed(pod.attempt, FailureReason.LOST, "the pod ended before its container began", at)
    if pod.exit.code == DONE:
        receipt = read(pod.exit.message, item)
        return Done(receipt) if receipt else Failed(pod.attempt, FailureReason.ERROR, UNREADABLE, at)
    return Failed(pod.attempt, _reason(pod, pod.exit), words(_message(pod.exit)), at)


UNREADABLE = "ended well but left no receipt that can be read; the next attempt finds the work done and says it again"


def read(message: str, item: WorkItem) -> Receipt | None:
    """The receipt of `item` in a termination message; None if it is anything else."""
    try:
        receipt = Receipt.from_bytes(message.encode())
        absorb.receipt(EngineState(), item, receipt)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return receipt


def said(message: str) -> Said:
    """What a message says, as far as it can be read."""
    try:
        fields = json.loads(message)["failed"]
        return Said(str(fields["reason"]), str(fields["message"]))
    except (ValueError, TypeError, KeyError):
        return Said("", message.strip().rpartition("\n")[2])


def purged(message: str) -> str:
    """What a pod that purges said, in words."""
    try:
        gone = json.loads(message)["purged"]
        return f"{int(gone['things'])} objects, {int(gone['size']):,} bytes"
    except (ValueError, TypeError, KeyError):
        return words(said(message).message) or "it did not say why"


def words(text: str) -> str:
    """`text` in one line of printable characters and at most WORDS_BYTES."""
    encoded = printable.line(text).encode()
    if len(encoded) <= WORDS_BYTES:
        return encoded.decode()
    return encoded[: WORDS_BYTES - 3].decode(errors="ignore") + "…"


def _reason(pod: Pod, ended: Exit) -> FailureReason:
    if pod.disrupted or ended.code == DRAINED:
        return FailureReason.LOST
    if ended.reason != "OOMKilled" and ended.code in (KILLED, TERMINATED) and pod.deleted is not None:
        return FailureReason.LOST
    if ended.code == BAD_INPUT or said(ended.message).reason == FailureReason.BAD_INPUT:
        return FailureReason.BAD_INPUT
    return FailureReason.ERROR


def _message(ended: Exit) -> str:
    if ended.reason == "OOMKilled":
        return "OOMKilled: it needs more memory; raise memory of execution.kubernetes.trainer or .worker"
    told = said(ended.message).message
    return told or f"ended with exit code {ended.code}"
