"""What is left of a purge that ends anywhere: the beginning of a run, and never a name that leads nowhere."""

import re
from dataclasses import dataclass, field

import pytest

from swarm_core.ports import StoreError
from swarm_trainer.stores import purging
from swarm_trainer.stores.purging import PurgeReport
from swarm_trainer.stores.store_listing import StoredObject

DIGEST = "ab" * 32
NAMES = [
    "HEAD",
    "usage.json",
    "live.json",
    "prepare/experiment.json",
    "receipts/prepare.json",
    "receipts/iterate.generators.0001.json",
    *(f"iterations/{at:04d}/{name}" for at in range(12) for name in ("COMMIT.json", "rollouts/p00.jsonl.zst")),
    "iterations/0003/COMMIT.json.x",
]
BLOBS = [f"blobs/ab/{DIGEST}", f"probe/{'0' * 32}", f"tmp/{'1' * 32}"]
THEIRS = ["notes.txt", "names/names/HEAD", f"names/blobs/ab/{DIGEST}", "blobs/ab/short", f"two/blobs/ab/{DIGEST}"]


@dataclass
class Heap:
    """A listing that may break after so many objects were deleted."""

    left: list[str]
    most: int = 10**9
    reborn: int = 0
    """Things that somebody writes again."""
    gone: list[str] = field(default_factory=list)

    def objects(self) -> list[StoredObject]:  # type: ignore[override]
        return [StoredObject(key, 1, 0.0) for key in self.left]

    def delete(self, stored: StoredObject) -> None:
        if len(self.gone) >= self.most:
            raise StoreError("down")
        self.gone.append(stored.key)
        if self.reborn:
            self.reborn -= 1
        else:
            self.left.remove(stored.key)


def heap(**settings: int) -> Heap:
    return Heap([f"names/{name}" for name in NAMES] + BLOBS + THEIRS, **settings)


@pytest.fixture(autouse=True)
def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purging, "THREADS", 1)


def test_everything_of_the_run_goes_and_nothing_else() -> None:
    listing, heard = heap(), list[PurgeReport]()
    whole = PurgeReport(len(NAMES) + len(BLOBS), len(NAMES) + len(BLOBS))
    assert purging.purge(listing, heard.append) == whole
    assert listing.left == THEIRS
    assert heard[-1] == whole
    assert purging.purge(listing, heard.append) == PurgeReport()


@pytest.mark.parametrize("most", range(len(NAMES) + len(BLOBS)))
def test_what_an_interrupted_purge_leaves_is_the_beginning_of_the_run(most: int) -> None:
    listing = heap(most=most)
    with pytest.raises(StoreError, match="down"):
        purging.purge(listing, lambda _: None)
    left = {key.removeprefix("names/") for key in listing.left}
    named = left & set(NAMES)
    commits = sorted(int(found[1]) for key in named if (found := re.fullmatch(r"iterations/(\d+)/COMMIT.json", key)))
    assert commits == list(range(len(commits)))
    assert "HEAD" not in named or len(commits) == 12
    assert not any(key.startswith("receipts/") for key in named) or "HEAD" in named
    assert all(f"iterations/{at:04d}/rollouts/p00.jsonl.zst" in named for at in commits)
    assert not named or set(BLOBS) <= left
    listing.most = 10**9
    purging.purge(listing, lambda _: None)
    assert listing.left == THEIRS


def test_whoever_still_writes_is_waited_for_but_not_for_ever() -> None:
    listing = heap(reborn=2)
    purging.purge(listing, lambda _: None)
    assert listing.left == THEIRS
    listing = heap(reborn=10**6)
    with pytest.raises(StoreError, match="written while the run is being deleted"):
        purging.purge(listing, lambda _: None)
