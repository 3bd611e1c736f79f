"""Tells storage that cannot be written from every other error, in one line for the user.

A full disk or a read-only folder is no accident of one attempt: trying again cannot help, making room can. Libraries
wrap such errors, so the causes of an error are looked through as well; a store explains them itself, and a distant one
says by the error's class (`RefusedError`) that trying again cannot help.
"""

import errno
import os
from collections.abc import Iterator

from swarm_core.ports import RefusedError, StoreError

REFUSAL_MESSAGES = {
    errno.ENOSPC: "the disk is full: free some space, or give another place with --folder, and run again",
    errno.EDQUOT: "the disk quota is used up: free some space, or give another place with --folder, and run again",
    errno.EROFS: "the file system is read-only: give a place that can be written with --folder",
    errno.EACCES: "permission denied: make it accessible, or give another place with --folder",
    errno.EPERM: "not permitted: make it accessible, or give another place with --folder",
}


def explain_refusal(error: BaseException) -> str | None:
    """What to tell the user if storage refused; None for any other error."""
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
    """The errno of a refusal, also where a library (safetensors, torch) left only its text of a full disk."""
    if isinstance(error, OSError) and error.errno in REFUSAL_MESSAGES:
        return error.errno
    return errno.ENOSPC if os.strerror(errno.ENOSPC) in str(error) else None


def walk_causes(error: BaseException) -> Iterator[BaseException]:
    """`error` and what caused it, outermost first."""
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__
