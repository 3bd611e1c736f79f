"""The exit code of a pod, and the termination message that the operator reads from the pod's status.

    done      0    the receipt, as in the store
    failed    65   {"failed": {key, attempt, reason, code, message}}: the input is wrong, so another pod would fail too
              75   the same object: SIGTERM ended the pod. The attempt does not count, and the item is run again
              1    the same object: any other error

The kubelet cuts a message at 4,096 bytes, which would break the JSON. So a longer text is cut here first.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from swarm_core.engine.container_contract import EXIT_BAD_INPUT, EXIT_DONE, EXIT_DRAINED, EXIT_ERROR
from swarm_core.engine.work import MAX_RECEIPT_BYTES, Failed, FailureReason, Receipt
from swarm_core.text import printable
from swarm_trainer.worker.messages import FailedAttempt

EXIT_CODES: Mapping[FailureReason, int] = MappingProxyType(
    {FailureReason.BAD_INPUT: EXIT_BAD_INPUT, FailureReason.LOST: EXIT_DRAINED}
)
DEFAULT_PATH = Path("/dev/termination-log")
"""The file that the kubelet reads, unless the pod sets `terminationMessagePath`."""
MAX_TEXT_BYTES = 2048
"""The maximum size of an error's text in bytes. The whole message then stays far below the kubelet's limit."""


def exit_code(outcome: Receipt | FailedAttempt) -> int:
    """Return the exit code for this outcome."""
    return EXIT_DONE if isinstance(outcome, Receipt) else EXIT_CODES.get(outcome.failed.reason, EXIT_ERROR)


def encode(outcome: Receipt | FailedAttempt) -> bytes:
    """Return the termination message for this outcome: JSON, less than 4,096 bytes."""
    if isinstance(outcome, Receipt):
        return outcome.to_bytes()
    failed = outcome.failed
    fields = {
        "key": outcome.key,
        "attempt": failed.attempt,
        "reason": str(failed.reason),
        "code": failed.code,
        "message": cut_json_text(failed.message),
    }
    data = json.dumps({"failed": fields}, ensure_ascii=False).encode()
    assert len(data) < MAX_RECEIPT_BYTES  # quoting at most doubles printable text
    return data


def cut_json_text(text: str) -> str:
    """Return `text` on one line, without unprintable characters, in at most MAX_TEXT_BYTES as a JSON string."""
    plain = printable.replace_unprintable(text)
    while len(json.dumps(plain, ensure_ascii=False).encode()) > MAX_TEXT_BYTES:
        plain = plain[: len(plain) * 3 // 4] + "…"
    return plain


def write(outcome: Receipt | FailedAttempt, path: Path) -> None:
    """Write the termination message for this outcome to `path`. Raises OSError."""
    write_bytes(encode(outcome), path)


def write_bytes(data: bytes, path: Path) -> None:
    """Write a termination message to `path`. Raises OSError."""
    path.write_bytes(data)


def drained_outcome(key: str, attempt: int) -> FailedAttempt:
    """Return the outcome of a pod that SIGTERM ended."""
    message = "ended by SIGTERM; results that were not published are computed again"
    return FailedAttempt(key, Failed(attempt, FailureReason.LOST, message))
