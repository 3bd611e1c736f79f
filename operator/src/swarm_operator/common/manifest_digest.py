"""The digest of the manifest that a child is created from, which the child carries as an annotation."""

import hashlib
import json

from swarm_operator.common import names
from swarm_operator.common.reconcile_plan import Object


def compute(manifest: Object) -> str:
    """32 hexadecimal digits of the SHA-256 of `manifest`."""
    return hashlib.sha256(json.dumps(manifest, sort_keys=True, default=dict).encode()).hexdigest()[:32]


def annotate(manifest: Object) -> Object:
    """`manifest` with its own digest as an annotation."""
    metadata = manifest["metadata"]
    annotations = {**(metadata.get("annotations") or {}), names.MANIFEST_ANNOTATION: compute(manifest)}
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}


def read(stored: Object) -> str | None:
    """The digest that a stored object carries. None if it carries none."""
    digest: str | None = (stored["metadata"].get("annotations") or {}).get(names.MANIFEST_ANNOTATION)
    return digest
