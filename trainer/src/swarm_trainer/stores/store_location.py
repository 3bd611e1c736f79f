"""The location of a store: a folder of this machine, or a bucket.

`format_location` writes it as one text for a process that is started to read the store: a folder's absolute path, or a
bucket's settings as JSON. Credentials are not part of it. Every process finds them by the usual chain of AWS tools.
"""

from pathlib import Path

from swarm_core.api.execution import S3Storage
from swarm_core.ports import ArtifactStore
from swarm_trainer.meter import Meter
from swarm_trainer.stores.local import LocalStore

StoreLocation = Path | S3Storage


def format_location(location: StoreLocation) -> str:
    """The text of `location`."""
    return location.model_dump_json() if isinstance(location, S3Storage) else str(location.absolute())


def parse(text: str) -> StoreLocation:
    """The location that `format_location` wrote as `text`. Raises ValueError for invalid settings of a bucket."""
    return S3Storage.model_validate_json(text) if text.startswith("{") else Path(text)


def open_store(location: StoreLocation, cache: Path, meter: Meter | None = None) -> ArtifactStore:
    """The store at `location`. `cache` receives the blobs of a bucket; `meter` counts bytes. Raises StoreError."""
    if not isinstance(location, S3Storage):
        return LocalStore(location, meter)
    from swarm_trainer.stores.s3 import S3Store  # noqa: PLC0415 (boto3 takes a while, and most runs need none)

    return S3Store(location, cache, meter=meter)
