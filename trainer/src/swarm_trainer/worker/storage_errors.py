"""Recognizes errors that say storage cannot be written, and explains them to the user in one line.

A retry cannot fix a full disk or a read-only folder; only the user can. Libraries wrap such errors, so the causes of an
error are searched too. A store explains its own errors, and a remote store marks an error that a retry cannot fix by
its class (`RefusedError`).
"""

import errno
import os
from collections.abc import Iterator

from swarm_core.ports import RefusedError, StoreError

REFUSAL_MESSAGES = {
    errno.ENOSPC: "the disk is full: free some space, or choose another folder with --folder, and run again",
    errno.EDQUOT: "the disk quota is used up: free some space, or choose another folder with --folder, and run again",
    errno.EROFS: "the file system is read-only: choose a writable folder with --folder",
    errno.EACCES: "permission denied: make it accessible, or choose another folder with --folder",
    errno.EPERM: "not permitted: make it accessible, or choose another folder with --folder",
}
"""The explanation for each error number that a retry cannot fix."""


def explain_refusal(error: BaseException) -> str | None:
    """Return the explanation if storage refused to be written; None for any other error."""
    for cause in walk_causes(error):
        if isinstance(cause, RefusedError):
            return str(cause)
        code = find_refusal_errno(cause)
        if code is not None:
            path = cause.filename if isinstance(cause, OSError) and cause.filename else "storage"
            explanations = [str(outer) for outer in walk_causes(error) if isinstance(outer, StoreError)]
            return explanations[0] if explanations else f"{path}: {REFUSAL_MESSAGES[code]}"
    return None


def find_refusal_errno(error: BaseException) -> int | None:
    """Return the errno of a refusal. Libraries such as safetensors and torch keep only the text of a full disk."""
    if isinstance(error, OSError) and error.errno in REFUSAL_MESSAGES:
        return error.errno
    return errno.ENOSPC if os.strerror(errno.ENOSPC) in str(error) else None


def walk_causes(error: BaseException) -> Iterator[BaseException]:
    """Yield `error` and its causes, outermost first."""
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__
