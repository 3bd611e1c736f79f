"""Digests and keys, checked before they become part of a path or of an address. Every store takes the same ones."""

import re

DIGEST_PATTERN = re.compile(r"[0-9a-f]{64}")
SEGMENT_PATTERN = re.compile(r"[A-Za-z0-9._=-]+")


def check_digest(digest: str) -> None:
    """Raises ValueError unless `digest` is one: it becomes part of a path."""
    if not DIGEST_PATTERN.fullmatch(digest):
        raise ValueError(f"{digest!r}: a digest is 64 lower-case hexadecimal digits; pass what put() returned")


def check_key(key: str) -> None:
    """Raises ValueError unless `key` is one: it becomes part of a path."""
    for segment in key.split("/"):
        if not SEGMENT_PATTERN.fullmatch(segment) or segment in {".", ".."}:
            raise ValueError(
                f"{key!r}: a key is names of A-Z a-z 0-9 . _ = - joined by '/', none '.' or '..'; rename it"
            )
