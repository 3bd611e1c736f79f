"""How a pod ends: its exit code, and the termination message that the operator reads from the pod's status.

    done      0    the receipt, as it stands in the store
    failed    65   {"failed": {key, attempt, reason, message}}, the input cannot work: another pod would fail as well
              75   the same, ended by SIGTERM: what was not published is made again, and it costs nothing
              1    the same, any other error

The kubelet cuts a message at 4,096 bytes without a word, so a longer one is cut here, where it stays readable.
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
"""Where the kubelet looks, unless the pod says otherwise."""
MAX_TEXT_BYTES = 2048
"""Of an error's message: with its quotes and the rest well under the limit."""


def exit_code(outcome: Receipt | FailedAttempt) -> int:
    """The exit code that tells this outcome."""
    return EXIT_DONE if isinstance(outcome, Receipt) else EXIT_CODES.get(outcome.failed.reason, EXIT_ERROR)


def encode(outcome: Receipt | FailedAttempt) -> bytes:
    """The termination message of this outcome, under 4,096 bytes."""
    if isinstance(outcome, Receipt):
        return outcome.to_bytes()
    failed = outcome.failed
    fields = {
        "key": outcome.key,
        "attempt": failed.attempt,
        "reason": str(failed.reason),
        "message": shorten(failed.message),
    }
    data = json.dumps({"failed": fields}, ensure_ascii=False).encode()
    assert len(data) < MAX_RECEIPT_BYTES  # quoting at most doubles printable text
    return data


def shorten(text: str) -> str:
    """`text` on one line, without what JSON would have to escape at length, in at most WORDS_BYTES when quoted."""
    plain = printable.replace_unprintable(text)
    while len(json.dumps(plain, ensure_ascii=False).encode()) > MAX_TEXT_BYTES:
        plain = plain[: len(plain) * 3 // 4] + "…"
    return plain


def write(outcome: Receipt | FailedAttempt, path: Path) -> None:
    """Leave the message of this outcome where the kubelet finds it. Raises OSError."""
    write_bytes(encode(outcome), path)


def write_bytes(data: bytes, path: Path) -> None:
    """Leave a message where the kubelet finds it. Raises OSError."""
    path.write_bytes(data)


def drained_outcome(key: str, attempt: int) -> FailedAttempt:
    """What a pod says that was told to end."""
    return FailedAttempt(key, Failed(attempt, FailureReason.LOST, "told to end; what was not published is made again"))
