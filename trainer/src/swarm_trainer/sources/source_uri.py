"""Parses the URIs of a spec: a local path, an object of a bucket, or a repository of the hub.

Limits: `swarm_core.blocks.scalars` validates the form when the spec is read. This module only splits it.
"""

import re
from dataclasses import dataclass, replace

from swarm_core.blocks.scalars import REPOSITORY_PATTERN, REVISION_PATTERN

S3_SCHEME, HF_SCHEME = "s3://", "hf://"
COMMIT_PATTERN = re.compile("[0-9a-f]{40}")
HF_PATTERN = re.compile(
    f"{HF_SCHEME}(?P<repository>{REPOSITORY_PATTERN})(?P<revision>{REVISION_PATTERN})?(/(?P<path>.*))?"
)
DATASET_PREFIX = "datasets/"
DEFAULT_REVISION = "main"
"""The hub's default revision."""


@dataclass(frozen=True, slots=True)
class BucketObject:
    """An object of a bucket, or all objects below a prefix."""

    bucket: str
    key: str
    """Without a slash at either end. Empty is the top of the bucket."""

    def __str__(self) -> str:
        return f"{S3_SCHEME}{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class HubRepository:
    """A repository of the hub at a revision, or a part of it."""

    name: str
    """ORG/NAME."""
    dataset: bool
    revision: str
    """A branch, a tag or a commit."""
    path: str
    """A folder or a file in it. Empty is the whole repository."""

    def __str__(self) -> str:
        kind, path = DATASET_PREFIX if self.dataset else "", f"/{self.path}" if self.path else ""
        return f"{HF_SCHEME}{kind}{self.name}@{self.revision}{path}"

    @property
    def is_commit(self) -> bool:
        """Whether the revision is a commit, which never moves."""
        return COMMIT_PATTERN.fullmatch(self.revision) is not None

    def at_commit(self, commit: str) -> "HubRepository":
        return replace(self, revision=commit)


def is_remote(uri: str) -> bool:
    """Whether the content of `uri` has to be fetched."""
    return uri.startswith((S3_SCHEME, HF_SCHEME))


def parse(uri: str) -> BucketObject | HubRepository:
    """The parts of a remote URI. Raises ValueError for one that is not well-formed."""
    if uri.startswith(S3_SCHEME):
        bucket, _, key = uri.removeprefix(S3_SCHEME).partition("/")
        return BucketObject(bucket, key.strip("/"))
    form = HF_PATTERN.fullmatch(uri)
    if form is None:
        raise ValueError(f"{uri!r}: this is not an address of the hub; write hf://ORG/NAME@REVISION")
    repository = form["repository"].removeprefix("models/")
    return HubRepository(
        name=repository.removeprefix(DATASET_PREFIX),
        dataset=repository.startswith(DATASET_PREFIX),
        revision=(form["revision"] or f"@{DEFAULT_REVISION}")[1:].replace("%2F", "/"),
        path=(form["path"] or "").strip("/"),
    )
