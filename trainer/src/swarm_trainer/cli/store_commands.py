"""`dataswarm verify`, `gc` and `pin`: they open the store of a run, in a run folder or at s3://BUCKET/PREFIX/NAME."""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pydantic import ValidationError

from swarm_core.api.execution import S3Storage
from swarm_core.engine.work import Kind, WorkItem
from swarm_core.errors import BadInputError
from swarm_core.ports import ArtifactStore
from swarm_trainer.cli.output import DONE, print_result_line
from swarm_trainer.host import results
from swarm_trainer.maintenance import fork_origin
from swarm_trainer.report.evaluation_tasks import TaskFormat
from swarm_trainer.run_store import receipt_store
from swarm_trainer.stores import store_location
from swarm_trainer.stores.local import LocalStore
from swarm_trainer.worker.layout import Layout

S3_SCHEME = "s3://"
HOUR_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class OpenedStore:
    """The store of a run, and a temporary folder for fetched blobs."""

    store: ArtifactStore
    scratch: Path


def verify(arguments: argparse.Namespace) -> int:
    """Check every digest of a run and replay its search. Raises StoreError or CorruptError at the first difference."""
    from swarm_trainer.maintenance import replay  # noqa: PLC0415 (brings torch)

    with open_run_store(arguments) as opened:
        report = replay.verify(opened.store, opened.scratch, lambda _: None)
        origin = fork_origin.load(opened.store)
    print_result_line(f"experiment {report.experiment}")
    if origin is not None:
        print_result_line(f"forked from {origin.uri} after iteration {origin.iteration}, commit {origin.commit}")
    print_result_line(f"last commit {report.last or 'none yet'}")
    print_result_line(
        f"verified: {report.blobs} blobs, {report.rollouts} rollouts, {report.commits} iterations;"
        " the rollouts reproduce the committed swarm"
    )
    if report.thinned:
        print_result_line(
            f"{report.thinned} of the iterations have no rollouts any more (gc --keep); their commits were trusted"
        )
    return DONE


def gc(arguments: argparse.Namespace) -> int:
    """List unused objects, or delete them. Raises BadInputError if the store is missing, StoreError."""
    from swarm_trainer.maintenance import garbage_collection  # noqa: PLC0415 (brings torch)
    from swarm_trainer.stores import store_listing  # noqa: PLC0415 (brings boto3)

    with open_run_store(arguments) as opened:
        listing = store_listing.open_listing(opened.store)
        report = garbage_collection.scan(
            opened.store,
            listing,
            garbage_collection.CollectionPolicy(arguments.grace_hours * HOUR_SECONDS, arguments.keep),
        )
        affected = (
            garbage_collection.sweep(opened.store, listing, report.garbage) if arguments.delete else report.garbage
        )
        for stored in affected:
            description = "an unfinished upload" if stored.upload else f"{stored.size:,} bytes"
            print_result_line(f"{'deleted' if arguments.delete else 'would delete'} {stored.key} ({description})")
    total = report.kept + report.young + len(report.garbage)
    print_result_line(
        f"{len(report.garbage)} of {total} objects are unused, {report.size:,} bytes;"
        f" {report.young} younger than {arguments.grace_hours:g} h were skipped"
        + ("" if arguments.delete else "; nothing was deleted, add --delete to delete them")
    )
    return DONE


def pin(arguments: argparse.Namespace) -> int:
    """Pin or unpin an iteration. Raises BadInputError if the store is missing, StoreError."""
    from swarm_trainer.maintenance import retention  # noqa: PLC0415
    from swarm_trainer.stores import store_listing  # noqa: PLC0415 (brings boto3)
    from swarm_trainer.stores.store_listing import StoredObject  # noqa: PLC0415

    with open_run_store(arguments) as opened:
        if arguments.remove:
            store_listing.open_listing(opened.store).delete(
                StoredObject(f"names/{retention.pin_key(arguments.iteration)}", 0, 0.0)
            )
        else:
            retention.pin(opened.store, arguments.iteration)
    print_result_line(f"iteration {arguments.iteration} is {'no longer ' if arguments.remove else ''}pinned")
    return DONE


def export_from_bucket(arguments: argparse.Namespace, destination: Path) -> None:
    """Copy the results of a run in a bucket to `destination`, or a task of them. Raises BadInputError if it has not
    concluded."""
    with open_run_store(arguments) as opened:
        concluded = receipt_store.load(opened.store, WorkItem(Kind.CONCLUDE).key)
        if concluded is None:
            raise BadInputError(f"{arguments.folder} has no result yet; run it to its end first")
        layout = Layout(opened.scratch / "run")
        layout.root.mkdir()
        results.install(layout, opened.store, concluded)
        write_export(layout, destination, arguments)


def write_export(layout: Layout, destination: Path, arguments: argparse.Namespace) -> None:
    """Copy the results to `destination`, or write its data set as the task that is asked for. Raises BadInputError."""
    if arguments.format is None:
        results.export(layout, destination)
    else:
        name = PurePosixPath(str(arguments.folder)).name
        results.export_task(layout, destination, TaskFormat(arguments.format), name)


def is_bucket_uri(uri: str | Path) -> bool:
    """Return whether `uri` is the address of a run in a bucket."""
    return str(uri).startswith(S3_SCHEME)


@contextmanager
def open_run_store(arguments: argparse.Namespace) -> Iterator[OpenedStore]:
    """Open the store that `arguments.folder` names, and a temporary folder. Raises BadInputError if there is none."""
    with tempfile.TemporaryDirectory(prefix="dataswarm.") as folder:
        scratch = Path(folder)
        if is_bucket_uri(arguments.folder):
            yield OpenedStore(store_location.open_store(parse_bucket_uri(arguments), scratch), scratch)
            return
        layout = Layout(Path(arguments.folder).absolute())
        if not layout.store.is_dir():
            raise BadInputError(
                f"{arguments.folder} contains no store; give the folder of a run, or s3://BUCKET/PREFIX/NAME"
            )
        yield OpenedStore(LocalStore(layout.store), scratch)


def parse_bucket_uri(arguments: argparse.Namespace) -> S3Storage:
    """Parse an s3:// address. Raises BadInputError, which names the part that is wrong."""
    bucket, _, prefix = str(arguments.folder).removeprefix(S3_SCHEME).partition("/")
    fields = {"bucket": bucket, "prefix": prefix.strip("/"), "endpoint": arguments.endpoint, "region": arguments.region}
    try:
        return S3Storage.model_validate(fields)
    except ValidationError as error:
        problem = error.errors()[0]
        reason = f"{problem['loc'][0]}: {problem['msg']}"
        raise BadInputError(f"{arguments.folder}: {reason}; write s3://BUCKET/PREFIX/NAME") from None
