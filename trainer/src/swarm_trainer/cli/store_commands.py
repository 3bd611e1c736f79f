"""`dataswarm verify`, `gc` and `pin`, and where a run's store is: a run folder, or s3://BUCKET/PREFIX/NAME."""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from swarm_core.api.execution import S3Storage
from swarm_core.engine.work import Kind, WorkItem
from swarm_core.errors import BadInputError
from swarm_core.ports import ArtifactStore
from swarm_trainer.cli.output import DONE, print_result_line
from swarm_trainer.host import results
from swarm_trainer.maintenance import fork_origin
from swarm_trainer.run_store import receipt_store
from swarm_trainer.stores import store_location
from swarm_trainer.stores.local import LocalStore
from swarm_trainer.worker.layout import Layout

S3_SCHEME = "s3://"
HOUR_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class OpenedStore:
    """A run's store, and a folder for what is fetched of it."""

    store: ArtifactStore
    scratch: Path


def verify(arguments: argparse.Namespace) -> int:
    """Check every digest of a run and replay its search."""
    from swarm_trainer.maintenance import replay  # noqa: PLC0415 (brings torch)

    with open_run_store(arguments) as place:
        found = replay.verify(place.store, place.scratch, lambda _: None)
        taken = fork_origin.load(place.store)
    print_result_line(f"experiment {found.experiment}")
    if taken is not None:
        print_result_line(f"forked from {taken.uri} after iteration {taken.iteration}, commit {taken.commit}")
    print_result_line(f"last commit {found.last or 'none yet'}")
    print_result_line(
        f"good: {found.blobs} blobs, {found.rollouts} rollouts, {found.commits} iterations, and the swarm comes out of"
        " the rollouts as committed"
    )
    if found.thinned:
        print_result_line(
            f"{found.thinned} of the iterations gave up their rollouts (gc --keep): taken as their commits say"
        )
    return DONE


def gc(arguments: argparse.Namespace) -> int:
    """List what nothing leads to, or delete it."""
    from swarm_trainer.maintenance import garbage_collection  # noqa: PLC0415 (brings torch)
    from swarm_trainer.stores import store_listing  # noqa: PLC0415 (brings boto3)

    with open_run_store(arguments) as place:
        listing = store_listing.open_listing(place.store)
        found = garbage_collection.scan(
            place.store,
            listing,
            garbage_collection.CollectionPolicy(arguments.grace_hours * HOUR_SECONDS, arguments.keep),
        )
        deleting = garbage_collection.sweep(place.store, listing, found.garbage) if arguments.delete else found.garbage
        for thing in deleting:
            what = "an unfinished upload" if thing.upload else f"{thing.size:,} bytes"
            print_result_line(f"{'deleted' if arguments.delete else 'would delete'} {thing.key} ({what})")
    print_result_line(
        f"{len(found.garbage)} of {found.kept + found.young + len(found.garbage)} things, {found.size:,} bytes;"
        f" {found.young} younger than {arguments.grace_hours:g} h are left"
        + ("" if arguments.delete else "; nothing was deleted: say --delete")
    )
    return DONE


def pin(arguments: argparse.Namespace) -> int:
    """Keep an iteration, or no longer."""
    from swarm_trainer.maintenance import retention  # noqa: PLC0415
    from swarm_trainer.stores import store_listing  # noqa: PLC0415 (brings boto3)
    from swarm_trainer.stores.store_listing import StoredObject  # noqa: PLC0415

    with open_run_store(arguments) as place:
        if arguments.remove:
            store_listing.open_listing(place.store).delete(
                StoredObject(f"names/{retention.pin_key(arguments.iteration)}", 0, 0.0)
            )
        else:
            retention.pin(place.store, arguments.iteration)
    print_result_line(f"iteration {arguments.iteration} is {'no longer ' if arguments.remove else ''}pinned")
    return DONE


def export_from_bucket(arguments: argparse.Namespace, destination: Path) -> None:
    """Copy what a run in a bucket left to `destination`. Raises BadInputError before it has concluded."""
    with open_run_store(arguments) as place:
        concluded = receipt_store.load(place.store, WorkItem(Kind.CONCLUDE).key)
        if concluded is None:
            raise BadInputError(f"{arguments.folder} has no result yet; run it to its end")
        layout = Layout(place.scratch / "run")
        layout.root.mkdir()
        results.install(layout, place.store, concluded)
        results.export(layout, destination)


def is_bucket_uri(uri: str | Path) -> bool:
    """Whether a run is given by the address of a bucket."""
    return str(uri).startswith(S3_SCHEME)


@contextmanager
def open_run_store(arguments: argparse.Namespace) -> Iterator[OpenedStore]:
    """The store that `arguments.folder` names. Raises BadInputError if there is none."""
    with tempfile.TemporaryDirectory(prefix="dataswarm.") as folder:
        scratch = Path(folder)
        if is_bucket_uri(arguments.folder):
            yield OpenedStore(store_location.open_store(parse_bucket_uri(arguments), scratch), scratch)
            return
        layout = Layout(Path(arguments.folder).absolute())
        if not layout.store.is_dir():
            raise BadInputError(
                f"{arguments.folder} holds no store; give a run's folder, or s3://BUCKET/PREFIX/NAME of one in a bucket"
            )
        yield OpenedStore(LocalStore(layout.store), scratch)


def parse_bucket_uri(arguments: argparse.Namespace) -> S3Storage:
    """The place that an s3:// address names. Raises BadInputError, naming the part that is wrong."""
    bucket, _, prefix = str(arguments.folder).removeprefix(S3_SCHEME).partition("/")
    fields = {"bucket": bucket, "prefix": prefix.strip("/"), "endpoint": arguments.endpoint, "region": arguments.region}
    try:
        return S3Storage.model_validate(fields)
    except ValidationError as error:
        fault = error.errors()[0]
        words = f"{fault['loc'][0]}: {fault['msg']}"
        raise BadInputError(f"{arguments.folder}: {words}; write s3://BUCKET/PREFIX/NAME") from None
