"""Validates digests and keys before they become part of a path or of an address. Every store has the same rules."""

import re

DIGEST_PATTERN = re.compile(r"[0-9a-f]{64}")
SEGMENT_PATTERN = re.compile(r"[A-Za-z0-9._=-]+")


def check_digest(digest: str) -> None:
    """Raises ValueError unless `digest` is a digest, because it becomes part of a path."""
    if not DIGEST_PATTERN.fullmatch(digest):
        raise ValueError(f"{digest!r}: a digest is 64 lower-case hexadecimal digits; pass what put() returned")


def check_key(key: str) -> None:
    """Raises ValueError unless `key` is a valid key, because it becomes part of a path."""
    for segment in key.split("/"):
        if not SEGMENT_PATTERN.fullmatch(segment) or segment in {".", ".."}:
            raise ValueError(
                f"{key!r}: a key consists of names of A-Z a-z 0-9 . _ = - joined by '/', and no name is '.' or '..';"
                " rename it"
            )
