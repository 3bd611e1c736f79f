"""The shortest search of the arena that goes through every phase, for tests that run it often or kill it."""

from pathlib import Path
from typing import Any

import yaml
from s3_servers import Server
from swarmrun_documents import Patch, patched

NAME = "arithmetic-shortest"
SHORTEST: Patch = {
    "metadata.name": NAME,
    "spec.swarm": {"particles": 4, "iterations": 2, "patience": 3, "standard": {"start": "Generators", "scattered": 2}},
    "spec.evaluation": {"items": 24, "finalists": 2, "final": {"items": 24, "seeds": 1}},
}
IN_VLLM: Patch = {"spec.execution.local.inference": "VLLM"}


def write_document(arena: Path, *patches: Patch, name: str = "shortest") -> Path:
    """Write the document to `arena`, a writable folder, with `patches` applied in order."""
    document: dict[str, Any] = yaml.safe_load((arena / "short.yaml").read_text())
    for patch in (SHORTEST, *patches):
        document = patched(patch, document)
    file = arena / f"{name}.yaml"
    file.write_text(yaml.safe_dump(document))
    return file


def bucket_patch(server: Server, bucket: str) -> Patch:
    """A patch that uses a new bucket of `server` as the store."""
    place = server.bucket(bucket)
    return {"spec.storage": {"type": "S3", "s3": {"bucket": place.bucket, "endpoint": server.endpoint}}}


def names_folder(server: Server, bucket: str) -> Path:
    """The folder where a gateway keeps the names of the run as files."""
    return server.folder / bucket / NAME / "names"
