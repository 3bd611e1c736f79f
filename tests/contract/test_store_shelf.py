"""What lies in a bucket, for collection: objects and unfinished uploads of this run, and of no other."""

import uuid

import pytest
import s3_servers
from s3_servers import Server

from swarm_trainer.stores.bucket import Bucket
from swarm_trainer.stores.shelf import BucketShelf

DIGEST = "0" * 64


@pytest.fixture(params=["versitygw", "moto"])
def server(request: pytest.FixtureRequest, keys: None) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


def test_an_unfinished_upload_is_seen_and_aborted_and_another_runs_is_not(server: Server, moto: Server) -> None:
    place = server.bucket(f"shelf-{uuid.uuid4().hex[:8]}", "team/run")
    client = s3_servers.boto(server.endpoint)
    begun = {
        prefix: client.create_multipart_upload(Bucket=place.bucket, Key=f"{prefix}/blobs/00/{DIGEST}")["UploadId"]
        for prefix in ("team/run", "team/run-two", "team")
    }
    client.put_object(Bucket=place.bucket, Key="team/run/probe/x", Body=b"1")
    shelf = BucketShelf(Bucket(place))
    things = list(shelf.things())
    assert [(thing.key, thing.upload) for thing in things] == [
        ("probe/x", ""),
        (f"blobs/00/{DIGEST}", begun["team/run"]),
    ]
    assert things[1].age < 60 or server.endpoint == moto.endpoint  # moto dates every upload to 2010
    for _ in range(2):
        shelf.discard(things[1])
    left = client.list_multipart_uploads(Bucket=place.bucket).get("Uploads", ())
    assert {one["UploadId"] for one in left} == {begun["team/run-two"], begun["team"]}
