"""What lies in a bucket, for collection: objects and unfinished uploads of this run, and of no other."""

import uuid
from pathlib import Path
from typing import Any

import pytest
import s3_servers
from s3_servers import Server

from swarm_trainer.stores import multipart, purging
from swarm_trainer.stores.purging import PurgeReport
from swarm_trainer.stores.s3 import S3Store
from swarm_trainer.stores.s3_bucket import Bucket
from swarm_trainer.stores.store_listing import BucketListing

DIGEST = "0" * 64


@pytest.fixture(params=["versitygw", "moto"])
def server(request: pytest.FixtureRequest, keys: None) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


def test_an_unfinished_upload_is_seen_and_aborted_and_another_runs_is_not(server: Server, moto: Server) -> None:
    place = server.bucket(f"listing-{uuid.uuid4().hex[:8]}", "team/run")
    client = s3_servers.boto(server.endpoint)
    begun = {
        prefix: client.create_multipart_upload(Bucket=place.bucket, Key=f"{prefix}/blobs/00/{DIGEST}")["UploadId"]
        for prefix in ("team/run", "team/run-two", "team")
    }
    client.put_object(Bucket=place.bucket, Key="team/run/probe/x", Body=b"1")
    listing = BucketListing(Bucket(place))
    objects = list(listing.objects())
    assert [(stored.key, stored.upload) for stored in objects] == [
        ("probe/x", ""),
        (f"blobs/00/{DIGEST}", begun["team/run"]),
    ]
    assert objects[1].age < 60 or server.endpoint == moto.endpoint  # moto dates every upload to 2010
    for _ in range(2):
        listing.delete(objects[1])
    left = client.list_multipart_uploads(Bucket=place.bucket).get("Uploads", ())
    assert {one["UploadId"] for one in left} == {begun["team/run-two"], begun["team"]}


def test_a_run_is_purged_whole_and_its_neighbours_are_left(server: Server, tmp_path: Path) -> None:
    place = server.bucket(f"purge-{uuid.uuid4().hex[:8]}", "team/run")
    store, client = S3Store(place, tmp_path / "cache"), s3_servers.boto(server.endpoint)
    large = tmp_path / "large"
    large.write_bytes(b"1" * (multipart.PART_BYTES + 1))
    digests = [store.put(large), store.put(b"2")]
    for number in range(12):
        store.publish(f"iterations/{number:04d}/COMMIT.json", b"{}")
    assert store.swap("HEAD", None, b"{}")
    begun = client.create_multipart_upload(Bucket=place.bucket, Key=f"team/run/blobs/00/{DIGEST}")
    theirs = {"team/run-two/HEAD", "team/run/notes.txt", "team/run/names/names/HEAD", f"team/blobs/00/{DIGEST}"}
    for key in theirs:
        client.put_object(Bucket=place.bucket, Key=key, Body=b"x")

    listing, heard = BucketListing(Bucket(place)), list[PurgeReport]()
    gone = purging.purge(listing, heard.append)
    assert gone == PurgeReport(len(digests) + 12 + 1 + 1, multipart.PART_BYTES + 2 + 12 * 2 + 2)
    assert heard[-1] == gone
    assert {one["Key"] for one in client.list_objects_v2(Bucket=place.bucket)["Contents"]} == theirs
    assert not [one for one in uploads(client, place.bucket) if one == begun["UploadId"]]
    assert purging.purge(listing, heard.append) == PurgeReport()


def uploads(client: Any, bucket: str) -> list[str]:
    return [one["UploadId"] for one in client.list_multipart_uploads(Bucket=bucket).get("Uploads", ())]
