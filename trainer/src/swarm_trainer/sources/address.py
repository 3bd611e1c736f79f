"""The URIs of a spec, taken apart: a place of this machine, an object of a bucket, a repository of the hub.

Limits: the form was checked when the spec was read (`swarm_core.api.scalars`); this only takes it apart.
"""

import re
from dataclasses import dataclass, replace

from swarm_core.api.scalars import REPOSITORY, REVISION

S3, HF = "s3://", "hf://"
COMMIT = re.compile("[0-9a-f]{40}")
FORM = re.compile(f"{HF}(?P<repository>{REPOSITORY})(?P<revision>{REVISION})?(/(?P<path>.*))?")
DATASETS = "datasets/"
BRANCH = "main"
"""What the hub takes for a revision that is not given."""


@dataclass(frozen=True, slots=True)
class Object:
    """An object of a bucket, or all below a prefix."""

    bucket: str
    key: str
    """Without a slash at either end; empty is the bucket's top."""

    def __str__(self) -> str:
        return f"{S3}{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository of the hub at a revision, or a part of it."""

    name: str
    """ORG/NAME."""
    dataset: bool
    revision: str
    """A branch, a tag or a commit."""
    path: str
    """A folder or a file in it; empty is the whole."""

    def __str__(self) -> str:
        kind, path = DATASETS if self.dataset else "", f"/{self.path}" if self.path else ""
        return f"{HF}{kind}{self.name}@{self.revision}{path}"

    @property
    def fixed(self) -> bool:
        """Whether the revision is a commit, which never moves."""
        return COMMIT.fullmatch(self.revision) is not None

    def at(self, commit: str) -> "Repository":
        return replace(self, revision=commit)


def remote(uri: str) -> bool:
    """Whether what lies at `uri` has to be fetched."""
    return uri.startswith((S3, HF))


def parsed(uri: str) -> Object | Repository:
    """The parts of a remote URI. Raises ValueError for one that is not well-formed."""
    if uri.startswith(S3):
        bucket, _, key = uri.removeprefix(S3).partition("/")
        return Object(bucket, key.strip("/"))
    form = FORM.fullmatch(uri)
    if form is None:
        raise ValueError(f"{uri!r}: no address of the hub; write hf://ORG/NAME@REVISION")
    repository = form["repository"].removeprefix("models/")
    return Repository(
        name=repository.removeprefix(DATASETS),
        dataset=repository.startswith(DATASETS),
        revision=(form["revision"] or f"@{BRANCH}")[1:].replace("%2F", "/"),
        path=(form["path"] or "").strip("/"),
    )
