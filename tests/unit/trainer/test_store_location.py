"""Stores by where they are: what a process is told is the place it was told of."""

from pathlib import Path

import pytest

from swarm_core.api.execution import S3Storage
from swarm_trainer.stores import store_location
from swarm_trainer.stores.local import LocalStore
from swarm_trainer.stores.s3 import S3Store
from swarm_trainer.stores.store_location import StoreLocation

BUCKET = S3Storage(bucket="swarms", prefix="team-a/run", endpoint="http://127.0.0.1:9", region="eu-west-1")


@pytest.mark.parametrize("place", [Path("/srv/{run}/store"), BUCKET, BUCKET.model_copy(update={"single_writer": True})])
def test_a_place_that_is_told_is_heard_again(place: StoreLocation) -> None:
    assert store_location.parse(store_location.format_location(place)) == place


def test_a_relative_folder_is_told_as_an_absolute_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert store_location.format_location(Path("store")) == str(tmp_path / "store")


def test_no_key_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "its-name")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "its-secret")
    assert "its-" not in store_location.format_location(BUCKET)


def test_a_place_is_opened_as_the_store_that_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "its-name")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "its-secret")
    assert isinstance(store_location.open_store(tmp_path, tmp_path / "cache"), LocalStore)
    assert isinstance(store_location.open_store(BUCKET, tmp_path / "cache"), S3Store)


def test_settings_of_a_bucket_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="bucket"):
        store_location.parse("{}")
