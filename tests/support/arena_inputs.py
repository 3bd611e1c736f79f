"""Uploads the arena's inputs to where a run fetches them."""

from pathlib import Path
from typing import Any

import yaml


def upload_folder(client: Any, bucket: str, prefix: str, folder: Path) -> None:
    """Upload every file of a folder below a prefix, as `aws s3 cp --recursive` does."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            client.put_object(Bucket=bucket, Key=f"{prefix}/{path.relative_to(folder)}", Body=path.read_bytes())


def prefix_inputs(file: Path, before: str) -> Path:
    """Write the SwarmRun in `file` to a file beside it, with `before` in front of every path of its inputs."""
    document = yaml.safe_load(file.read_text())
    spec = document["spec"]
    spec["base"]["model"] = before + spec["base"]["model"]
    spec["generators"]["data"]["uri"] = before + spec["generators"]["data"]["uri"]
    for taker in spec["takers"]:
        taker["adapter"] = before + taker["adapter"]
    remote = file.with_name("remote.yaml")
    remote.write_text(yaml.safe_dump(document))
    return remote
